// The desk by keyboard. Without this script every key's button is there all the same.
"use strict";

const ON = "desk-keys";
const lines = [...document.querySelectorAll("[data-line]")];
const pane = document.querySelector("[data-pane]");
const help = document.querySelector("dialog[data-keys]");
const uses = help.querySelector("input[name=keys]");
const edit = document.querySelector("[data-edit]");
let chosen = null;

// --- which line is worked on, and its page beside it ---

// `own`: the clerk chose the line itself, to see its page. Nothing is fetched for a line that this script chose, or
// whose button was pressed: the holder is told of each look.
function choose(line, { focus = true, own = true } = {}) {
  if (!line) return;
  if (chosen) chosen.classList.remove("desk-line-chosen");
  chosen = line;
  line.classList.add("desk-line-chosen");
  if (focus) {
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  }
  const page = line.querySelector("[data-page]");
  show(own || beside(page) ? page : null);
}

function beside(page) {
  const shown = pane && pane.querySelector("img");
  return Boolean(shown && page && shown.dataset.home === page.dataset.page);
}

// The picture itself goes over and back: it is fetched, and recorded, once.
function show(details) {
  if (!pane || !wide.matches) return;
  if (beside(details)) return;
  const shown = pane.querySelector("img");
  if (shown) home(shown);
  const image = details && details.querySelector("img");
  const said = pane.querySelector("p");
  said.hidden = Boolean(image);
  if (image) {
    details.open = false;
    image.loading = "eager";
    pane.append(image);
    if (image.complete && !image.naturalWidth) missing(image);
  }
}

function home(image) {
  document.querySelector(`[data-page="${image.dataset.home}"] .desk-sheet`).append(image);
  const said = pane.querySelector("p");
  said.textContent = said.dataset.said;
}

function missing(image) {
  const said = image.parentElement === pane ? pane.querySelector("p") : document.createElement("p");
  said.className = "quiet";
  said.hidden = false;
  said.textContent = image.dataset.missing;
  if (image.parentElement !== pane) image.after(said);
  image.hidden = true;
}

const wide = window.matchMedia("(min-width: 64rem)");

// The link to a page becomes the page itself, fetched when it comes into sight. Without script it stays a link:
// browsers that run none fetch every picture at once, and each look is recorded for the holder.
[...document.querySelectorAll("p[data-page]")].forEach((place, n) => {
  const link = place.querySelector("a");
  const [details, summary, sheet, image] = ["details", "summary", "div", "img"].map((name) => document.createElement(name));
  details.className = "desk-page";
  details.dataset.page = String(n);
  summary.textContent = link.textContent;
  sheet.className = "desk-sheet";
  image.loading = "lazy";
  image.alt = link.textContent;
  image.dataset.home = String(n);
  image.dataset.missing = place.dataset.missing;
  image.addEventListener("error", () => missing(image));
  image.src = link.href;
  sheet.append(image);
  details.append(summary, sheet);
  place.replaceWith(details);
});
if (pane) {
  const said = pane.querySelector("p");
  said.dataset.said = said.textContent;
  const arrange = () => {
    pane.hidden = !wide.matches;
    document.documentElement.classList.toggle("desk-has-pane", wide.matches);
    const image = pane.querySelector("img");
    if (!wide.matches && image) home(image);
  };
  if (lines.length) {
    arrange();
    wide.addEventListener("change", arrange);
  }
  pane.addEventListener("click", enlarge);
}
for (const line of lines) {
  line.addEventListener("focusin", () => choose(line, { focus: false, own: false }));
  line.addEventListener("click", (event) => {
    choose(line, { focus: false, own: !event.target.closest("a, button, summary") });
  });
}

function enlarge() {
  const page = chosen && chosen.querySelector("[data-page]");
  if (!page) return;
  if (!wide.matches) page.open = !page.open;
  else if (beside(page)) pane.classList.toggle("desk-pane-large");
  else show(page);
}

// --- keys ---

// A form is on its way: the page that is still here takes no key any more.
let going = false;

