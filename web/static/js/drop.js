// Upload by dropping: the files land in the form's own file input, so that sending is an ordinary form post.
export default function drop(form) {
  const zone = form.querySelector(".drop");
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector(".chosen");
  const button = form.querySelector("button.btn-primary");

  const show = () => {
    list.replaceChildren(...[...input.files].map((file) => {
      const item = document.createElement("li");
      item.textContent = `${file.name} · ${Math.max(1, Math.round(file.size / 1024)).toLocaleString()} KB`;
      return item;
    }));
    const count = input.files.length;
    zone.querySelector("b").textContent = count === 1 ? form.dataset.one : form.dataset.many.replace("{n}", count);
  };
  input.addEventListener("change", show);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    show();
  });
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.querySelector("span").textContent = form.dataset.busy;
  });
}
