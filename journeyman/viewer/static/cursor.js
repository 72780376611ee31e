// A cursor over things that can be spoken of: lines of a step, claims of the report, subtasks of the plan.
"use strict";

let cursor = null; // { kind, items, n, from, step }

function point(kind, items, n, step = 0) {
  leave();
  if (!items.length) return false;
  cursor = { kind, items, n, from: n, step };
  walk(0);
  return true;
}

function leave() {
  document.querySelectorAll(".chosen").forEach((each) => each.classList.remove("chosen"));
  cursor = null;
}

/** Goes on by so many; with `more` the range that is chosen grows. */
function walk(by, more = false) {
  cursor.n = Math.max(0, Math.min(cursor.items.length - 1, cursor.n + by));
  if (!more) cursor.from = cursor.n;
  document.querySelectorAll(".chosen").forEach((each) => each.classList.remove("chosen"));
  range().forEach((item) => item.element.classList.add("chosen"));
  const { element } = cursor.items[cursor.n];
  element.scrollIntoView({ block: "nearest" });
  announce(`${wordsFor(target())}: ${element.textContent.trim().slice(0, 80)}`);
}

const range = () => cursor.items.slice(Math.min(cursor.from, cursor.n), Math.max(cursor.from, cursor.n) + 1);

/** What is chosen, as entries name it. */
function target() {
  const item = cursor.items[cursor.n];
  if (cursor.kind !== "line") return item.target;
  const anchor = cursor.items[cursor.from];
  const side = anchor.new ? "new" : "old";
  const numbers = range().filter((each) => each.path === anchor.path && each[side]).map((each) => each[side]);
  const place = { step: cursor.step, path: anchor.path, side, line: Math.min(...numbers) };
  return Math.max(...numbers) > place.line ? { ...place, end: Math.max(...numbers) } : place;
}

/** The text of the lines that are chosen. */
function chosenText() {
  const { path, side, line, end = line } = target();
  const mine = range().filter((each) => each.path === path && each[side] >= line && each[side] <= end);
  return mine.map((each) => each.text).join("\n");
}

/** An element for each row of a text that shows lines of files. */
function linesOf(pre) {
  if (!pre.lines) {
    pre.lines = [];
    const blocks = pre.classList.contains("diff") ? [...pre.children] : [pre];
    for (const block of blocks) {
      const parts = split(block);
      if (block !== pre) parts.pop(); // each kind of a diff's rows ends its last one
      block.replaceChildren(...parts);
      pre.lines.push(...parts);
    }
  }
  return pre.lines;
}

function split(block) {
  const fresh = () => Object.assign(document.createElement("div"), { className: "ln" });
  const parts = [fresh()];
  for (const node of [...block.childNodes]) {
    node.textContent.split("\n").forEach((text, n) => {
      if (n) parts.push(fresh());
      const piece = node.nodeType === Node.TEXT_NODE ? document.createTextNode(text) : node.cloneNode(false);
      if (node.nodeType !== Node.TEXT_NODE) piece.textContent = text;
      parts[parts.length - 1].append(piece);
    });
  }
  return parts;
}

/** The lines of files that a step shows. */
function linesIn(step) {
  const found = [];
  for (const pre of step.querySelectorAll("pre[data-rows]")) {
    const lines = linesOf(pre);
    let path = "";
    JSON.parse(pre.dataset.rows).forEach((row, n) => {
      if (!row || !lines[n]) return;
      path = row[0] || path;
      const text = pre.classList.contains("diff") ? lines[n].textContent.slice(1) : lines[n].textContent.replace(/^\d+\|/, "");
      found.push({ element: lines[n], path, old: row[1], new: row[2], text });
    });
  }
  return found;
}

/** Where to begin: at the first line that came, or went. */
function firstChanged(lines) {
  const came = lines.findIndex((each) => !each.old);
  return Math.max(0, came < 0 ? lines.findIndex((each) => !each.new) : came);
}

function wordsFor(place) {
  if (place.score !== undefined) return place.score ? `it by ${place.score}` : "the whole";
  if (place.claim !== undefined) return `claim ${place.claim + 1}`;
  if (place.subtask) return `subtask “${place.subtask}”`;
  if (!place.step) return "the whole episode";
  if (!place.line) return `step ${place.step}`;
  const lines = place.end ? `lines ${place.line} to ${place.end}` : `line ${place.line}`;
  return `step ${place.step}, ${place.path} ${lines}${place.side === "old" ? " before the change" : ""}`;
}
