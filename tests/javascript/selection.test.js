// What is selected in the grid, and where the keyboard goes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Selection, findSuccessor, listRange } from "../../pages/shared/components/grid/selection.js";

const ORDER = ["a", "b", "c", "d", "e"];

/**
 * @param {Selection} selection
 * @param {string[]} selected
 * @param {string} focus
 * @param {string} anchor
 */
function check(selection, selected, focus, anchor) {
  assert.deepEqual([...selection.selected], selected);
  assert.equal(selection.focus, focus);
  assert.equal(selection.anchor, anchor);
}

test("a range goes in either direction, both ends included", () => {
  assert.deepEqual(listRange(ORDER, "b", "d"), ["b", "c", "d"]);
  assert.deepEqual(listRange(ORDER, "d", "b"), ["b", "c", "d"]);
  assert.deepEqual(listRange(ORDER, "c", "c"), ["c"]);
});

test("a range from what is gone begins at the start", () => {
  assert.deepEqual(listRange(ORDER, "gone", "b"), ["a", "b"]);
});

test("the next picture follows one that went, the one before if it was the last", () => {
  assert.equal(findSuccessor("b", ORDER, ["a", "c", "d"]), "c");
  assert.equal(findSuccessor("b", ORDER, ["a", "e"]), "e");
  assert.equal(findSuccessor("e", ORDER, ["a", "c"]), "c");
  assert.equal(findSuccessor("b", ORDER, []), "");
  assert.equal(findSuccessor("never there", ORDER, ["c", "d"]), "c");
  assert.equal(findSuccessor("never there", ORDER, []), "");
});

test("selecting keeps the keyboard where it is unless told", () => {
  const selection = new Selection();
  selection.go("b");
  selection.select(["c", "d"]);
  check(selection, ["c", "d"], "b", "b");
  selection.select(["e"], "e");
  check(selection, ["e"], "e", "b");
});

test("a range grows and shrinks from its anchor", () => {
  const selection = new Selection();
  selection.go("c");
  selection.extend(ORDER, "e");
  check(selection, ["c", "d", "e"], "e", "c");
  selection.extend(ORDER, "d");
  check(selection, ["c", "d"], "d", "c");
  selection.extend(ORDER, "a");
  check(selection, ["a", "b", "c"], "a", "c");
  selection.go("b");
  check(selection, [], "b", "b");
});

test("toggling adds and takes away, and a range begins there", () => {
  const selection = new Selection();
  selection.toggle("b");
  selection.toggle("d");
  check(selection, ["b", "d"], "d", "d");
  selection.toggle("b");
  check(selection, ["d"], "b", "b");
});

test("after a change the keyboard is on the next picture that did not change", () => {
  const selection = new Selection();
  selection.select(["b", "c"], "c");
  selection.leave(ORDER, ["b", "c"]);
  check(selection, [], "d", "d");
  selection.leave(ORDER, ["d", "b"]);
  check(selection, [], "c", "c");
});

test("after a change of the last picture the keyboard is nowhere", () => {
  const selection = new Selection();
  selection.go("e");
  selection.leave(ORDER, ["e"]);
  check(selection, [], "", "");
});

test("what is gone is not selected, and the keyboard goes on", () => {
  const selection = new Selection();
  selection.select(["a", "b", "d"], "d");
  selection.keep(["a", "c", "e"]);
  selection.follow(ORDER, ["a", "c", "e"]);
  check(selection, ["a"], "e", "");
});

test("a keyboard that is nowhere stays there", () => {
  const selection = new Selection();
  selection.follow(ORDER, ["a"]);
  check(selection, [], "", "");
});

test("a key means all that is selected, in order, or what has the keyboard", () => {
  const selection = new Selection();
  assert.deepEqual(selection.list(ORDER, false), []);
  selection.go("c");
  assert.deepEqual(selection.list(ORDER, false), ["c"]);
  selection.select(["d", "a"]);
  assert.deepEqual(selection.list(ORDER, false), ["a", "d"]);
  assert.deepEqual(selection.list(ORDER, true), ["c"]);
  selection.clear();
  check(selection, [], "", "");
});
