// The search over conversations. A list pushed by the server knows no search text, so an active search is asked again.
export default function search(form) {
  const box = form.querySelector("input[type=search]");
  document.addEventListener("htmx:after:swap", (event) => {
    const pushed = event.target.classList?.contains("live");
    if (pushed && form.isConnected && box.value.trim()) form.requestSubmit();
  });
}
