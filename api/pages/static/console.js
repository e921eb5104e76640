// Keeps a page of the console up to date: asks for the same page again and puts its live part in place. Without
// script there is the link "Refresh".
"use strict";

const EVERY_MS = 10000;
const state = document.querySelector("[data-live-state]");
const stale = document.querySelector("[data-stale]");
const pause = document.querySelector("[data-pause]");
let paused = false;
let asking = null;

function ready(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

// Somebody who reads a table that they opened, or stands on a link, keeps it as it is until they move on.
function isBusy(live) {
  return live.contains(document.activeElement) || String(getSelection()).length > 0;
}

function replace(live, fresh) {
  const open = [...live.querySelectorAll("details[open][id]")].map((each) => each.id);
  const said = live.querySelector("#attention-state");
  for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  const anew = fresh.querySelector("#attention-state");
  // What is said aloud stays the same element, so that it is said when it changes and only then.
  if (said && anew) {
    if (said.textContent.trim() !== anew.textContent.trim()) said.textContent = anew.textContent;
    anew.replaceWith(said);
  }
  live.replaceChildren(...fresh.childNodes);
  ready(live);
}

async function refresh() {
  const live = document.getElementById("live");
  if (paused || document.hidden || asking || isBusy(live)) return;
  asking = new AbortController();
  const limit = setTimeout(() => asking?.abort(), EVERY_MS);
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: asking.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!answer.ok || answer.redirected || !fresh) throw new Error(String(answer.status));
    if (!isBusy(live)) {
      replace(live, fresh);
      document.getElementById("as-of").textContent = page.getElementById("as-of").textContent;
    }
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  } finally {
    clearTimeout(limit);
    asking = null;
  }
}

function say() {
  let words = state.querySelector("[data-words]");
  if (!words) {
    words = document.createElement("span");
    words.dataset.words = "";
    state.append(words);
  }
  words.textContent = ` · ${paused ? state.dataset.paused : state.dataset.live}`;
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  pause.setAttribute("aria-pressed", String(paused));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => (button.textContent = before), 2000);
});
pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  say();
  refresh();
});
document.addEventListener("visibilitychange", refresh);
ready(document);
say();
setInterval(refresh, EVERY_MS);
