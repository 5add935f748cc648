// Says that a request failed. The server's own words (a problem's detail) win over the general ones.
const SHOWN_MS = 8000;

function wordsOf(ctx, fallback) {
  try { return JSON.parse(ctx.text).detail || fallback; } catch { return fallback; }
}

export default function toast(element) {
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    element.textContent = text;
    element.hidden = false;
    timer = setTimeout(() => { element.hidden = true; }, SHOWN_MS);
  };
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    say(ctx.response.status === 401 ? element.dataset.signedOut : wordsOf(ctx, element.dataset.failed));
  });
  document.addEventListener("htmx:error", (event) => {
    // A live connection that drops reconnects by itself; only a lost action is worth a word.
    if (event.detail.ctx && !event.target.classList?.contains("live")) say(element.dataset.offline);
  });
}
