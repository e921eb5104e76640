"use strict";
// The QR code's token stands in the fragment, which browsers never send; only this script hands it in, in a body.
const result = document.getElementById("result");
const part = (name) => result.querySelector(`[data-${name}]`);

const show = (name) => {
  for (const other of ["waiting", "no-token", "failed"]) part(other).hidden = other !== name;
};

const verify = async () => {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  if (!token) {
    show("no-token");
    return;
  }
  show("waiting");
  try {
    const answer = await fetch("/v", { method: "POST", body: new URLSearchParams({ t: token }) });
    if (!answer.ok) throw new Error(String(answer.status));
    result.innerHTML = await answer.text();
  } catch {
    show("failed");
  }
};

// The page in the other language needs the token, too.
document.querySelector(".language").hash = location.hash;
part("again").addEventListener("click", verify);
window.addEventListener("hashchange", () => location.reload());
verify();
