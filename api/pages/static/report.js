"use strict";
// A result that is shown: its printed record, and that it does not stay. Without this one prints by the browser.
const results = (() => {
  // As long as it takes to compare and to print; a counter's screen is seen by the next in the queue.
  const FORGET_AFTER_MS = 10 * 60e3;
  const report = document.getElementById("report");
  const forgotten = document.querySelector("[data-forgotten]");
  let until = null;
  let timer = null;
  let forgetMore = () => {};

  const forget = () => {
    until = null;
    report.replaceChildren();
    forgetMore();
    forgotten.hidden = false;
  };
  // Timers stand still in a window that sleeps: the clock is asked when it wakes.
  const look = () => {
    if (until !== null && Date.now() >= until) forget();
  };

  const offerPrint = () => {
    const field = report.querySelector("[data-by]");
    if (field === null) return;
    const name = field.querySelector("input");
    name.addEventListener("input", () => {
      report.querySelector("[data-by-shown]").textContent = name.value;
    });
    field.hidden = false;
    const print = report.querySelector("[data-print]");
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  };

  // From now on it is forgotten after a while; `more`: what else there is to forget.
  const shown = (more = () => {}) => {
    forgetMore = more;
    until = Date.now() + FORGET_AFTER_MS;
    clearTimeout(timer);
    timer = setTimeout(look, FORGET_AFTER_MS);
    forgotten.hidden = true;
    offerPrint();
  };
  // Nothing is shown: there is nothing to forget.
  const gone = () => {
    until = null;
    forgotten.hidden = true;
  };

  document.addEventListener("visibilitychange", look);
  window.addEventListener("pageshow", look);
  if (report.dataset.forgets !== undefined) shown();
  return { shown, gone };
})();
