// What each key does in the grid.

import assert from "node:assert/strict";
import { test } from "node:test";

import { findAt, findStep, readKey } from "../../pages/shared/components/grid/keys.js";

const CLASSES = [
  { name: "oak", colour: "", key: "1" },
  { name: "elm", colour: "", key: "e" },
  { name: "ash", colour: "", key: "" },
];
const SITUATION = { at: 5, count: 20, columns: 4, large: false, accept: false, classes: CLASSES };

/**
 * @param {string} key
 * @param {Partial<import("../../pages/shared/components/grid/keys.js").Key>} [held]
 * @param {Partial<typeof SITUATION>} [situation]
 */
function press(key, held, situation) {
  const event = { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held };
  return readKey(event, { ...SITUATION, ...situation });
}

for (const [key, to] of /** @type {[string, number][]} */ ([
  ["ArrowLeft", 4],
  ["ArrowRight", 6],
  ["ArrowUp", 1],
  ["ArrowDown", 9],
  ["Home", 0],
  ["End", 19],
  ["PageUp", -7],
  ["PageDown", 17],
])) {
  test(`${key} leads to picture ${to}`, () => {
    assert.equal(findStep(key, SITUATION), to);
    assert.deepEqual(press(key), { does: "step", to, extend: false });
    assert.deepEqual(press(key, { shiftKey: true }), { does: "step", to, extend: true });
  });
}

test("an arrow leads to the first picture when none has the keyboard", () => {
  for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
    assert.equal(findStep(key, { ...SITUATION, at: -1 }), 0);
  }
});

test("no step leads beyond the ends", () => {
  const order = ["a", "b", "c"];
  assert.equal(findAt(order, -7), "a");
  assert.equal(findAt(order, 1), "b");
  assert.equal(findAt(order, 17), "c");
  assert.equal(findAt([], 0), undefined);
});

test("undo and redo, with the key of either system", () => {
  for (const held of [{ ctrlKey: true }, { metaKey: true }]) {
    assert.deepEqual(press("z", held), { does: "undo" });
    assert.deepEqual(press("Z", { ...held, shiftKey: true }), { does: "redo" });
    assert.deepEqual(press("y", held), { does: "redo" });
    assert.deepEqual(press("a", held), { does: "select all" });
  }
});

test("other keys of the browser are left to it", () => {
  assert.equal(press("f", { ctrlKey: true }), null);
  assert.equal(press("ArrowLeft", { ctrlKey: true }), null);
  assert.equal(press("ArrowLeft", { altKey: true }), null);
  assert.equal(press("1", { altKey: true }), null);
  assert.equal(press("Tab"), null);
});

test("a class has its key, in small and in capital letters", () => {
  assert.deepEqual(press("1"), { does: "label", to: "oak" });
  assert.deepEqual(press("e"), { does: "label", to: "elm" });
  assert.deepEqual(press("E"), { does: "label", to: "elm" });
  assert.deepEqual(press("0"), { does: "label", to: null });
  assert.equal(press("2"), null);
});

test("A accepts only where there is something to accept", () => {
  assert.deepEqual(press("a", {}, { accept: true }), { does: "accept" });
  assert.equal(press("a"), null);
});

test("keys that mean something else while a picture is shown large", () => {
  const large = { large: true };
  assert.deepEqual(press("Enter"), { does: "look" });
  assert.deepEqual(press("Enter", {}, large), { does: "close" });
  assert.deepEqual(press(" "), { does: "toggle" });
  assert.equal(press(" ", {}, large), null);
  assert.deepEqual(press("Escape"), { does: "select none" });
  assert.equal(press("Escape", {}, large), null); // the browser closes it
});

test("both keys that delete do so", () => {
  assert.deepEqual(press("Delete"), { does: "remove" });
  assert.deepEqual(press("Backspace"), { does: "remove" });
});
