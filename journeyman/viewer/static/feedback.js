// Feedback in an episode's page: what was said stands at its place, and more can be said, by keys alone.
"use strict";

const EPISODE = desk.dataset.episode;
const say = document.getElementById("say");
const fields = Object.fromEntries([...say.querySelectorAll("[name]")].map((each) => [each.name, each]));
const BLIND = "journeyman_blind";
const LABELS = { step: ["good", "neutral", "bad"], claim: ["true", "false", "unverifiable"] };
const SHOWN = { critique: ["severity", "category", "item", "suggestion"], claim: ["label", "item"], correction: ["reason", "item"], score: ["value"] };
let notes = [];
let form = null; // what is being said: { kind, place, id, key, quote }
let asked = 0;
let byHand = false; // somebody has asked to see, or not to see
let early = null; // keys that were pressed before what they are for was there
const fresh = []; // what was said since the page was opened
const undoing = new Set();

// What was said

async function refresh() {
  const mine = ++asked;
  const others = document.body.classList.contains("blind") ? "no" : "yes";
  const answer = await fetch(`${desk.dataset.here}/feedback?${new URLSearchParams({ me: me(), others })}`);
  if (!answer.ok) throw new Error(`the server says ${answer.status}`);
  const told = await answer.json();
  if (mine !== asked) return; // asked again meanwhile
  notes = told;
  if (others === "no" && !byHand && notes.some((each) => each.annotator === me() && !each.undone)) reveal(true);
  else draw();
}

const quietly = () => refresh().catch(() => {}); // the server is away: the page stays as it is

function draw() {
  document.querySelectorAll(".notes").forEach((each) => each.remove());
  list.querySelectorAll(".step").forEach(decorate);
  for (const note of notes.filter((each) => !each.step)) {
    const place = note.claim !== null ? `[data-claim="${note.claim}"]` : `[data-subtask="${note.subtask}"]`;
    box(document.querySelector(note.claim === null && note.subtask === null ? "#whole" : place) || document.getElementById("whole"), "inside", note);
  }
  offer();
  dispatchEvent(new Event("journeyman:drawn"));
}

function decorate(step) {
  const mine = notes.filter((each) => `step-${each.step}` === step.id);
  const summary = step.querySelector("summary");
  if (mine.length) summary.dataset.notes = mine.length === 1 ? "1 note" : `${mine.length} notes`;
  else delete summary.dataset.notes;
  for (const note of mine) {
    const pre = note.part && step.querySelector(`pre.${note.part}[data-rows]`);
    box((pre && linesOf(pre)[note.row]) || summary, "after", note);
  }
}

/** Puts a note into the box at an element; the server has made and escaped it, as it makes the pages. */
function box(element, where, note) {
  const there = where === "after" ? element.nextElementSibling : element.lastElementChild;
  let notesThere = there?.matches(".notes") ? there : null;
  if (!notesThere) {
    notesThere = Object.assign(document.createElement("div"), { className: "notes" });
    if (where === "after") element.after(notesThere);
    else element.append(notesThere);
  }
  notesThere.insertAdjacentHTML("beforeend", note.text);
}

// Saying something

const drafts = () => store.keys(DRAFT + HERE + "|").map((key) => [key, store.get(key)]).filter((pair) => pair[1]?.place);

function offer() {
  const kept = drafts().filter(([key, each]) => key !== form?.key && !waiting(each.id));
  const button = document.getElementById("drafts");
  button.hidden = !kept.length;
  const first = kept[0]?.[1];
  button.textContent = first ? `${kept.length === 1 ? "a draft" : `${kept.length} drafts`}: ${wordsFor(first.place)} (d)` : "";
  return first;
}

/** Opens the form. `values` are what its fields begin with; `answers` is the critic's draft that is edited. */
function open(kind, place, { quote = "", label = "", values = {}, answers = "" } = {}) {
  const key = `${DRAFT}${HERE}|${JSON.stringify(answers ? [kind, place, answers] : [kind, place])}`;
  const kept = store.get(key);
  form = { kind, place, key, quote: kept?.quote ?? quote, id: kept?.id || crypto.randomUUID(), answers, touched: false };
  for (const each of say.querySelectorAll("[data-field]")) {
    const wanted = SHOWN[kind].includes(each.dataset.field) && (each.dataset.field !== "suggestion" || place.line);
    each.hidden = !wanted;
  }
  for (const [name, field] of Object.entries(fields)) {
    if (field.matches("select")) field.selectedIndex = Math.max(0, [...field.options].findIndex((each) => each.defaultSelected));
    else field.value = "";
    const begin = kept?.values?.[name] ?? values[name];
    if (begin) field.value = begin;
  }
  fields.body.readOnly = false;
  if (label) fields.label.value = label;
  const what = { critique: "On", claim: "How it really is:", correction: "What should have been done at", score: "How good is" }[kind];
  document.getElementById("where").textContent = `${answers ? "In your words, on" : what} ${wordsFor(place)}`;
  fields.body.classList.toggle("code", kind === "correction");
  fields.body.hidden = kind === "score";
  say.hidden = false;
  document.body.classList.add("saying");
  (kind === "score" ? fields.value : fields.body).focus();
  (document.querySelector(".chosen") || document.getElementById(`step-${place.step}`)?.firstElementChild)?.scrollIntoView({ block: "nearest" });
  offer();
  return !kept;
}

