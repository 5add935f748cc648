// The button that switches between light and dark; the choice is remembered in this browser.
export default function theme(button) {
  const root = document.documentElement;
  const show = () => button.setAttribute("aria-pressed", String(root.dataset.bsTheme === "dark"));
  button.addEventListener("click", () => {
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    try { localStorage.setItem("firstline.theme", root.dataset.bsTheme); } catch { /* lasts until the next page */ }
    show();
  });
  show();
}
