// Conflicts below each other, settled by keys alone. What was chosen is kept as a draft.
"use strict";

const conflicts = [...document.querySelectorAll(".conflict")];
const reason = desk.querySelector("[name=reason]");
const BEGIN = `${DRAFT}${desk.dataset.post}|settle|`;
const LAST = `journeyman.settled:${desk.dataset.post}`;
const SAVED = "saved";
const keyOf = (section) => BEGIN + section.dataset.of;
const freshly = () => ({ id: crypto.randomUUID(), holds: null, reason: "" });
const states = conflicts.map((section) => {
  const kept = store.get(keyOf(section));
  return { ...freshly(), ...(typeof kept?.id === "string" ? kept : {}), saved: false };
});
let n = 0;

const choices = (k) => [...conflicts[k].querySelectorAll(".said li")];
const listed = (k) => JSON.parse(conflicts[k].dataset.entries);

function draw() {
  conflicts.forEach((section, k) => {
    const { holds, saved } = states[k];
    section.classList.toggle("current", k === n);
    section.classList.toggle("settled", saved);
    section.querySelector(".state").textContent = saved ? SAVED : holds === null ? "" : holds ? `${holds} holds` : "none holds";
    for (const each of choices(k)) each.classList.toggle("chosen", Number(each.dataset.n) === holds);
  });
}

function keep() {
  const { id, holds } = Object.assign(states[n], { reason: reason.value, saved: false });
  store.set(keyOf(conflicts[n]), { id, holds, reason: reason.value });
}

function turn(to) {
  if (!conflicts.length) return;
  n = Math.max(0, Math.min(conflicts.length - 1, to));
  reason.value = states[n].reason;
  draw();
  conflicts[n].focus({ preventScroll: true });
  conflicts[n].scrollIntoView({ block: "nearest" });
}

function choose(holds) {
  if (!conflicts.length) return;
  if (holds > listed(n).length) return refuse(`there are ${listed(n).length} here, and 0 for none of them`);
  states[n].holds = holds;
  keep();
  draw();
  announce(holds ? `${holds} holds: ${choices(n)[holds - 1].textContent.trim().slice(0, 80)}` : "none of them holds");
}

/** The choice before, or after; past the last one is none of them. */
function step(by) {
  const count = conflicts.length ? listed(n).length + 1 : 0;
  if (!count) return;
  const at = states[n].holds === null ? (by > 0 ? 0 : 1) : states[n].holds || count;
  choose((((at - 1 + by) % count) + count + 1) % count);
}

function save() {
  if (!conflicts.length) return announce("there is nothing to settle");
  const state = states[n];
  if (state.saved) return announce("saved as it stands");
  if (state.holds === null) return refuse("say first which holds: its number, or 0 for none");
  keep();
  const key = keyOf(conflicts[n]);
  const draft = { key, kept: store.get(key) };
  const of = JSON.parse(conflicts[n].dataset.of);
  store.set(LAST, { id: state.id, annotator: me() });
  send({ ...said(state.id), kind: "adjudication", of, holds: state.holds ? listed(n)[state.holds - 1] : null, reason: reason.value }, draft);
  store.drop(key);
  Object.assign(state, { id: crypto.randomUUID(), saved: true });
  reason.blur();
  const left = states.findIndex((each, k) => k > n && !each.saved);
  return turn(left < 0 ? n : left);
}

function undo() {
  const last = store.get(LAST);
  if (!last || last.annotator !== me()) return announce("you have saved nothing here that could be taken back");
  store.drop(LAST);
  states.forEach((each) => (each.saved = false));
  draw();
  return send({ ...said(), kind: "undo", of: last.id });
}

reason.addEventListener("input", () => conflicts.length && keep());
desk.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  else if (event.key === "Escape") turn(n);
  else return;
  event.preventDefault();
});
document.getElementById("save").addEventListener("click", save);
conflicts.forEach((section, k) => section.addEventListener("focusin", () => {
  if (k !== n) turn(k);
}));
document.addEventListener("keydown", (event) => {
  // Enter saves here also where a summary has the focus: space opens it.
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches(".conflict, body")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  save();
}, true);

for (const key of ["n", "p", "t"]) delete keys[key];
Object.assign(keys, {
  j: () => turn(n + 1),
  k: () => turn(n - 1),
  ArrowDown: () => turn(n + 1),
  ArrowUp: () => turn(n - 1),
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  c: () => reason.focus(),
  o: () => conflicts.length && location.assign(conflicts[n].dataset.open),
  u: undo,
});
for (let digit = 0; digit < 10; digit++) keys[digit] = () => choose(digit);

addEventListener("journeyman:refused", ({ detail }) => {
  const k = conflicts.findIndex((each) => keyOf(each) === detail.key);
  if (k < 0) return;
  Object.assign(states[k], detail.kept, { saved: false });
  if (k === n) reason.value = states[k].reason;
  draw();
});
if (states.some((each) => each.holds !== null || each.reason)) announce("your drafts are here again");
turn(Math.max(0, states.findIndex((each) => each.holds !== null || each.reason)));
