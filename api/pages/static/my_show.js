"use strict";
// The code on the screen: counts down, keeps the screen awake, and looks whether it was scanned. The server decides;
// without this the page says until when.
const show = document.querySelector("[data-show]");

const ASK_EVERY_MS = 3e3;

const begin = () => {
  // By what is left when the page was made, not by the clock of the phone, which may be wrong.
  const endsAt = performance.now() + Number(show.dataset.left) * 1e3;
  const clock = show.querySelector("[data-clock]");
  show.querySelector("[data-countdown]").hidden = false;
  const tick = () => {
    const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1e3));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    show.classList.toggle("show-soon", left <= 30);
    if (left === 0) location.reload();
    else setTimeout(tick, 250);
  };
  tick();
  const ask = async () => {
    try {
      const answer = await fetch(show.dataset.standing, { cache: "no-store" });
      // There is none, or nobody is signed in any more: the page says so. A vault that is busy says nothing of the
      // code, which stays on the screen.
      const ended = answer.status === 404 || answer.redirected;
      if (ended || (answer.ok && (await answer.json()).standing !== "open")) {
        location.reload();
        return;
      }
    } catch {
      // No network for a moment: the clock goes on.
    }
    setTimeout(ask, ASK_EVERY_MS);
  };
  setTimeout(ask, ASK_EVERY_MS);
  const wake = () => {
    if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", wake);
  wake();
};

if (show) begin();
