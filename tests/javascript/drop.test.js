// What is dropped and how it is sent: which files are found, in which order, and what becomes of those that are not taken.

import assert from "node:assert/strict";
import { test } from "node:test";

import { listChosen, listFiles } from "../../pages/shared/components/drop/entries.js";
import { encodePath, NO_ANSWER, Sender, whyTooLarge } from "../../pages/shared/components/drop/sender.js";
import { describeAloud, describeProgress } from "../../pages/shared/components/drop/words.js";

/** @typedef {import("../../pages/shared/components/drop/entries.js").Item} Item */

/**
 * A file or folder as a drop gives it; a folder gives what is in it by a hundred, as browsers do.
 * @param {string} fullPath
 * @param {FileSystemEntry[] | null} [inside] of a folder; null for one that cannot be read
 * @returns {FileSystemEntry}
 */
function makeEntry(fullPath, inside) {
  const isFile = inside === undefined;
  const createReader = () => {
    let given = 0;
    /** @type {(done: (some: FileSystemEntry[]) => void, failed: (error: Error) => void) => void} */
    const readEntries = (done, failed) => {
      if (!inside) return failed(new Error("NotReadableError"));
      given += 100;
      return done(inside.slice(given - 100, given));
    };
    return { readEntries };
  };
  return /** @type {any} */ ({ isFile, isDirectory: !isFile, fullPath, createReader });
}

/**
 * @param {number} count
 * @returns {Item[]}
 */
function makeItems(count) {
  return Array.from({ length: count }, (_, number) => ({ path: `${number}.png`, open: () => Promise.reject() }));
}

test("all files of all folders are found, with their paths, however many a folder has", async () => {
  const many = Array.from({ length: 250 }, (_, number) => makeEntry(`/leaves/oak/${number}.png`));
  const leaves = makeEntry("/leaves", [makeEntry("/leaves/oak", many), makeEntry("/leaves/table.csv")]);
  /** @type {number[]} */
  const told = [];
  const { items, missed } = await listFiles([leaves, makeEntry("/loose.png"), makeEntry("/none", [])], (count) =>
    told.push(count),
  );
  assert.equal(items.length, 252);
  assert.deepEqual(missed, []);
  assert.equal(items[0]?.path, "leaves/oak/0.png");
  assert.deepEqual(
    items.slice(-3).map(({ path }) => path),
    ["leaves/oak/249.png", "leaves/table.csv", "loose.png"],
  );
  assert.deepEqual(told, [0, 0, 252]);
});

test("a folder that cannot be read is told, and the others are found", async () => {
  const { items, missed } = await listFiles([makeEntry("/closed", null), makeEntry("/open", [makeEntry("/open/a")])]);
  assert.deepEqual(
    items.map(({ path }) => path),
    ["open/a"],
  );
  assert.deepEqual(missed, [{ path: "closed", reason: "this folder cannot be read" }]);
});

test("files that were chosen keep the paths of their folder", () => {
  const files = [
    { name: "a.png", webkitRelativePath: "leaves/oak/a.png" },
    { name: "b.png", webkitRelativePath: "" },
  ];
  const paths = listChosen(/** @type {any} */ (files)).map(({ path }) => path);
  assert.deepEqual(paths, ["leaves/oak/a.png", "b.png"]);
});

test("files are sent in order, few at once, and each that is not taken is told", async () => {
  let now = 0;
  let most = 0;
  /** @type {string[]} */
  const sent = [];
  const sender = new Sender(
    async ({ path }) => {
      most = Math.max(most, ++now);
      sent.push(path);
      await Promise.resolve();
      now -= 1;
      return path === "3.png" ? { reason: "too large" } : {};
    },
    () => {},
  );
  sender.add(makeItems(20));
  await sender.start();
  assert.deepEqual(
    sent,
    makeItems(20).map(({ path }) => path),
  );
  assert.equal(most, 3);
  assert.deepEqual(sender.missed, [{ path: "3.png", reason: "too large" }]);
  assert.deepEqual([sender.arrived, sender.total, sender.sending], [19, 20, false]);
});

