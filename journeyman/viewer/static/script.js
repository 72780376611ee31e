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

const follow = (what) => document.querySelector(what)?.click();

const keys = {
  j: () => move(1),
  k: () => move(-1),
  n: () => follow("a[rel=next]"),
  p: () => follow("a[rel=prev]"),
  t: () => document.getElementById("tests")?.scrollIntoView(),
  "/": () => document.querySelector("input[type=search]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return; // it follows, presses, opens
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

const live = document.getElementById("live");
const busy = () => document.hidden || live.contains(document.activeElement);

/** Asks every two seconds whether the run went on, and less often where the page of it takes long to make. */
async function followRun(seen) {
  let pause = 2000;
  try {
    const now = busy() ? seen : await (await fetch(live.dataset.state)).text();
    if (seen && now !== seen) {
      const began = performance.now();
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      const fresh = page.getElementById("live");
      if (fresh && !busy()) live.replaceChildren(...fresh.childNodes);
      pause = Math.max(pause, 5 * (performance.now() - began));
    }
    seen = now;
  } catch {
    // the server has ended; the page stays as it is
  }
  setTimeout(followRun, pause, seen);
}

if (live) followRun("");
