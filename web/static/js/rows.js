// The list of conversations is replaced whenever something happens anywhere. It keeps its scroll position and the
// keyboard's place, and marks the open conversation, which the server sends without knowing what this tab shows.
let place = { top: 0, conversation: "" };

export function mark() {
  const open = document.querySelector("#workspace [data-conversation]")?.dataset.conversation;
  for (const link of document.querySelectorAll("#rows [data-conversation]")) {
    const on = link.dataset.conversation === open;
    link.classList.toggle("on", on);
    if (on) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

export default function rows(list) {
  mark();
  list.scrollTop = place.top;
  if (document.activeElement === document.body && place.conversation) {
    list.querySelector(`[data-conversation="${CSS.escape(place.conversation)}"]`)?.focus({ preventScroll: true });
  }
  list.addEventListener("scroll", () => { place.top = list.scrollTop; });
  list.addEventListener("focusin", (event) => { place.conversation = event.target.dataset.conversation ?? ""; });
  list.addEventListener("focusout", () => { if (list.isConnected) place.conversation = ""; });
}
