// An episode's steps on demand: the page holds those near the eye. The others come from the server, or in an exported
// file from the data inside it. What comes is made and escaped by the same templates as the page.
"use strict";

const list = document.getElementById("steps");
const SIZE = list ? Number(list.dataset.size) : 0;
const MOST = 8; // chunks that are in the page at once
const breath = () => new Promise((done) => setTimeout(done));

/** Steps that the server holds: those in which the searched text stands, or all. */
const served = {
  count: list ? Number(list.dataset.count) : 0,
  async html(first) {
    const asked = new URLSearchParams({ first: first + 1, q: list.dataset.q });
    const answer = await fetch(`${list.dataset.more}?${asked}`);
    if (!answer.ok) throw new Error(`the server says ${answer.status}`);
    return answer.text();
  },
};

/** Steps that are in this file. */
class Packed {
  constructor(steps) {
    this.steps = steps;
    this.count = steps.length;
  }

  async html(first) {
    return this.steps.slice(first, first + SIZE).join("");
  }

  static async read(text) {
    let at = 0;
    const bytes = new ReadableStream({
      async pull(stream) {
        if (at >= text.length) return stream.close();
        await breath(); // so that a large file does not hold the page up
        const piece = atob(text.slice(at, (at += 1 << 18)));
        return stream.enqueue(Uint8Array.from(piece, (each) => each.charCodeAt(0)));
      },
    });
    const reader = bytes.pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream()).getReader();
    const steps = [];
    let open = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const parts = (open + part.value).split("\0");
      open = parts.pop();
      steps.push(...parts);
    }
    return new Packed(open ? [...steps, open] : steps);
  }

  /** Those that show a text, upper and lower case alike. */
  async with(text) {
    const cell = document.createElement("p");
    cell.textContent = text;
    const wanted = cell.innerHTML.toLowerCase();
    const found = [];
    for (const [n, step] of this.steps.entries()) {
      if (n % 200 === 199) await breath();
      const told = step.slice(0, step.lastIndexOf('<p class="dim facts">')).replace(/<[^>]*>/g, "");
      if (plain(told).includes(wanted)) found.push(step);
    }
    return new Packed(found);
  }
}

// The templates spell quotes as entities, the browser does not.
const plain = (html) => html.replaceAll("&#39;", "'").replaceAll("&#34;", '"').toLowerCase();

let source = served;
let whole = null; // all steps of an exported file
let chunks = [];
let at = -1; // place of the current step
const closed = new Set(); // ids of steps that were folded
const coming = new Map();

const watch = list && new IntersectionObserver((seen) => {
  for (const each of seen) if (each.isIntersecting) fill(chunks.indexOf(each.target)).catch(tell);
}, { rootMargin: "1200px" });

/** Places for all chunks; one may be there already. */
function lay(first, there) {
  watch.disconnect();
  coming.clear();
  const height = there ? Math.max(there.offsetHeight / Math.max(1, there.childElementCount), 40) : 120;
  chunks = Array.from({ length: Math.ceil(source.count / SIZE) }, (_, n) => {
    if (there && n === first) return there;
    const chunk = document.createElement("div");
    chunk.className = "chunk empty";
    chunk.style.height = `${height * Math.min(SIZE, source.count - n * SIZE)}px`;
    return chunk;
  });
  list.replaceChildren(...chunks);
  chunks.forEach((chunk) => watch.observe(chunk));
}

function fill(n) {
  const chunk = chunks[n];
  if (!chunk || !chunk.matches(".empty")) return Promise.resolve();
  if (!coming.has(chunk)) {
    coming.set(chunk, source.html(n * SIZE).then((html) => {
      chunk.innerHTML = html;
      chunk.classList.remove("empty");
      chunk.style.height = "";
      for (const step of chunk.children) if (closed.has(step.id)) step.open = false;
      thin(n);
    }).finally(() => coming.delete(chunk)));
  }
  return coming.get(chunk);
}

