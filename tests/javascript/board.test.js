// The board: what it says, and how pictures find their way into classes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Intake } from "../../pages/shared/components/board/intake.js";
import {
  advise,
  describeMissed,
  describeWork,
  findFreeName,
  measureDifference,
} from "../../pages/shared/components/board/words.js";

test("a new class has a name that no other has", () => {
  assert.equal(findFreeName([]), "Class 1");
  assert.equal(findFreeName(["cup", "pen"]), "Class 3");
  assert.equal(findFreeName(["class 3", "Class 2"]), "Class 4");
});

test("the difference of two pictures counts colours alone", () => {
  assert.equal(measureDifference([0, 0, 0, 255], [0, 0, 0, 0]), 0);
  assert.equal(measureDifference([0, 30, 0, 255], [0, 0, 0, 255]), 10);
});

test("pictures that look alike are told, others praised, and a few pass in silence", () => {
  assert.equal(advise([1, 1, 1, 1, 1]), "");
  assert.match(advise([1, 1, 1, 1, 1, 1]), /look alike/);
  assert.match(advise([1, 1, 1, 1, 1, 1, 20, 20, 20, 20, 20, 20]), /^Good/);
});

test("what is under way is told, the nearest first", () => {
  const nothing = { recording: false, taken: 0, sending: 0, reading: 0 };
  assert.equal(describeWork(nothing), "");
  assert.equal(describeWork({ ...nothing, reading: 1200 }), "Saving 1,200 ...");
  assert.equal(describeWork({ ...nothing, sending: 3, reading: 4 }), "Sending 3 ...");
  assert.equal(describeWork({ recording: true, taken: 1, sending: 1, reading: 0 }), "Recording: 1 picture");
});

test("files that were not taken are told with the first reason", () => {
  const missed = { path: "a.png", reason: "too large" };
  assert.equal(describeMissed([]), "");
  assert.equal(describeMissed([missed]), "Not taken: a.png (too large).");
  assert.equal(describeMissed([missed, missed, missed]), "Not taken: a.png (too large). And 2 more.");
});

/** Lets all that is under way come to its end. */
async function settle() {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

/** @param {string} path */
function makeItem(path) {
  return { path, open: () => Promise.resolve(new File(["x"], path)) };
}

/** An intake, where its pictures went, and what it told of whole batches. */
function makeIntake() {
  /** @type {string[]} */
  const sent = [];
  /** @type {string[]} */
  const told = [];
  const state = { down: false };
  const intake = new Intake(
    async (url, { path }) => {
      if (state.down) throw new Error("down");
      sent.push(`${url}/${path}`);
      return {};
    },
    (batch, token) => told.push(`${batch.kind} ${batch.card} at ${token}`),
    () => {},
  );
  return { intake, sent, told, state };
}

test("each batch goes to a place of its own, and waits until there is one", async () => {
  const { intake, sent, told } = makeIntake();
  const first = intake.begin("one");
  intake.add(first, [makeItem("a")]);
  await settle();
  assert.deepEqual(sent, []); // nowhere yet
  intake.offer({ token: "x", url: "/x" }, true);
  await settle();
  assert.deepEqual([sent, told], [["/x/a"], []]); // more may come
  intake.end(first);
  const second = intake.begin("two");
  intake.add(second, [makeItem("b")]);
  intake.end(second);
  await settle();
  assert.deepEqual([sent, told], [["/x/a"], ["take one at x"]]);
  assert.deepEqual(intake.count("one"), { sending: 0, reading: 1 });
  assert.deepEqual(intake.count("two"), { sending: 1, reading: 0 });
  intake.offer({ token: "x", url: "/x" }, false); // the page was drawn before the answer
  await settle();
  assert.equal(intake.trouble, "");
  intake.offer({ token: "y", url: "/y" }, true);
  await settle();
  assert.deepEqual(
    [sent, told],
    [
      ["/x/a", "/y/b"],
      ["take one at x", "take two at y"],
    ],
  );
  assert.deepEqual(intake.count("one"), { sending: 0, reading: 0 });
});

test("a board that is left sends no more, and goes on where it was left", async () => {
  const { intake, sent, told } = makeIntake();
  const plain = intake.send;
  intake.offer({ token: "x", url: "/x" }, true);
  intake.send = (_url, _item, signal) =>
    new Promise((_, fail) => signal.addEventListener("abort", () => fail(new Error("broken off"))));
  const batch = intake.begin("one");
  intake.add(batch, [..."abcd"].map(makeItem));
  intake.end(batch);
  await settle();
  intake.close();
  await settle();
  assert.deepEqual([sent, told, batch.sender.underWay, intake.trouble], [[], [], 0, ""]);
  intake.send = plain;
  intake.offer({ token: "x", url: "/x" }, true);
  await settle();
  assert.deepEqual(sent.sort(), ["/x/a", "/x/b", "/x/c", "/x/d"]);
  assert.deepEqual(told, ["take one at x"]);
});

test("a picture that is still being written when the recording ends is not lost", async () => {
  const { intake, sent, told } = makeIntake();
  intake.offer({ token: "x", url: "/x" }, true);
  const batch = intake.begin("one");
  /** @type {(file: File) => void} */
  let write = () => {};
  const opened = new Promise((done) => (write = done));
  intake.send = async (url, item) => {
    await item.open();
    sent.push(`${url}/${item.path}`);
    return {};
  };
  intake.add(batch, [{ path: "late", open: () => /** @type {Promise<File>} */ (opened) }]);
  intake.end(batch);
  await settle();
  assert.deepEqual(told, []);
  write(new File(["x"], "late"));
  await settle();
  assert.deepEqual([sent, told], [["/x/late"], ["take one at x"]]);
});

test("what a server does not take, or does not hear, stays and can be tried again", async () => {
  const { intake, told, state, sent } = makeIntake();
  intake.offer({ token: "x", url: "/x" }, true);
  state.down = true;
  const batch = intake.begin("one");
  intake.add(batch, [makeItem("a")]);
  intake.end(batch);
  await settle();
  assert.match(intake.trouble, /does not answer/);
  state.down = false;
  intake.retry();
  await settle();
  assert.deepEqual([sent, told], [["/x/a"], ["take one at x"]]);
  intake.offer({ token: "x", url: "/x" }, true); // it was told, has answered, and the pictures are where they were
  assert.match(intake.trouble, /could not be saved/);
  intake.retry();
  assert.deepEqual(told, ["take one at x", "take one at x"]);
  assert.equal(intake.trouble, "");
});
