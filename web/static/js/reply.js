// The reply box: Ctrl+Enter sends, a draft outlives a look at another conversation, and a text that could not be sent
// stays in the box.
const SENT = new Set([200, 201, 202]);

export default function reply(form) {
  const box = form.querySelector("textarea");
  const button = form.querySelector("button.send");
  const key = `firstline.draft.${form.dataset.draft}`;
  const placeholder = box.placeholder;

  const keep = () => { try { box.value ? sessionStorage.setItem(key, box.value) : sessionStorage.removeItem(key); } catch { /* off */ } };
  try { box.value ||= sessionStorage.getItem(key) ?? ""; } catch { /* storage is off: no drafts */ }

  box.addEventListener("input", keep);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      if (!button.disabled) form.requestSubmit();
    }
  });
  form.addEventListener("change", (event) => {
    if (event.target.name !== "kind") return;
    box.placeholder = event.target.value === "note" ? form.dataset.notePlaceholder : placeholder;
    box.focus();
  });
  form.addEventListener("htmx:before:request", () => { button.disabled = true; });
  form.addEventListener("htmx:finally:request", (event) => {
    button.disabled = false;
    if (!SENT.has(event.detail.ctx?.response?.status)) return;
    form.reset();
    box.placeholder = placeholder;
    keep();
    box.focus();
    const log = document.getElementById("log"); // one's own words are always shown, however far up one had read
    log.scrollTop = log.scrollHeight;
  });
  // suggestion.js says what to insert; what is already written stays in front of it.
  document.addEventListener("firstline:insert", (event) => {
    if (!form.isConnected) return;
    form.elements.kind.value = "reply";
    box.value = box.value.trim() ? `${box.value.trimEnd()}\n\n${event.detail}` : event.detail;
    keep();
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  });
}