function keep() {
  if (!form) return;
  form.touched = true;
  const values = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
  const { kind, place, id, quote, answers } = form;
  store.set(form.key, { kind, place, id, quote, answers, values });
}

function close() {
  form = null;
  document.activeElement.blur(); // what is hidden keeps the focus, and takes the next key, until the page is drawn
  say.hidden = true;
  document.body.classList.remove("saying");
  document.querySelector(".step.current summary")?.focus({ preventScroll: true });
  offer();
}

function putAway() {
  if (form.touched) keep(); // another tab may have used the draft up meanwhile
  close();
}

/** What stands in the fields as an entry. Throws what is wrong, in words. */
function entry() {
  const { kind, place, id, quote } = form;
  const body = fields.body.value;
  const item = fields.item?.value ? { item: JSON.parse(fields.item.value) } : {};
  const begin = { ...said(id), kind, episode: EPISODE, ...item };
  if (kind === "score") return { ...begin, ...scored(place, fields.value.value) };
  if (kind === "claim") return { ...begin, claim: place.claim, label: fields.label.value, limitation: body };
  if (!body.trim()) throw new Error("there is nothing to save yet");
  if (kind === "correction") {
    try {
      return { ...begin, step: place.step, action: JSON.parse(body), reason: fields.reason.value };
    } catch (error) {
      throw new Error(`the action is not JSON: ${error.message}`);
    }
  }
  const edited = fields.suggestion.value;
  const suggestion = place.line && edited && edited !== quote ? { suggestion: edited } : {};
  return { ...begin, place, body, severity: fields.severity.value, category: fields.category.value, ...suggestion };
}

function save() {
  if (!form) return;
  try {
    const told = entry();
    keep();
    const { key, answers } = form;
    const draft = { key, kept: store.get(key) };
    close();
    leave();
    fresh.push(told);
    if (answers) answerBy(told, answers);
    send(told, draft);
    store.drop(key);
    offer();
  } catch (error) {
    refuse(error.message);
  }
}

/** A judgement without words. */
function judge(kind, place, label) {
  const told = { ...said(), kind, episode: EPISODE, ...place, label };
  fresh.push(told);
  send(told);
  announce(`${label}: ${wordsFor(place)}`);
}

/** Takes back what was said last, also where the server has yet to tell of it. */
function undo() {
  const known = new Set(notes.map((each) => each.id));
  const spoken = [...notes.filter((each) => !each.undone), ...fresh.filter((each) => !known.has(each.id))];
  const last = spoken.filter((each) => each.annotator === me() && !undoing.has(each.id)).pop();
  if (!last) return announce("you have said nothing here that could be taken back");
  undoing.add(last.id);
  return send({ ...said(), kind: "undo", of: last.id });
}

// Where one is

/** The number of the current step; of the one to which a jump leads, while it lasts. */
function stepNumber() {
  const place = jumping ? at : Math.max(0, here());
  if (!list.dataset.q) return place + 1;
  const step = stepAt(place);
  return step ? Number(step.id.slice(5)) : 0;
}

function onStep(act) {
  const number = source.count ? stepNumber() : 0;
  if (number) act(number);
  else announce("there is no step here");
}

/** Into the lines of a step. Where it has yet to come, the keys that are pressed meanwhile wait for it. */
async function lines(number) {
  const there = () => document.getElementById(`step-${number}`);
  if (!there()) {
    const mine = (early = []);
    await arrived.catch(tell);
    if (early !== mine) return;
  }
  const step = there();
  if (step) step.open = true;
  const found = step ? linesIn(step) : [];
  if (!point("line", found, firstChanged(found), number)) announce(`step ${number} shows no lines of a file`);
  const pressed = early || [];
  early = null;
  for (const key of pressed) {
    if (!form) (cursor && walking[key] ? walking : keys)[key]?.();
    else if (key.length === 1) fields.body.setRangeText(key, fields.body.value.length, fields.body.value.length, "end");
  }
  if (form) keep();
}

