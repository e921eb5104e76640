"use strict";
// Dropping a file, and sending it as soon as it is chosen. Without this the form works by its button.
for (const zone of document.querySelectorAll("[data-drop]")) {
  const form = zone.closest("form");
  const input = zone.querySelector("input[type=file]");
  const title = zone.querySelector("[data-drop-title]");
  const button = form.querySelector("button");
  button.hidden = true;
  zone.classList.add("drop-ready");

  const send = () => {
    if (input.files.length !== 1) return;
    title.textContent = input.files[0].name;
    zone.classList.add("drop-busy");
    form.requestSubmit();
  };

  input.addEventListener("change", send);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("drop-over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("drop-over");
    if (event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    send();
  });
  // Coming back to the page: the choice is gone for the reader, so let it be gone for the form.
  window.addEventListener("pageshow", () => {
    zone.classList.remove("drop-busy");
    form.reset();
  });
}
