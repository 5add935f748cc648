// Runs before the first paint, so that a dark page never flashes white. Everything else about themes is in theme.js.
(() => {
  let wish = null;
  try { wish = localStorage.getItem("firstline.theme"); } catch { /* storage is off: follow the system */ }
  const dark = wish ? wish === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
})();