function allowed() {
  try {
    return localStorage.getItem(ON) !== "off";
  } catch {
    return uses.checked; // kept for this page where the browser keeps nothing
  }
}

function typing(target) {
  return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

function press(element) {
  if (!element) return;
  if (element.matches("summary")) {
    element.parentElement.open = true;
    element.parentElement.querySelector("input:not([type=hidden]), textarea").focus();
  } else element.click();
}

function jump(step) {
  const at = lines.indexOf(chosen);
  choose(lines[at < 0 ? 0 : Math.min(Math.max(at + step, 0), lines.length - 1)]);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  // A key that is held goes on through the page that follows: there it would be about the next case.
  if (going || (event.repeat && !event.key.startsWith("Arrow"))) return;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (help.open || typing(event.target) || !allowed()) return;
  const key = event.key.toLowerCase();
  if (key === "arrowdown" || key === "arrowup") {
    if (!lines.length || event.target.closest("a, button, summary")) return;
    jump(key === "arrowdown" ? 1 : -1);
  } else if (key === "?") help.showModal();
  else if (key === "p") enlarge();
  else if (key === "e") {
    if (edit) edit.open = true;
    document.querySelector("#number").select();
  } else if (key >= "1" && key <= "9" && key.length === 1) choose(lines[Number(key) - 1]);
  else if (/^[a-z]$/.test(key)) {
    const place = chosen || lines.find((line) => line.querySelector(`[data-key="${key}"]`));
    const own = place && place.querySelector(`[data-key="${key}"]`);
    const common = document.querySelector(`[data-key="${key}"]:not([data-line] *)`);
    if (!own && !common) return;
    press(own || common);
  } else return;
  event.preventDefault();
});

const button = document.querySelector("[data-help]");
button.hidden = false;
button.addEventListener("click", () => help.showModal());
uses.checked = allowed();
document.documentElement.classList.toggle("desk-keys-off", !uses.checked);
uses.addEventListener("change", () => {
  document.documentElement.classList.toggle("desk-keys-off", !uses.checked);
  try {
    localStorage.setItem(ON, uses.checked ? "on" : "off");
  } catch {
    // as it is until the page goes
  }
});

// --- forms ---

// A form that was sent is not sent a second time by an impatient key; the vault would record it once anyway.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  going = true;
});
window.addEventListener("pageshow", () => {
  going = false;
  for (const form of document.forms) delete form.dataset.sent;
});

// A scanner ends with Enter: in the case number's field that leads on, while something is still missing.
const chain = ["number", "item", "applicant"].map((name) => document.getElementById(name));
for (const field of chain) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const next = chain.find((each) => !each.value.trim());
    if (!next || next === field) return;
    event.preventDefault();
    next.focus();
  });
}

// An item that needs more people than the applicant opens the fields for them.
const item = document.getElementById("item");
item.addEventListener("input", () => {
  const named = [...document.querySelectorAll("#items option")].find((each) => each.value === item.value);
  if (named && named.dataset.roles) document.querySelector(".desk-more").open = true;
});

for (const link of document.querySelectorAll("a[data-kind]")) {
  link.addEventListener("click", () => {
    const paper = document.getElementById("paper");
    paper.querySelector("details").open = true;
    paper.querySelector("#kind").value = link.dataset.kind;
    paper.querySelector("#kind").focus();
  });
}
for (const link of document.querySelectorAll("#slips a")) {
  link.addEventListener("click", (event) => {
    const field = document.querySelector(link.getAttribute("href"));
    if (!field) return;
    event.preventDefault();
    for (let each = field.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
    field.focus();
  });
}

// --- where the page begins ---

const slips = document.getElementById("slips");
const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
const asked = document.querySelector("[data-here]");
if (slips) slips.focus();
else if (named && named.matches("[data-line]")) choose(named, { own: false });
else if (asked) choose(asked, { own: false });
else if (lines.length) {
  choose(lines.find((line) => line.querySelector('[data-key="u"], [data-key="v"]')) || lines[0], { own: false });
} else (chain.find((each) => !each.value.trim()) || chain[0]).focus();
