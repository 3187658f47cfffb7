// The confusion matrix: its sentences, what is chosen in it, and its arrow keys.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as cells from "../../pages/shared/components/matrix/cells.js";

/** @typedef {import("../../pages/shared/components/matrix/cells.js").Cell} Cell */

const DATA = {
  names: ["oak", "elm", "ash"],
  short: ["oak", "elm", "ash"],
  counts: [
    [6, 2, 0],
    [1, 3, 0],
    [0, 0, 0],
  ],
  totals: [8, 5, 0],
  called: [7, 5, 1],
  shares: false,
  caption: "",
  hint: "",
  truth: null,
  said: null,
};

test("each cell says in words what it counts", () => {
  assert.equal(cells.describeCell(DATA, [0, 0]), "oak, right: 6 of 8 (75 %)");
  assert.equal(cells.describeCell(DATA, [0, 1]), "oak, taken for elm: 2 of 8 (25 %)");
  assert.equal(cells.describeCell(DATA, [1, 0]), "elm, taken for oak: 1 of 5 (20 %)");
});

test("a row without pictures has no percentage", () => {
  assert.equal(cells.describeCell(DATA, [2, 2]), "ash, right: 0 of 0");
});

test("headings say the totals, also of what is not shown", () => {
  assert.equal(cells.describeCell(DATA, [1, -1]), "All pictures of elm: 5");
  assert.equal(cells.describeCell(DATA, [-1, 2]), "All that it calls ash: 1");
});

test("a cell has its number or percentage, and nothing where it counts nothing", () => {
  assert.deepEqual(cells.fillCell(DATA, [0, 0]), { text: "6", strength: 0.12 + 0.88 * 0.75 });
  assert.deepEqual(cells.fillCell({ ...DATA, shares: true }, [0, 1]), { text: "25", strength: 0.12 + 0.88 * 0.25 });
  assert.deepEqual(cells.fillCell(DATA, [0, 2]), { text: "", strength: 0 });
  assert.deepEqual(cells.fillCell(DATA, [2, 2]), { text: "", strength: 0 });
});

test("many classes make smaller cells, at last without numbers", () => {
  assert.equal(cells.chooseSize(8), "roomy");
  assert.equal(cells.chooseSize(9), "small");
  assert.equal(cells.chooseSize(20), "small");
  assert.equal(cells.chooseSize(21), "tiny");
  const names = Array.from({ length: 21 }, (_, number) => `class ${number}`);
  assert.equal(cells.fillCell({ ...DATA, names }, [0, 0]).text, "");
});

test("what is chosen is found by its names", () => {
  assert.equal(cells.findChosen(DATA), null);
  assert.deepEqual(cells.findChosen({ ...DATA, truth: "elm", said: "oak" }), [1, 0]);
  assert.deepEqual(cells.findChosen({ ...DATA, truth: "elm" }), [1, -1]);
  assert.deepEqual(cells.findChosen({ ...DATA, said: "ash" }), [-1, 2]);
  assert.equal(cells.findChosen({ ...DATA, truth: "gone" }), null);
});

test("a click chooses, a second one on the same gives up", () => {
  assert.deepEqual(cells.chooseCell(DATA, [0, 1]), { truth: "oak", said: "elm" });
  assert.deepEqual(cells.chooseCell(DATA, [0, -1]), { truth: "oak", said: null });
  assert.deepEqual(cells.chooseCell({ ...DATA, truth: "oak", said: "elm" }, [0, 1]), { truth: null, said: null });
  assert.deepEqual(cells.chooseCell({ ...DATA, truth: "oak", said: "elm" }, [1, 1]), { truth: "elm", said: "elm" });
});

test("choosing does not change how a matrix looks, numbers and names do", () => {
  assert.equal(cells.looksSame(DATA, { ...DATA, truth: "oak" }), true);
  assert.equal(cells.looksSame(DATA, { ...DATA, shares: true }), false);
  assert.equal(cells.looksSame(DATA, { ...DATA, names: ["oak", "elm", "fir"] }), false);
});

for (const [key, from, to] of /** @type {[string, Cell, Cell | null][]} */ ([
  ["ArrowLeft", [1, 1], [1, 0]],
  ["ArrowLeft", [1, 0], [1, -1]],
  ["ArrowLeft", [1, -1], [1, -1]],
  ["ArrowLeft", [-1, 0], null],
  ["ArrowRight", [1, 2], [1, 2]],
  ["ArrowUp", [0, 1], [-1, 1]],
  ["ArrowUp", [0, -1], null],
  ["ArrowDown", [2, 1], [2, 1]],
  ["ArrowDown", [-1, 1], [0, 1]],
  ["Home", [1, 1], null],
])) {
  test(`${key} leads from ${from} to ${to}`, () => assert.deepEqual(cells.stepCell(from, key, 3), to));
}

test("only arrow keys are steps", () => {
  assert.equal(cells.isStep("ArrowUp"), true);
  assert.equal(cells.isStep("Enter"), false);
});

test("a cell is the same as one of the same row and column", () => {
  assert.equal(cells.isSameCell([1, 2], [1, 2]), true);
  assert.equal(cells.isSameCell([1, 2], [2, 1]), false);
  assert.equal(cells.isSameCell([1, 2], null), false);
});
