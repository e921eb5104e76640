// Shows the page of an edited template when whoever types pauses. Without script there is the button.
"use strict";

const PAUSE_MS = 700;
const form = document.getElementById("draft");
const came = document.getElementById("came");
const state = document.getElementById("trial-state");
const source = document.getElementById("source");
let waiting = 0;
let asking = null;

function ready() {
  for (const button of came.querySelectorAll("[data-line]")) button.hidden = false;
}

async function show() {
  clearTimeout(waiting);
  asking?.abort();
  const mine = (asking = new AbortController());
  state.textContent = state.dataset.working;
  came.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("came");
    if (answer.redirected || !fresh) throw new Error(String(answer.status));
    came.replaceChildren(...fresh.childNodes);
    state.textContent = "";
    ready();
  } catch (error) {
    if (error.name === "AbortError") return;
    state.textContent = error.message === "429" ? state.dataset.tooMany : state.dataset.lost;
  } finally {
    if (mine === asking) {
      asking = null;
      came.removeAttribute("aria-busy");
    }
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(show, PAUSE_MS);
}

// To a line of the template, selected, so that it is seen.
function go(line) {
  const lines = source.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  source.focus();
  source.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  source.scrollTop = (source.scrollHeight / lines.length) * Math.max(0, line - 6);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
form.addEventListener("input", soon);
came.addEventListener("click", (event) => {
  const button = event.target.closest("[data-line]");
  if (button) go(Number(button.dataset.line));
});
const live = document.getElementById("trial-live");
live.textContent = live.dataset.words;
ready();
if (!came.querySelector("img, [role=alert]")) show();
