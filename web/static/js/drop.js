// Upload by dropping: the files land in the form's own file input, so that sending is an ordinary form post. What the server
// would refuse for its size is left out beforehand, and said: it would refuse the others with it.
export default function drop(form) {
  const zone = form.querySelector(".drop");
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector(".chosen");
  const button = form.querySelector("button.btn-primary");

  const show = () => {
    const taken = new DataTransfer();
    let room = Number(form.dataset.allLimit);
    list.replaceChildren(...[...input.files].map((file) => {
      const item = document.createElement("li");
      const why = file.size > Number(form.dataset.limit) ? form.dataset.large : file.size > room ? form.dataset.allLarge : "";
      item.textContent = `${file.name} · ${Math.max(1, Math.round(file.size / 1024)).toLocaleString()} KB${why && ` · ${why}`}`;
      item.classList.toggle("refused", Boolean(why));
      if (!why) { taken.items.add(file); room -= file.size; }
      return item;
    }));
    input.files = taken.files;
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
