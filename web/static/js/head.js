// The head of the open conversation. The live connection sends it anew whenever it changed; while one of its menus is
// open (somebody is writing why it is solved) the new one waits until the menu is closed.
let waiting = null;

const busy = () => document.querySelector("#head details[open]");

document.addEventListener("htmx:before:swap", (event) => {
  const { tasks } = event.detail;
  const place = tasks.findIndex((task) => task.type === "partial" && task.target?.id === "head");
  if (place < 0 || !busy()) return;
  [{ fragment: { firstElementChild: waiting } }] = tasks.splice(place, 1);
});

document.addEventListener("toggle", (event) => {
  if (!waiting || !event.target.closest?.("#head") || busy()) return;
  document.getElementById("head").replaceWith(waiting);
  window.htmx.process(waiting);
  waiting = null;
}, true);

// The drawer of narrow screens begins below the head, however many lines that has.
const height = new ResizeObserver((entries) => {
  for (const { target } of entries) target.closest("#workspace")?.style.setProperty("--head", `${target.offsetHeight}px`);
});

export default function head(element) {
  waiting = null; // this one is the newest
  height.observe(element);
}
