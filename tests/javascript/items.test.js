// The pictures of the grid: what becomes of them, what is said of them, which of them a button means.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  describeItem,
  describeSaid,
  findColour,
  findTarget,
  groupBySuggestion,
  listMeant,
  listRemaining,
} from "../../pages/shared/components/grid/items.js";

/** @typedef {import("../../pages/shared/components/grid/items.js").Change} Change */
/** @typedef {import("../../pages/shared/components/grid/items.js").Item} Item */

/**
 * @param {string} id
 * @param {Partial<Item>} [values]
 * @returns {Item}
 */
function makeItem(id, values) {
  const plain = {
    url: "",
    picture: "",
    class: null,
    suggestion: "",
    sure: "",
    flag: "",
    section: 0,
    details: [],
    said: "",
  };
  return { id, path: `${id}.jpg`, ...plain, ...values };
}

/**
 * @param {Record<string, string | null | undefined>} targets
 * @returns {Map<string, Change>}
 */
function makePending(targets) {
  return new Map(Object.entries(targets).map(([id, to]) => [id, { n: 1, to }]));
}

const NONE = makePending({});

test("a picture is where it will be", () => {
  const item = makeItem("a", { class: "oak" });
  assert.equal(findTarget(item, NONE), "oak");
  assert.equal(findTarget(item, makePending({ a: "elm" })), "elm");
  assert.equal(findTarget(item, makePending({ a: null })), null);
  assert.equal(findTarget(item, makePending({ a: undefined })), undefined);
  assert.equal(findTarget(item, makePending({ b: "elm" })), "oak");
});

test("what is on its way to the bin is not shown, what has no class is", () => {
  const items = ["a", "b", "c"].map((id) => makeItem(id, { class: "oak" }));
  const left = listRemaining(items, makePending({ a: undefined, b: null }));
  assert.deepEqual(
    left.map(({ id }) => id),
    ["b", "c"],
  );
});

test("a picture has its class on it", () => {
  assert.deepEqual(describeItem(makeItem("a", { class: "oak" }), NONE), {
    moved: false,
    offered: "",
    name: "oak",
    alt: "oak: a.jpg",
    shownClass: "oak",
  });
  assert.equal(describeItem(makeItem("a"), NONE).alt, "without a class: a.jpg");
  assert.equal(describeItem(makeItem("a", { class: "oak", flag: "blurred" }), NONE).alt, "oak, blurred: a.jpg");
});

test("a suggestion is offered with how sure it is", () => {
  const loose = describeItem(makeItem("a", { suggestion: "elm", sure: "90 %" }), NONE);
  assert.equal(loose.name, "elm? 90 %");
  assert.equal(loose.shownClass, "elm");
  const placed = describeItem(makeItem("a", { class: "oak", suggestion: "elm", sure: "90 %" }), NONE);
  assert.equal(placed.name, "oak → elm? 90 %");
  assert.equal(placed.offered, "elm");
});

test("below a picture stands what it is and what was said of it, also once it is put right", () => {
  assert.equal(describeSaid(makeItem("a", { class: "oak", suggestion: "elm", sure: "69 %" }), NONE), null);
  const item = makeItem("a", { class: "oak", said: "elm", sure: "69 %" });
  assert.deepEqual(describeSaid(item, NONE), { really: "really oak", said: "said elm 69\u00a0%", wrong: true });
  const right = describeSaid(item, makePending({ a: "elm" }));
  assert.deepEqual(right, { really: "labelled elm", said: "said elm 69\u00a0%", wrong: false });
  const loose = describeSaid(item, makePending({ a: null }));
  assert.deepEqual(loose, { really: "without a class", said: "said elm 69\u00a0%", wrong: false });
});

test("nothing is offered that a picture is already, nor once someone decided", () => {
  const item = makeItem("a", { class: "oak", suggestion: "oak", sure: "90 %" });
  assert.equal(describeItem(item, NONE).name, "oak");
  const other = makeItem("a", { class: "oak", suggestion: "elm", sure: "90 %" });
  const decided = describeItem(other, makePending({ a: "ash" }));
  assert.equal(decided.name, "ash");
  assert.equal(decided.offered, "");
  assert.equal(decided.moved, true);
});

test("a class has its colour, anything else none", () => {
  const classes = [{ name: "oak", colour: "#0072b2", key: "1" }];
  assert.equal(findColour(classes, "oak"), "#0072b2");
  assert.equal(findColour(classes, ""), "transparent");
});

test("suggestions are accepted class by class, of what is meant and not yet moved", () => {
  const items = [
    makeItem("a", { suggestion: "elm" }),
    makeItem("b", { suggestion: "oak" }),
    makeItem("c", { suggestion: "elm" }),
    makeItem("d"),
    makeItem("e", { suggestion: "elm" }),
    makeItem("f", { suggestion: "elm" }),
  ];
  const groups = groupBySuggestion(items, ["a", "b", "c", "d", "e"], makePending({ e: "ash" }));
  assert.deepEqual(
    [...groups],
    [
      ["elm", ["a", "c"]],
      ["oak", ["b"]],
    ],
  );
});

test("a button of a section means what is selected in it, or else all", () => {
  const section = { id: "s", title: "", note: "", label: false, actions: [], removing: [], whole: false };
  const ids = ["a", "b", "c"];
  assert.deepEqual(listMeant(section, ids, ["b"], new Set(["c", "z"])), ["c"]);
  assert.deepEqual(listMeant(section, ids, ["b"], new Set(["z"])), ids);
  assert.deepEqual(listMeant({ ...section, whole: true }, ids, ["b"], new Set(["c"])), ids);
});

test("for a class, a button of a section means those without one, as long as there are any", () => {
  const section = { id: "s", title: "", note: "", label: true, actions: [], removing: [], whole: false };
  const ids = ["a", "b", "c"];
  assert.deepEqual(listMeant(section, ids, ["b"], new Set()), ["b"]);
  assert.deepEqual(listMeant(section, ids, [], new Set()), ids);
  assert.deepEqual(listMeant(section, ids, ["b"], new Set(["a"])), ["a"]);
});