function pointAt(kind, selector, place) {
  const items = [...document.querySelectorAll(selector)].map((element) => ({ element, target: place(element.dataset) }));
  if (!point(kind, items, 0)) announce(kind === "claim" ? "the report claims nothing" : "there was no plan");
}

async function correct(number) {
  if (!open("correction", { step: number })) return;
  const mine = form;
  fields.body.readOnly = true; // it keeps the focus: no key goes elsewhere meanwhile
  let text = "";
  try {
    const answer = await fetch(`${desk.dataset.here}/action?step=${number}`);
    text = JSON.stringify(await answer.json(), null, 1);
  } catch {
    announce("the server does not answer: write the whole action", true);
  }
  if (form !== mine) return;
  fields.body.value = text;
  fields.body.readOnly = false;
}

function comment() {
  if (!cursor) return onStep((number) => open("critique", { step: number }));
  if (cursor.kind === "claim") return open("claim", target());
  return open("critique", target(), { quote: cursor.kind === "line" ? chosenText() : "" });
}

function label(n) {
  if (cursor?.kind !== "claim") return onStep((number) => judge("step", { step: number }, LABELS.step[n]));
  if (n) return open("claim", target(), { label: LABELS.claim[n] });
  return judge("claim", target(), "true");
}

// What is hidden

function reveal(shown, asked = false) {
  byHand ||= asked;
  document.body.classList.toggle("blind", !shown);
  notes = shown ? notes : notes.filter((each) => each.draft || each.annotator === me());
  draw();
  quietly();
}

function blindEverywhere() {
  const on = !document.body.classList.contains("blind");
  document.cookie = `${BLIND}=${on ? "yes" : "no"}; path=/; samesite=strict`;
  reveal(!on, true);
  announce(on ? "from now on pages hide reward, verdict, policy and what others said" : "pages hide nothing any more");
}

const walking = {
  j: () => walk(1), ArrowDown: () => walk(1), J: () => walk(1, true),
  k: () => walk(-1), ArrowUp: () => walk(-1), K: () => walk(-1, true),
  Escape: () => (leave(), announce("")), Enter: comment,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (early) {
    if (event.key === "Escape") early = null; // no longer waited for
    else early.push(event.key);
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (!cursor || event.target.matches("input, select, textarea, button")) return;
  if (!walking[event.key]) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  walking[event.key]();
}, true);

say.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  else if (event.key === "Escape") putAway();
  else return;
  event.preventDefault();
});
say.addEventListener("input", keep);
fields.suggestion.addEventListener("focus", () => {
  if (!fields.suggestion.value) fields.suggestion.value = form.quote;
  fields.suggestion.rows = Math.min(8, fields.suggestion.value.split("\n").length);
});
document.getElementById("save").addEventListener("click", save);
document.getElementById("discard").addEventListener("click", () => {
  store.drop(form.key);
  close();
});
const goOn = () => {
  const first = offer();
  if (first) open(first.kind, first.place, { answers: first.answers });
};
document.getElementById("drafts").addEventListener("click", goOn);

Object.assign(keys, {
  c: comment,
  l: () => onStep((number) => lines(number)),
  w: () => open("critique", {}),
  r: () => pointAt("claim", "[data-claim]", (data) => ({ claim: Number(data.claim) })),
  s: () => pointAt("subtask", "[data-subtask]", (data) => ({ subtask: JSON.parse(data.title) })),
  e: () => onStep((number) => correct(number)),
  u: undo,
  d: goOn,
  v: () => reveal(document.body.classList.contains("blind"), true),
  b: blindEverywhere,
  R: () => location.assign(desk.dataset.rank),
  D: () => location.assign(desk.dataset.settle),
  1: () => label(0),
  2: () => label(1),
  3: () => label(2),
});

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node.matches?.(".step")) decorate(node);
}).observe(list, { childList: true, subtree: true });

addEventListener("storage", ({ key }) => {
  if (!form?.touched || key !== form.key || store.get(key)) return;
  form.id = crypto.randomUUID(); // another tab has said it, or thrown it away: what stands here is something else
  keep();
});
addEventListener("journeyman:said", quietly);
addEventListener("journeyman:name", quietly);
addEventListener("journeyman:refused", ({ detail }) => {
  if (!form) open(detail.kept.kind, detail.kept.place, { answers: detail.kept.answers });
});
addEventListener("focus", quietly);
document.addEventListener("visibilitychange", () => document.hidden || quietly());
quietly();
offer();
