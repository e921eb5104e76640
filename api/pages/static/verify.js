"use strict";
// Dropping, choosing or pasting a file, and sending it at once; a scanner's text. Without this the forms work by
// their buttons.
const zone = document.querySelector("[data-drop]");
const fileForm = zone.closest("form");
const fileInput = zone.querySelector("input[type=file]");
const scanned = document.getElementById("scanned");

// For browsers that do not know by the style alone that scripts run.
for (const each of document.querySelectorAll(".no-script")) each.hidden = true;
for (const each of document.querySelectorAll(".script-only")) each.classList.remove("script-only");
zone.classList.add("drop-ready");
fileInput.accept += ",image/*";

// A picture is read here; everything else is sent to be compared.
const take = (files) => {
  if (files.length !== 1) return;
  const [file] = files;
  if (file.type.startsWith("image/")) {
    scanning.readPhoto(file);
    fileForm.reset();
    return;
  }
  if (fileInput.files !== files) fileInput.files = files;
  scanning.say(null);
  zone.querySelector("[data-drop-title]").textContent = file.name;
  zone.classList.add("drop-busy");
  fileForm.requestSubmit();
};

fileInput.addEventListener("change", () => take(fileInput.files));
for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.add("drop-over");
  });
}
zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
// Beside the zone, too: a browser would leave the page and open the file.
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => {
  event.preventDefault();
  zone.classList.remove("drop-over");
  take(event.dataTransfer.files);
});

// Coming back to the page: the choice is gone for the reader, so let it be gone for the form.
window.addEventListener("pageshow", () => {
  zone.classList.remove("drop-busy");
  fileForm.reset();
});

scanned.form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = scanned.value;
  scanned.value = "";
  scanning.say(scanning.follow(text));
  scanned.focus();
});

const isTyping = (target) => target instanceof Element && target.closest("input, textarea, select, dialog") !== null;

// A hand scanner types: what is typed into nothing goes to its field.
document.addEventListener("keydown", (event) => {
  const types = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (types && event.target === document.body) scanned.focus();
});

document.addEventListener("paste", (event) => {
  const { files } = event.clipboardData;
  if (files.length) {
    event.preventDefault();
    take(files);
  } else if (!isTyping(event.target)) {
    event.preventDefault();
    scanning.say(scanning.follow(event.clipboardData.getData("text/plain")));
  }
});
