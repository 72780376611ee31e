// Scores of the whole and of each item of a guideline, one after the other.
"use strict";

/** What can be scored: the whole, and the items in their order, each with the reference that an entry names. */
const scorable = () => [...(fields.item?.options || [{ value: "", textContent: "" }])].map(({ value, textContent }) => ({
  item: value, name: value ? `${JSON.parse(value).guideline} / ${JSON.parse(value).item}` : "", words: textContent.trim(),
}));

/** The part of an entry that says so. Throws what is wrong, in words. */
function scored(place, text) {
  if (!/^\d{1,3}$/.test(text.trim()) || Number(text) > 100) throw new Error("a score is a whole number from 0 to 100");
  const found = scorable().find((each) => each.name === place.score);
  if (!found) throw new Error("there is no such item any more: load the page again");
  return { value: Number(text) / 100, ...(found.item ? { item: JSON.parse(found.item) } : {}) };
}

function score(n) {
  const all = scorable();
  if (n < 0 || n >= all.length) return false;
  open("score", { score: all[n].name });
  const left = all.length > 1 ? `${n + 1} of ${all.length}` : "";
  announce([left, all[n].name && all[n].words].filter(Boolean).join(": "));
  return true;
}

const scoring = () => scorable().findIndex((each) => each.name === form.place.score);

fields.value.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) {
    const next = scoring() + by;
    if (form.touched) keep();
    score(next);
  } else if (event.key === "Enter") {
    const next = scoring() + 1;
    save();
    if (!form && !score(next)) announce("that was the last");
  } else return;
  event.preventDefault();
  event.stopPropagation();
});
keys.S = () => score(0);
