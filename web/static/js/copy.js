// Copies data-text; the button says data-done for a moment.
const SHOWN_MS = 1500;

export default function copy(button) {
  if (!navigator.clipboard) button.hidden = true; // plain http on a name other than localhost
  const label = button.querySelector("span") ?? button;
  const usual = label.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.text);
    label.textContent = button.dataset.done;
    setTimeout(() => { label.textContent = usual; }, SHOWN_MS);
  });
}
