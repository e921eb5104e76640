"use strict";
// The QR code's token and statement stand in the fragment, which browsers never send. Only this script hands in the
// token, or the code of what a holder shows (p), in a body; the statement is checked here and handed in nowhere. It is
// read once and leaves the address: neither the bar nor the history keeps what opens a certificate.
const result = document.getElementById("result");
const report = document.getElementById("report");
const stated = document.getElementById("stated");
const words = stated.querySelector("[data-words]").dataset;
const part = (name) => result.querySelector(`[data-${name}]`);
const step = part("step");
const slot = (name) => stated.querySelector(`[data-slot="${name}"]`);

// Kept here alone, until the result is forgotten.
let fragment = "";

const show = (name) => {
  for (const other of ["waiting", "no-token", "failed", "offline"]) part(other).hidden = other !== name;
};

// Not URLSearchParams: it takes a plus for a blank, and base45 has both.
const given = (name) => {
  const found = fragment.split("&").find((piece) => piece.startsWith(`${name}=`));
  try {
    return found === undefined ? null : decodeURIComponent(found.slice(name.length + 1));
  } catch {
    return "";
  }
};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const ageText = (ms) => {
  const minutes = Math.max(0, Math.floor(ms / 60e3));
  if (minutes >= 1440) return fill(words.days, { n: Math.floor(minutes / 1440) });
  if (minutes >= 60) return fill(words.hours, { n: Math.floor(minutes / 60) });
  return fill(words.minutes, { n: minutes });
};

const clock = (at) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" }).format(at);

const wordFor = (name) => stated.querySelector(`[data-word="${name}"]`)?.textContent ?? name;

const showStatement = (judged, list, now, connected) => {
  for (const each of stated.querySelectorAll("[data-verdict]")) each.hidden = each.dataset.verdict !== judged.verdict;
  slot("reason").textContent = judged.reason ? wordFor(`reason.${judged.reason}`) : "";
  const found = judged.stated;
  slot("details").hidden = found === null || connected;
  slot("as-of").hidden = found === null;
  if (found) {
    const values = { when: clock(found.asOf), age: ageText(now - found.asOf), status: wordFor(`status.${found.status}`) };
    slot("as-of").textContent = fill(words.asOf, values);
    slot("type").textContent = found.type;
    slot("holder").textContent = found.holder || "—";
    slot("more").textContent = found.holders > 1 ? fill(words.more, { n: found.holders }) : "";
    slot("authority").textContent = found.authority;
    slot("issued-on").textContent = found.issuedOn;
    const validity = found.validTo ? words.range : words.open;
    slot("validity").textContent = fill(validity, { start: found.validFrom, end: found.validTo });
    slot("origin").textContent = wordFor(`origin.${found.origin}`);
    slot("identifier").textContent = found.identifier;
  }
  slot("no-list").hidden = list !== null;
  slot("old-list").hidden = !statements.isOld(list, now);
  slot("old-list").lastElementChild.textContent =
    list === null ? "" : fill(words.oldList, { age: ageText(now - new Date(list.made_at)) });
  stated.hidden = false;
};

// Everything that this page is made of, kept for a day without network. The token is in no address that is kept.
const keepPage = async () => {
  if (!("serviceWorker" in navigator) || !window.caches) return;
  await navigator.serviceWorker.register("/v-worker.js", { scope: "/v" });
  const assets = [...document.querySelectorAll("script[src], link[href][rel]")].map((each) => each.src || each.href);
  const wanted = [new URL("/v", location.origin).href, ...assets];
  const cache = await caches.open("landing");
  await cache.addAll(wanted);
  const gone = (await cache.keys()).filter(({ url }) => !wanted.includes(url));
  await Promise.all(gone.map((each) => cache.delete(each)));
};

// An answer that takes longer is none: what the code states is shown instead.
const ANSWER_WITHIN_MS = 15e3;

// Gives the request a signal that ends it with its run, or when it takes too long.
const timely = async (run, request) => {
  const limit = new AbortController();
  const end = () => limit.abort();
  const timer = setTimeout(end, ANSWER_WITHIN_MS);
  run.signal.addEventListener("abort", end);
  try {
    return await request(limit.signal);
  } finally {
    clearTimeout(timer);
    run.signal.removeEventListener("abort", end);
  }
};

const askVault = async ({ address, field }, signal) => {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(field), signal });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
};

// The newest run alone may write to the page: an older one's answer is about another code.
let newest = new AbortController();

const verify = async () => {
  newest.abort();
  const run = new AbortController();
  newest = run;
  const [token, code] = [given("t"), given("p")];
  const statement = given("s");
  const question = code
    ? { address: "/v/shown", field: { p: code } }
    : token
      ? { address: "/v", field: { t: token } }
      : null;
  report.replaceChildren();
  stated.hidden = true;
  results.gone();
  if (question === null && statement === null) {
    show("no-token");
    return;
  }
  step.textContent = "";
  show("waiting");
  tellFirst(statement, run);
  const listed = statement === null ? null : timely(run, statements.fetchList);
  let answer = null;
  if (question !== null) {
    try {
      answer = await timely(run, (signal) => askVault(question, signal));
    } catch {
      // Told below: by what the code states, or by the page as it was.
    }
  }
  if (run !== newest) return;
  const connected = answer !== null;
  if (connected) report.innerHTML = answer;
  show(connected || question === null ? null : statement === null ? "failed" : "offline");
  // Also where nothing came: what the code holds is kept for another try, and not for ever.
  if (connected || statement === null) results.shown(forget);
  // Beside a shown code's answer the statement proves nothing more, and beside "used up" it would mislead: whoever saw
  // the code once has it for ever.
  if (statement === null || (connected && code)) return;
  const list = await listed;
  const now = new Date();
  const judged = await statements.judge(statement, list, now);
  if (run !== newest) return;
  showStatement(judged, list, now, connected);
  if (!connected) results.shown(forget);
};

// What the code itself says, by the list that this browser keeps, before anybody is asked.
const tellFirst = async (statement, run) => {
  const list = statements.kept();
  if (statement === null || list === null) return;
  const { verdict } = await statements.judge(statement, list, new Date());
  if (run === newest) step.textContent = stated.querySelector(`[data-verdict="${verdict}"] h3`).textContent;
};

const forget = () => {
  newest.abort();
  newest = new AbortController();
  fragment = "";
  linkFragment();
  stated.hidden = true;
  for (const each of stated.querySelectorAll("dd [data-slot], dd[data-slot], .as-of")) each.textContent = "";
  show(null);
};

// The page in the other language or type needs it, too; but not a code that opens once.
const linkFragment = () => {
  const kept = given("p") === null ? fragment : "";
  for (const link of document.querySelectorAll("[data-keeps-fragment]")) link.hash = kept;
};

// For browsers that do not know by the style alone that scripts run.
result.querySelector(".no-script").hidden = true;

const begin = () => {
  fragment = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  linkFragment();
  verify();
};

for (const again of result.querySelectorAll("[data-again]")) again.addEventListener("click", verify);
window.addEventListener("hashchange", () => {
  if (location.hash) begin();
});
begin();
keepPage().catch(() => {});
