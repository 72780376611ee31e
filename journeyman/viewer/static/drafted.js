// A critic's drafts are answered: accepted, edited, or rejected.
"use strict";

let chosen = ""; // the id of the draft that is chosen
const answered = new Map(); // by draft: the answer, until the server has told of it

const unanswered = () => notes.filter((each) => each.draft && !answered.has(each.id));
const theDraft = () => unanswered().find((each) => each.id === chosen);

/** Shows which is chosen. */
function mark() {
  document.querySelectorAll(".note.chosen").forEach((each) => each.classList.remove("chosen"));
  if (!chosen) return null;
  const note = document.querySelector(`.note[data-id="${CSS.escape(chosen)}"]`);
  note?.classList.add("chosen");
  return note;
}

function letGo() {
  chosen = "";
  mark();
}

/** On to the next draft, or the one before; to the first where none is chosen. */
async function toDraft(by) {
  const all = unanswered();
  if (!all.length) {
    letGo();
    return announce("no draft of a critic waits here");
  }
  const at = all.findIndex((each) => each.id === chosen);
  const k = at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by));
  const { id, step, draft } = all[k];
  leave();
  chosen = id;
  announce(`draft ${k + 1} of ${all.length}, ${draft.severity}: ${draft.body.slice(0, 80)}`);
  if (step && !list.dataset.q) await go(step - 1, "nearest").catch(tell);
  const there = step && document.getElementById(`step-${step}`);
  if (there) there.open = true;
  mark()?.scrollIntoView({ block: "nearest" });
}

function answer(decision) {
  if (!theDraft()) return toDraft(0);
  const told = { ...said(), kind: "answer", of: chosen, decision };
  answered.set(chosen, told.id);
  fresh.push(told);
  send(told);
  chosen = "";
  return toDraft(0);
}

/** The answer to a draft that somebody has put in other words; it is sent after these. */
function answerBy(own, of) {
  const at = new Date(Date.parse(own.at) + 1).toISOString();
  const entry = { ...said(), at, kind: "answer", of, decision: "edited", by: own.id };
  answered.set(of, entry.id);
  store.set(OUT + entry.id, { post: desk.dataset.post, page: HERE, entry, draft: null });
  letGo();
}

function edit() {
  const note = theDraft();
  if (!note) return toDraft(0);
  const { place = {}, body, severity = "note", category = "other", suggestion = "", item } = note.draft;
  const lost = place.line && note.row === null; // no line that the page shows
  const same = (option) => option.value && ["guideline", "item", "digest"].every((name) => JSON.parse(option.value)[name] === item[name]);
  const by = (item && [...(fields.item?.options || [])].find(same)?.value) || "";
  const words = lost && suggestion ? `${body}\n\n${suggestion}` : body; // there is no place for it then
  return open("critique", lost ? { step: place.step } : place, {
    answers: note.id, quote: place.quote || "", values: { body: words, severity, category, suggestion, item: by },
  });
}

const answering = {
  j: () => toDraft(1), ArrowDown: () => toDraft(1), a: () => toDraft(1),
  k: () => toDraft(-1), ArrowUp: () => toDraft(-1),
  y: () => answer("accepted"), x: () => answer("rejected"), m: edit, Enter: edit,
  Escape: () => (letGo(), announce("")),
};

document.addEventListener("keydown", (event) => {
  if (!chosen || form || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea, button")) return;
  if (!answering[event.key]) {
    if (event.key !== "Shift") letGo();
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  answering[event.key]();
}, true);
keys.a = () => toDraft(0);
addEventListener("journeyman:drawn", () => {
  const told = new Set(notes.map((each) => each.id));
  for (const [of, id] of answered) if (told.has(id)) answered.delete(of);
  mark();
});
