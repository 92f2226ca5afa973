// Choosing a file of contacts: it can be dropped anywhere on its field, and one that is too large is told before it is
// sent. Without this script the form works all the same.
(() => {
  const zone = document.querySelector("[data-drop-zone]");
  const input = zone?.querySelector('input[type="file"]');
  if (!input) return;

  const judge = () => {
    const most = Number(input.dataset.mostBytes);
    const isTooLarge = [...input.files].some((file) => file.size > most);
    const problem = isTooLarge ? zone.dataset.tooLarge.replace("%(n)s", Math.floor(most / 1024 ** 2)) : "";
    zone.querySelector("[data-file-problem]").textContent = problem;
    input.classList.toggle("is-invalid", isTooLarge);
    if (isTooLarge) input.value = "";
  };
  input.addEventListener("change", judge);

  // A text that is far too long would be turned away before anybody could say why.
  const paste = document.querySelector("[data-paste-zone]");
  const text = paste?.querySelector("textarea");
  const judgeText = () => {
    const isTooLong = new Blob([text.value]).size > Number(text.dataset.mostBytes);
    paste.querySelector("[data-text-problem]").textContent = isTooLong ? paste.dataset.tooLarge : "";
    text.classList.toggle("is-invalid", isTooLong);
  };
  text?.addEventListener("change", judgeText);
  text?.addEventListener("paste", () => setTimeout(judgeText));

  const holdsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
