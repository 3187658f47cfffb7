// The webcam: what is told of it, of a burst of its pictures, and of a model's answers to them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { describeTrouble } from "../../pages/shared/components/_camera.js";
import { isBlack } from "../../pages/shared/components/_frames.js";
import {
  SILENT,
  describeAnswer,
  describeRate,
  describeRefusal,
  findBest,
  noteTime,
} from "../../pages/shared/components/live/answers.js";
import * as burst from "../../pages/shared/components/webcam/burst.js";

test("each trouble of a camera is told in words, one that is not known too", () => {
  assert.match(describeTrouble("NotFoundError"), /^No camera was found/);
  assert.match(describeTrouble("NotReadableError"), /^Another program/);
  assert.equal(describeTrouble("SecurityError"), describeTrouble("NotAllowedError"));
  assert.match(describeTrouble("TypeError"), /could not be started/);
});

test("a picture is black up to some noise", () => {
  const opaque = 255; // does not count
  assert.equal(isBlack([0, 0, 0, opaque, 0, 0, 0, opaque]), true);
  assert.equal(isBlack([5, 5, 5, opaque, 6, 6, 6, opaque]), true);
  assert.equal(isBlack([6, 6, 6, opaque, 6, 6, 6, opaque]), false);
  assert.equal(isBlack([0, 0, 0, opaque, 255, 255, 255, opaque]), false);
});

test("a burst is full when there are enough pictures, or no room for another one", () => {
  assert.equal(burst.isFull([], { most: 2, room: 9 }), false);
  assert.equal(burst.isFull(["xxxx", "xxxx"], { most: 3, room: 9 }), false); // 3 bytes each, another one fits
  assert.equal(burst.isFull(["xxxx", "xxxx"], { most: 2, room: 9 }), true);
  assert.equal(burst.isFull(["xxxx", "xxxx"], { most: 3, room: 8 }), true);
});

test("whatever a class is called, it is told from having none and from a new one", () => {
  for (const name of ["oak", "new", "none", "", "in oak"]) {
    const [value, label] = burst.chooseClass(name);
    assert.equal(label, name);
    assert.equal(burst.readClass(value, "typed"), name);
    assert.equal(burst.isNew(value), false);
  }
  const [, none, fresh] = burst.listChoices(["oak"]);
  assert.equal(burst.readClass(none[0], "typed"), null);
  assert.equal(burst.readClass(fresh[0], "typed"), "typed");
  assert.equal(burst.isNew(fresh[0]), true);
});

test("a new class is offered first where there is none yet", () => {
  assert.equal(burst.isNew(burst.chooseFirst([], "")), true);
  assert.equal(burst.chooseFirst(["oak"], ""), "");
  assert.equal(burst.chooseFirst(["oak"], "elm"), "");
  assert.equal(burst.readClass(burst.chooseFirst(["elm", "oak"], "oak"), ""), "oak");
});

test("the button that saves says how many go where", () => {
  assert.equal(burst.describeSave(0, "oak", false), "Nothing to save yet");
  assert.equal(burst.describeSave(1, "oak", false), "Save 1 picture into oak");
  assert.equal(burst.describeSave(2, " ", false), "Save 2 pictures into a new class");
  assert.equal(burst.describeSave(2, null, false), "Save 2 pictures without a class");
  assert.equal(burst.describeSave(2, "oak", true), "Saving 2 pictures ...");
});

test("pictures are counted", () => {
  assert.equal(burst.countPictures(1), "1 picture");
  assert.equal(burst.describeCount(0, false), "No pictures yet");
  assert.equal(burst.describeCount(3, false), "3 pictures");
  assert.equal(burst.describeCount(3, true), "3 pictures, the most at once: save these first");
});

test("a burst is saved, refused with the server's words, or interrupted", () => {
  assert.equal(burst.describeOutcome({ last: "t", saved: "t", error: "" }, "t"), "");
  assert.equal(burst.describeOutcome({ last: "t", saved: "older", error: "Full." }, "t"), "Full.");
  assert.match(burst.describeOutcome({ last: "t", saved: "", error: "" }, "t"), /interrupted/);
});

test("an answer is the most probable class, with doubt where there is some", () => {
  assert.equal(findBest([0.2, 0.5, 0.3]), 1);
  assert.equal(findBest([0.5, 0.5]), 0);
  assert.equal(describeAnswer("oak", true), "oak");
  assert.equal(describeAnswer("oak", false), "Not sure, perhaps oak");
});

test("what is wrong with an answer is told in the server's words, or in ours", () => {
  assert.equal(describeRefusal({ ok: true, status: 200 }), "");
  assert.equal(describeRefusal({ ok: false, status: 422 }, "Not a picture."), "Not a picture.");
  assert.match(describeRefusal({ ok: false, status: 404 }), /reload the page/);
  assert.equal(describeRefusal({ ok: false, status: 500 }), SILENT);
});

test("the rate counts the last two seconds, and waits for more than one", () => {
  assert.deepEqual(noteTime([0, 500, 1500], 2400), [500, 1500, 2400]);
  assert.equal(describeRate([0]), "");
  assert.equal(describeRate([0, 500, 1000]), "");
  assert.equal(describeRate([0, 500, 1000, 1500]), "2 answers a second");
});