test("what was stopped goes on with what is left, and nothing is sent twice or lost", async () => {
  /** @type {Set<string>} */
  const whole = new Set();
  const sender = new Sender(
    async ({ path }) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      assert.ok(!whole.has(path));
      whole.add(path);
      if (whole.size === 7) sender.stop();
      return {};
    },
    () => {},
  );
  sender.add(makeItems(20));
  await sender.start();
  assert.ok(sender.arrived >= 7 && sender.arrived <= 9); // those under way end
  assert.deepEqual([sender.arrived, sender.waiting.length, sender.trouble], [whole.size, 20 - whole.size, ""]);
  await sender.start();
  assert.deepEqual([sender.arrived, sender.waiting.length, whole.size], [20, 0, 20]);
});

test("what takes too long is broken off when it is stopped, and waits", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sender = new Sender(
    (_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error()))),
    () => {},
  );
  sender.add(makeItems(5));
  const end = sender.start();
  sender.stop();
  assert.deepEqual([sender.underWay, sender.sending], [3, true]);
  context.mock.timers.tick(1000);
  await end;
  assert.deepEqual([sender.arrived, sender.waiting.length, sender.trouble, sender.sending], [0, 5, "", false]);
});

test("trouble ends it with its words, and what was not sent waits", async () => {
  const full = "The disk is full.";
  for (const [end, words] of /** @type {const} */ ([
    [() => Promise.resolve({ trouble: full }), full],
    [() => Promise.reject(new TypeError("Failed to fetch")), NO_ANSWER],
  ])) {
    let good = 5;
    const sender = new Sender(
      () => (good-- > 0 ? Promise.resolve({}) : end()),
      () => {},
    );
    sender.add(makeItems(20));
    await sender.start();
    assert.deepEqual([sender.arrived, sender.waiting.length, sender.trouble], [5, 15, words]);
    good = 100;
    await sender.start();
    assert.deepEqual([sender.arrived, sender.trouble], [20, ""]);
  }
});

test("only films, and archives that lie loose, may be large", () => {
  const rules = { limits: { file: 200e6, large: 2e9, archives: [".zip"], films: [".mov"] } };
  assert.equal(whyTooLarge("a.ZIP", 2e9, rules), "");
  assert.equal(whyTooLarge("a.zip", 2e9 + 1, rules), "larger than 2,000 MB");
  assert.equal(whyTooLarge("a/b.zip", 2e8 + 1, rules), "larger than 200 MB");
  assert.equal(whyTooLarge("a.png", 2e8, rules), "");
  assert.equal(whyTooLarge("cup/a.MOV", 2e9, rules), "");
});

test("any path can stand in a header", () => {
  assert.equal(encodePath("日/a b.png"), "%E6%97%A5%2Fa%20b.png");
  assert.equal(encodePath("\ud800😀"), "%EF%BF%BD%F0%9F%98%80");
});

test("it is said how far it has come, aloud only now and then", () => {
  const progress = { arrived: 120, total: 1100, waiting: 977, missed: 3, sending: true, searching: false };
  assert.equal(describeProgress(progress), "123 of 1,100 files");
  assert.equal(describeAloud(progress), "10 % of 1,100 files sent");
  assert.equal(describeAloud({ ...progress, arrived: 200 }), "10 % of 1,100 files sent");
  const stopped = { ...progress, sending: false };
  assert.equal(describeProgress(stopped), "Stopped: 120 of 1,100 files are here");
  assert.equal(describeProgress({ ...stopped, waiting: 0 }), "120 files are here");
  assert.equal(describeProgress({ ...stopped, waiting: 0, arrived: 1 }), "1 file is here");
  assert.equal(describeProgress({ ...stopped, waiting: 0, arrived: 0 }), "None of the files is here");
  assert.equal(describeProgress({ ...stopped, waiting: 0, arrived: 0, missed: 0, total: 0 }), "");
});
