// What the grid sends: whole until it is answered, and not too often.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../pages/shared/components/_outbox.js";

/** @typedef {import("../../pages/shared/components/_outbox.js").Message} Message */

/**
 * An outbox to which so many ops were added, and the numbers of the ops in each message that it sent.
 *
 * @param {import("node:test").TestContext} context whose clock the test moves
 * @param {number} count
 */
function makeOutbox(context, count) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const outbox = new Outbox();
  /** @type {number[][]} */
  const sent = [];
  outbox.send = ({ ops }) => sent.push(ops.map(({ n }) => n));
  for (let i = 0; i < count; i++) outbox.add({ kind: "move" });
  return { outbox, sent };
}

test("the first op goes at once, those that follow together after a pause", (context) => {
  const { sent } = makeOutbox(context, 3);
  assert.deepEqual(sent, [[1]]);
  context.mock.timers.tick(150);
  assert.deepEqual(sent, [[1], [1, 2, 3]]);
  context.mock.timers.tick(1000);
  assert.equal(sent.length, 2);
});

test("what was answered is not sent again", (context) => {
  const { outbox, sent } = makeOutbox(context, 2);
  outbox.settle({ mount: outbox.mount, n: 1 });
  assert.equal(outbox.waiting, true);
  context.mock.timers.tick(150);
  assert.deepEqual(sent, [[1], [2]]);
  outbox.settle({ mount: outbox.mount, n: 2 });
  assert.equal(outbox.waiting, false);
});

test("nothing is sent after the pause if all was answered by then", (context) => {
  const { outbox, sent } = makeOutbox(context, 2);
  outbox.settle({ mount: outbox.mount, n: 2 });
  context.mock.timers.tick(150);
  assert.deepEqual(sent, [[1]]);
});

test("an answer to another outbox answers nothing", (context) => {
  const { outbox } = makeOutbox(context, 1);
  outbox.settle({ mount: "another", n: 9 });
  outbox.settle(null);
  assert.equal(outbox.waiting, true);
});

test("a message is not changed by what comes later", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const outbox = new Outbox();
  /** @type {Message[]} */
  const sent = [];
  outbox.send = (message) => sent.push(message);
  outbox.add({ kind: "move", paths: ["a"], to: null });
  outbox.add({ kind: "undo" });
  assert.deepEqual(sent, [{ mount: outbox.mount, ops: [{ n: 1, kind: "move", paths: ["a"], to: null }] }]);
});

test("what a picture will be is known until the op is answered", (context) => {
  const { outbox } = makeOutbox(context, 0);
  outbox.expect(["a", "b"], "oak");
  outbox.add({ kind: "move" });
  outbox.expect(["b"], undefined);
  outbox.add({ kind: "delete" });
  assert.deepEqual(outbox.pending.get("a"), { n: 1, to: "oak" });
  outbox.settle({ mount: outbox.mount, n: 1 });
  assert.deepEqual([...outbox.pending], [["b", { n: 2, to: undefined }]]);
});

test("an undo is told once, when it is answered", (context) => {
  const { outbox } = makeOutbox(context, 1);
  outbox.add({ kind: "undo" });
  assert.equal(outbox.settle({ mount: outbox.mount, n: 1 }), false);
  assert.equal(outbox.settle({ mount: outbox.mount, n: 2 }), true);
  assert.equal(outbox.settle({ mount: outbox.mount, n: 2 }), false);
});

test("closing sends what was not answered, and nothing after that", (context) => {
  const { outbox, sent } = makeOutbox(context, 2);
  outbox.close();
  assert.deepEqual(sent, [[1], [1, 2]]);
  context.mock.timers.tick(1000);
  assert.equal(sent.length, 2);
});
