// A <details> that behaves like a menu: one open at a time, closed by Escape or by a click elsewhere.
export default function menu(details) {
  const close = () => { details.open = false; };
  details.addEventListener("toggle", () => {
    if (details.open) details.querySelector(".pop :is(input:not([type=hidden]), select, textarea, button)")?.focus();
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    close();
    details.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (details.isConnected && details.open && !details.contains(event.target)) close();
  });
}