/** Empties the chunks that are farthest from one. */
function thin(n) {
  const full = [...chunks.keys()].filter((k) => !chunks[k].matches(".empty"));
  full.sort((a, b) => Math.abs(b - n) - Math.abs(a - n));
  for (const far of full.slice(0, Math.max(0, full.length - MOST))) {
    chunks[far].style.height = `${chunks[far].offsetHeight}px`;
    chunks[far].replaceChildren();
    chunks[far].classList.add("empty");
  }
}

function tell(error) {
  document.getElementById("found").textContent = `the steps cannot be read: ${error.message}`;
}

const stepAt = (place) => chunks[Math.floor(place / SIZE)]?.children[place % SIZE];

let jumping = 0; // jumps that have not arrived yet
let arrived = Promise.resolve();

/** Shows the step at a place and makes it the current one. */
function go(place, block = "start") {
  jumping++;
  return (arrived = jump(place, block).finally(() => jumping--));
}

async function jump(place, block) {
  at = Math.max(0, Math.min(source.count - 1, place));
  const n = Math.floor(at / SIZE);
  await Promise.all([fill(n - 1), fill(n), fill(n + 1)]);
  const step = stepAt(at);
  if (!step) return;
  document.querySelector(".step.current")?.classList.remove("current");
  step.classList.add("current");
  step.querySelector("summary").focus({ preventScroll: true });
  step.scrollIntoView({ block });
  await new Promise(requestAnimationFrame); // what lay unseen before has got its own height by now
  step.scrollIntoView({ block });
}

/** The current step's place; where it is out of sight, that of the first one in sight. */
function here() {
  const step = at < 0 ? null : stepAt(at);
  const box = step?.getBoundingClientRect();
  if (box && box.bottom > 0 && box.top < innerHeight) return at;
  const seen = [...list.querySelectorAll(".step")].find((each) => each.getBoundingClientRect().bottom > 0);
  if (!seen || seen.getBoundingClientRect().top > innerHeight) return at;
  const chunk = seen.parentElement;
  return chunks.indexOf(chunk) * SIZE + [...chunk.children].indexOf(seen);
}

async function toHash() {
  const number = /^#step-(\d+)$/.exec(location.hash)?.[1];
  if (!number || (list.dataset.more && list.dataset.q)) return; // the server's search has its own places
  if (!list.dataset.more && source !== whole) await show("");
  await go(number - 1);
}

/** In an exported file: only steps with a text, or all for an empty one. */
async function show(text) {
  source = text ? await whole.with(text) : whole;
  at = -1;
  lay(-1, null);
  const steps = source.count === 1 ? "1 step" : `${source.count} steps`;
  document.getElementById("found").textContent = text ? `${steps} with it; an empty search shows all` : "";
  await fill(0);
}

async function begin() {
  document.querySelectorAll(".pages").forEach((each) => (each.hidden = true));
  if (!list.dataset.more) {
    source = whole = await Packed.read(document.getElementById("data").textContent);
    document.getElementById("find").addEventListener("submit", (event) => {
      event.preventDefault();
      show(event.target.elements.q.value).catch(tell);
    });
  }
  lay(Math.floor((list.dataset.first - 1) / SIZE), list.querySelector(".chunk"));
  document.getElementById("jump").addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `step-${event.target.elements.from.value || 1}`;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href*='#step-']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || (list.dataset.more && list.dataset.q)) return;
    event.preventDefault();
    if (link.hash === location.hash) toHash().catch(tell);
    else location.hash = link.hash;
  });
  list.addEventListener("toggle", (event) => {
    if (event.target.matches(".step")) closed[event.target.open ? "delete" : "add"](event.target.id);
  }, true);
  addEventListener("hashchange", () => toHash().catch(tell));
  Object.assign(keys, {
    j: () => go(here() + 1, "nearest").catch(tell),
    k: () => go(here() < 0 ? 0 : here() - 1, "nearest").catch(tell),
    n: () => go(Math.max(0, here()) + SIZE).catch(tell),
    p: () => go(here() - SIZE).catch(tell),
    g: () => document.querySelector("#jump input").focus(),
    o: () => {
      const step = stepAt(at);
      if (step) step.open = !step.open;
    },
  });
  list.dataset.ready = "yes";
  await toHash();
}

if (list) begin().catch(tell);
