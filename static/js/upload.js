// A file field inside data-max-bytes="N" says before the upload what was chosen and whether it is too large.
// The server checks again: this only saves somebody the wait.
const UNITS = [[1024 ** 3, "GB"], [1024 ** 2, "MB"], [1024, "KB"]];

function inWords(bytes) {
  const [size, unit] = UNITS.find(([least]) => bytes >= least) ?? [1, "bytes"];
  return `${(bytes / size).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${unit}`;
}

function checkUpload(input) {
  const limit = Number(input.dataset.maxBytes ?? input.closest("[data-max-bytes]")?.dataset.maxBytes);
  let note = input.parentElement.querySelector(".field-note");
  if (!note) {
    note = document.createElement("p");
    note.className = "field-note";
    note.setAttribute("role", "status");
    input.after(note);
  }
  const [file] = input.files;
  const wrong = !file ? ""
    : file.size === 0 ? `${file.name} is empty: choose another file.`
    : limit && file.size > limit ? `${file.name} has ${inWords(file.size)}; the limit is ${inWords(limit)}. Split the file and upload the parts.`
    : "";
  note.textContent = wrong || (file ? `${file.name}, ${inWords(file.size)}` : "");
  note.classList.toggle("wrong", Boolean(wrong));
  input.setCustomValidity(wrong);
  if (wrong) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

document.addEventListener("change", (event) => {
  if (event.target.matches('input[type="file"]')) checkUpload(event.target);
});
