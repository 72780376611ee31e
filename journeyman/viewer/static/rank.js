// Episodes beside each other, put in an order by keys alone. What was chosen is kept as a draft.
"use strict";

const columns = [...document.querySelectorAll(".column")];
const ids = columns.map((each) => each.dataset.id);
const KEY = `${DRAFT}${desk.dataset.post}|rank|${JSON.stringify(ids)}`;
const LAST = `journeyman.ranked:${KEY}`;
const reason = desk.querySelector("[name=reason]");
const item = desk.querySelector("[name=item]");
const before = store.get(KEY);
const ranks = before?.ranks?.length === ids.length ? before.ranks : ids.map(() => 0);
let id = before?.id || crypto.randomUUID();
let saved = false; // as it stands
let n = 0;

function draw() {
  columns.forEach((column, k) => {
    column.querySelector(".rank").textContent = ranks[k] || "–";
    column.classList.toggle("current", k === n);
  });
}

function keep() {
  saved = false;
  store.set(KEY, { id, ranks, reason: reason.value, item: item?.value || "" });
}

function turn(to) {
  n = Math.max(0, Math.min(columns.length - 1, to));
  draw();
  columns[n].focus({ preventScroll: true });
  columns[n].scrollIntoView({ block: "nearest", inline: "nearest" });
}

function rank(place) {
  ranks[n] = place;
  keep();
  announce(`${"ABCD"[n]} has rank ${place}`);
  turn(n + 1);
}

function save() {
  if (ranks.some((each) => !each)) return refuse("give each of them a rank first: 1 is the best");
  if (saved) return announce("saved as it stands");
  const by = item?.value ? { item: JSON.parse(item.value) } : {};
  keep();
  const draft = { key: KEY, kept: store.get(KEY) };
  store.set(LAST, { id, annotator: me() });
  send({ ...said(id), kind: "ranking", episodes: ids, ranks, reason: reason.value, ...by }, draft);
  store.drop(KEY);
  id = crypto.randomUUID();
  saved = true;
  return reason.blur();
}

function undo() {
  saved = false;
  const last = store.get(LAST);
  if (!last || last.annotator !== me()) return announce("you have saved nothing here that could be taken back");
  store.drop(LAST);
  return send({ ...said(), kind: "undo", of: last.id });
}

function show() {
  const address = new URL(location.href);
  ids.length && !address.searchParams.has("id") && ids.forEach((each) => address.searchParams.append("id", each));
  if (desk.dataset.hidden) address.searchParams.set("told", "yes");
  else address.searchParams.delete("told");
  location.replace(address);
}

for (const field of [reason, item]) field?.addEventListener("input", keep);
desk.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  else if (event.key === "Escape") turn(n);
  else return;
  event.preventDefault();
});
document.getElementById("save").addEventListener("click", save);
columns.forEach((column, k) => column.addEventListener("focusin", () => {
  n = k;
  draw();
}));

for (const key of ["j", "k", "n", "p", "t"]) delete keys[key];
Object.assign(keys, {
  ArrowLeft: () => turn(n - 1),
  ArrowRight: () => turn(n + 1),
  c: () => reason.focus(),
  u: undo,
  v: show,
  Enter: save,
});
ids.forEach((_, k) => (keys[k + 1] = () => rank(k + 1)));

addEventListener("journeyman:refused", ({ detail }) => {
  id = detail.kept.id;
  saved = false;
});
if (before) {
  reason.value = before.reason;
  if (item) item.value = before.item;
  announce("your draft is here again");
}
draw();
