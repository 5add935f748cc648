// Keeps the newest turn in sight unless the reader has scrolled up. A turn may arrive twice and in any order: as the
// answer to one's own reply, over the live connection, and again after a reconnect. It is shown once, in its place.
const NEAR_PX = 80;

function settle(log, node) {
  const first = node.id && log.querySelector(`#${CSS.escape(node.id)}`);
  if (first && first !== node) return node.remove();
  const seq = Number(node.dataset?.seq);
  if (!seq || node.parentNode !== log) return;
  let before = node;
  while (before.previousElementSibling && Number(before.previousElementSibling.dataset.seq) > seq) before = before.previousElementSibling;
  if (before !== node) log.insertBefore(node, before);
}

export default function transcript(log) {
  const toEnd = () => { log.scrollTop = log.scrollHeight; };
  let follows = true;
  log.addEventListener("scroll", () => { follows = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX; });
  new ResizeObserver(() => { if (follows) toEnd(); }).observe(log);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) settle(log, node);
    if (follows) toEnd();
  }).observe(log, { childList: true });
  const wanted = location.hash.startsWith("#turn-") && log.querySelector(`#${CSS.escape(location.hash.slice(1))}`);
  if (wanted) { follows = false; wanted.scrollIntoView({ block: "center" }); } else toEnd();
}
