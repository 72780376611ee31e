// Keys, and pages of a run that goes on. Everything else works without this file.
"use strict";

const rows = () => [...document.querySelectorAll("div.step, a.row")];

function current(all) {
  const at = all.findIndex((each) => each.classList.contains("current"));
  if (at >= 0) return at;
  return all.findIndex((each) => "#" + each.id === location.hash);
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = current(all);
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
  all.forEach((each) => each.classList.toggle("current", each === next));
  const target = next.matches("a") ? next : next.querySelector("summary, a") || next;
  target.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  t: () => document.getElementById("tests")?.scrollIntoView(),
  "/": () => document.querySelector("input[type=search]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

const live = document.getElementById("live");
if (live) {
  let seen = "";
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    try {
      const now = await (await fetch(live.dataset.state)).text();
      if (seen && now !== seen) {
        const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
        const fresh = page.getElementById("live");
        if (fresh) live.replaceChildren(...fresh.childNodes);
      }
      seen = now;
    } catch {
      // the server has ended; the page stays as it is
    }
  }, 2000);
}
