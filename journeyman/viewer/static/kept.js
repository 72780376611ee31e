// What is said, until the server has it: drafts at every keystroke, and what was saved and not yet answered. Both lie in
// the browser's own store, so that neither a crash of the tab nor of the server loses them. What is sent again has the
// same id: the server takes it once.
"use strict";

const desk = document.getElementById("feedback");
const HERE = location.pathname;
const DRAFT = "journeyman.draft:";
const OUT = "journeyman.out:";

const told = document.getElementById("told");
let refused = false; // what is told is why something cannot be said as it stands

function announce(text, wrong = false) {
  told.textContent = text;
  told.classList.toggle("bad", wrong);
  refused = false;
}

/** Tells why something cannot be said as it stands. That what was said before it is saved by now doesn't hide it. */
function refuse(why) {
  announce(why, true);
  refused = true;
}

// What the browser cannot store is at least held as long as the page lives.
const held = new Map();

const store = {
  set(key, value) {
    const text = JSON.stringify(value);
    try {
      localStorage.setItem(key, text);
      held.delete(key);
    } catch {
      held.set(key, text);
      announce("this browser keeps no drafts here: save before you leave", true);
    }
  },
  get(key) {
    try {
      return JSON.parse(held.get(key) ?? localStorage.getItem(key));
    } catch {
      return null; // not ours
    }
  },
  drop(key) {
    held.delete(key);
    localStorage.removeItem(key);
  },
  keys: (begin) => [...new Set([...held.keys(), ...Object.keys(localStorage)])].filter((key) => key.startsWith(begin)).sort(),
};

const nameField = document.getElementById("me");
nameField.value = sessionStorage.getItem("journeyman.me") || (!nameField.dataset.given && store.get("journeyman.me")) || nameField.value;
nameField.addEventListener("change", () => {
  nameField.value = nameField.value.trim().replace(/[^\p{L}\p{N}_.@+-]+/gu, "-").slice(0, 64) || nameField.defaultValue;
  sessionStorage.setItem("journeyman.me", nameField.value);
  store.set("journeyman.me", nameField.value);
  dispatchEvent(new Event("journeyman:name"));
});
const me = () => nameField.value;

/** The beginning of every entry. */
const said = (id = crypto.randomUUID()) => ({ id, annotator: me(), at: new Date().toISOString(), origin: "page" });

let sending = false;
let again = 0;
let pause = 1000;

/** Says something: kept first, then sent until the server has it. `draft` is what to give back where it is refused. */
function send(entry, draft = null) {
  const item = { post: desk.dataset.post, page: HERE, entry, draft };
  refused = false;
  store.set(OUT + entry.id, item);
  deliver();
}

/** Whether something is on its way. */
const waiting = (id) => store.get(OUT + id) !== null;

async function deliver() {
  if (sending) return;
  sending = true;
  clearTimeout(again);
  let got = false;
  try {
    for (let item = next(); item; item = next()) {
      await deliverOne(item);
      got = true;
    }
    pause = 1000;
  } catch {
    announce("the server does not answer: what you said is kept here, and sent again", true);
    again = setTimeout(deliver, pause);
    pause = Math.min(2 * pause, 15000);
  } finally {
    sending = false;
  }
  if (got) dispatchEvent(new Event("journeyman:said"));
}

/** The oldest of what is to be sent to this run, from here or from another page whose tab has gone. */
function next() {
  const kept = store.keys(OUT).map(store.get).filter((each) => each?.post === desk.dataset.post);
  return kept.sort((a, b) => (a.entry.at < b.entry.at ? -1 : 1))[0];
}

async function deliverOne({ post, page, entry, draft }) {
  const answer = await fetch(post, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(entry),
  });
  if (answer.status >= 500 || answer.status === 404) throw new Error(answer.statusText);
  if (answer.ok) {
    if (!refused) announce("saved");
  } else {
    const why = await answer.json().then((told) => told.why, () => `the server says ${answer.status}`);
    if (draft) {
      // Another tab may have said it in other words: then these go by another id.
      if (answer.status === 409) draft.kept.id = crypto.randomUUID();
      store.set(draft.key, draft.kept);
    }
    announce(`not saved: ${why}`, true);
    if (draft && page === HERE) dispatchEvent(new CustomEvent("journeyman:refused", { detail: draft }));
  }
  store.drop(OUT + entry.id);
}

const help = document.getElementById("help");
keys["?"] = () => (help.open ? help.close() : help.showModal());
document.addEventListener("keydown", (event) => {
  if (help.open && event.key !== "?") event.stopImmediatePropagation(); // nobody says anything while reading the keys
}, true);
document.getElementById("helped").addEventListener("click", () => help.close());
keys.i = () => nameField.select();
nameField.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "Escape") nameField.blur();
});
addEventListener("online", deliver);
addEventListener("pageshow", deliver);
