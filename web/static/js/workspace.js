// After another conversation was swapped in: mark its row, name it in the tab, and put the keyboard at its start.
import { mark } from "./rows.js";

export default function workspace(element) {
  const title = document.title.split(" · ").slice(-2).join(" · ");
  const adopt = () => {
    const conversation = element.querySelector("[data-conversation]");
    document.body.classList.toggle("has-active", Boolean(conversation));
    document.body.classList.remove("side-open");
    const subject = conversation?.querySelector("h2")?.textContent;
    document.title = subject ? `${subject} · ${title}` : title;
    mark();
  };
  new MutationObserver((changes) => {
    const came = changes.flatMap((change) => [...change.addedNodes]).find((node) => node.id === "conversation");
    if (!came) return;
    adopt();
    came.focus({ preventScroll: true });
  }).observe(element, { childList: true });
}
