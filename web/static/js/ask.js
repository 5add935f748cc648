// Opens the chat widget of this page; with data-text it also asks that question.
export default function ask(button) {
  button.addEventListener("click", async () => {
    await customElements.whenDefined("firstline-chat");
    const chat = document.querySelector("firstline-chat");
    if (button.dataset.text) chat.ask(button.dataset.text);
    else chat.open();
  });
}
