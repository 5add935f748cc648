// "Insert" hands the drafted answer to the reply box (reply.js), which is on another branch of the page.
export default function suggestion(element) {
  element.querySelector("[data-do=insert]")?.addEventListener("click", () => {
    document.body.classList.remove("side-open"); // on a narrow screen the drawer lies over the reply box
    document.dispatchEvent(new CustomEvent("firstline:insert", { detail: element.dataset.text }));
  });
}
