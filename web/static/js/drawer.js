// On narrow screens the suggestion, the customer and the ticket live in a drawer; this button opens and closes it.
export default function drawer(button) {
  const show = (open) => {
    document.body.classList.toggle("side-open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    show(!document.body.classList.contains("side-open"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && button.isConnected && document.body.classList.contains("side-open")) {
      show(false);
      button.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (button.isConnected && !event.target.closest("#side")) show(false);
  });
}
