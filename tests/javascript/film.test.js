// The film of learning: what was said at each moment, how long each step takes, where pictures and lines lie.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as axes from "../../pages/shared/components/film/axes.js";
import * as places from "../../pages/shared/components/film/places.js";
import * as story from "../../pages/shared/components/film/story.js";

/** @type {import("../../pages/shared/components/film/story.js").FilmData} */
const DATA = {
  run: "one",
  live: false,
  play: false,
  classes: ["oak", "elm"],
  short: ["oak", "elm"],
  colours: ["#111111", "#222222"],
  address: "/thumbnail/x/",
  ids: ["a", "b", "c", "d"],
  files: ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
  labels: [0, 0, 1, 1],
  total: 4,
  rounds: [0, 1, 3],
  said: [
    [1, 1, 1, 0],
    [0, 0, 1, 0],
    [0, 0, 1, 1],
  ],
  sure: [
    [50, 50, 50, 50],
    [90, 80, 70, 60],
    [99, 98, 97, 96],
  ],
  losses: [0.69, 0.4, 0.2],
  epochs: 0,
  history: {
    epoch: [1, 2, 3],
    accuracy: [0.8, 0.9, 1],
    val_accuracy: [0.75, 0.75, 1],
    loss: [0.5, 0.3, null],
    val_loss: [0.6, 0.4, 0.2],
  },
  kept: 3,
  why: "",
};
const CURVES = { ...DATA, ids: [], files: [], labels: [], rounds: [], said: [], sure: [], losses: [] };
const WAITING = { ...DATA, live: true, rounds: [], said: [], history: { ...DATA.history, epoch: [] }, kept: 0 };

test("its rounds are those whose answers are known, or else those of the curves", () => {
  assert.deepEqual(story.listRounds(DATA), [0, 1, 3]);
  assert.deepEqual(story.listRounds(CURVES), [1, 2, 3]);
  assert.deepEqual(story.listRounds(WAITING), []);
});

test("it stands at the round that is kept, or else at the last", () => {
  assert.equal(story.findKept({ ...DATA, kept: 1 }), 1);
  assert.equal(story.findKept({ ...DATA, kept: 2 }), 2);
  assert.equal(story.findKept({ ...DATA, kept: 0 }), 2);
  assert.equal(story.findKept(WAITING), 0);
});

test("between two rounds the pictures move one after another", () => {
  assert.deepEqual(story.answersAt(DATA, 0), [1, 1, 1, 0]);
  assert.deepEqual(story.answersAt(DATA, 0.5), [0, 1, 1, 0]);
  assert.deepEqual(story.answersAt(DATA, 1), [0, 0, 1, 0]);
  assert.deepEqual(story.answersAt(DATA, 1.4), [0, 0, 1, 0]);
  assert.deepEqual(story.answersAt(DATA, 2), [0, 0, 1, 1]);
  assert.equal(story.answersAt(CURVES, 0), null);
});

test("a round takes the longer the more pictures move, and the whole about seven seconds", () => {
  const rounds = Array.from({ length: 22 }, (_, round) => round);
  const said = rounds.map((round) => (round ? [0, 0, 1, round > 9 ? 1 : 0] : [1, 1, 0, 0]));
  const times = story.planTimes({ ...DATA, rounds, said });
  const whole = times.reduce((sum, time) => sum + time, 0);
  assert.equal(times.length, 21);
  assert.ok(whole > 6000 && whole < 8000, String(whole));
  assert.ok(times[0] > 10 * times[1] && times[9] > 5 * times[1]);
  const still = story.planTimes({ ...DATA, rounds, said: rounds.map(() => [0, 0, 0, 0]) });
  assert.ok(still.every((time) => Math.abs(time - 7000 / 21) < 1e-6));
  assert.deepEqual(story.planTimes(WAITING), []);
});

test("time leads from one moment to another, and never past the end", () => {
  assert.equal(story.momentAfter([100, 200], 0, 50), 0.5);
  assert.equal(story.momentAfter([100, 200], 0, 200), 1.5);
  assert.equal(story.momentAfter([100, 200], 0.5, 50), 1);
  assert.equal(story.momentAfter([100, 200], 1.5, 1000), 2);
  assert.equal(story.momentAfter([], 0, 1000), 0);
});

test("a moment is told in plain words", () => {
  const start = { round: "Round 0, before it has learned anything", right: "1 of 4 right" };
  assert.deepEqual(story.describeMoment(DATA, 0), start);
  assert.deepEqual(story.describeMoment(DATA, 0.5), { round: "Round 1", right: "2 of 4 right" });
  assert.deepEqual(story.describeMoment(DATA, 2), { round: "Round 3, which is kept", right: "4 of 4 right" });
  assert.deepEqual(story.describeMoment(CURVES, 1), { round: "Round 2", right: "75 % right" });
  assert.deepEqual(story.describeMoment(WAITING, 0), { round: "Soon it will sort these pictures", right: "" });
  const bare = { round: "The curves begin with the first round", right: "" };
  assert.deepEqual(story.describeMoment({ ...WAITING, ids: [] }, 0), bare);
  assert.deepEqual(story.describeMoment({ ...WAITING, live: false }, 0), { round: "No round was finished", right: "" });
});

test("a picture is told in plain words", () => {
  assert.equal(story.describePicture(DATA, 1, 0), "a.jpg: it says oak (90 % sure). That is right.");
  assert.equal(story.describePicture(DATA, 1, 3), "d.jpg: it says oak (60 % sure). It is elm.");
  assert.equal(story.describePicture({ ...DATA, sure: [] }, 1, 3), "d.jpg: it says oak. It is elm.");
  assert.equal(story.describePicture(WAITING, 0, 3), "d.jpg: elm");
});

test("confusions are counted by what the pictures are, then by what was said", () => {
  assert.deepEqual(story.countConfusions(DATA, [1, 0, 1, 1]), [
    [1, 1],
    [0, 2],
  ]);
});

test("the curves begin with round 0 where the film does", () => {
  const points = story.listPoints(DATA, "accuracy");
  assert.deepEqual(points[0], { round: 0, training: null, validation: 0.25 });
  assert.deepEqual(points[3], { round: 3, training: 1, validation: 1 });
  assert.equal(story.listPoints(DATA, "loss")[0].validation, 0.69);
  assert.equal(story.listPoints(CURVES, "loss")[0].round, 1);
});

test("a line has a height between two rounds, and none where there is no line", () => {
  const points = story.listPoints(DATA, "accuracy");
  assert.equal(story.findValue(points, 0.5, "validation"), 0.5);
  assert.equal(story.findValue(points, 0.5, "training"), null);
  assert.equal(story.findValue(points, 3, "training"), 1);
  assert.equal(story.findValue(points, 9, "validation"), 1);
  assert.equal(story.findValue([], 0, "validation"), null);
  assert.equal(story.formatValue(null, "loss"), "\u2013");
  assert.equal(story.formatValue(0.914, "accuracy"), "91 %");
  assert.equal(story.formatValue(0.914, "loss"), "0.91");
});

test("of few classes each has a field, of many those with the most pictures, in their order", () => {
  assert.deepEqual(places.chooseFields(12, []), { shown: Array.from({ length: 12 }, (_, one) => one), others: false });
  const labels = [...Array.from({ length: 1000 }, (_, one) => one), 999, 999, 400];
  const { shown, others } = places.chooseFields(1000, labels);
  assert.equal(others, true);
  assert.deepEqual(shown, [0, 1, 2, 3, 4, 5, 400, 999]);
});

for (const width of [280, 358, 600, 820, 1600]) {
  for (const fields of [1, 2, 5, 8, 12]) {
    for (const pictures of [1, 35, 200]) {
      test(`${pictures} pictures in ${fields} fields fit ${width} pixels, wherever they lie`, () => {
        const plan = places.planWall(width, fields, false, pictures);
        assert.equal(plan.fields.length, fields);
        assert.ok(plan.size >= 12 && plan.size <= 72, String(plan.size));
        assert.ok(plan.height <= 920, String(plan.height));
        const labels = Array.from({ length: pictures }, (_, picture) => picture % fields);
        const shown = Array.from({ length: fields }, (_, field) => field);
        for (const said of [labels, labels.map(() => 0), null]) {
          const result = places.placePictures(plan, shown, labels, said);
          for (const [left, top] of result.places) {
            assert.ok(left >= 0 && left + plan.size <= width + 0.01, `left ${left}`);
            assert.ok(top >= plan.head && top + plan.size <= plan.height + 0.01, `top ${top}`);
          }
          const total = result.counts.reduce((sum, count) => sum + count, 0);
          assert.equal(total, said ? pictures : 0);
        }
      });
    }
  }
}

test("the right ones lie before the wrong ones, and other classes in the last field", () => {
  const plan = places.planWall(820, 2, true, 4);
  const { places: found, counts } = places.placePictures(plan, [0, 5], [7, 0, 0, 8], [0, 0, 8, 8]);
  assert.deepEqual(counts, [2, 0, 2]);
  assert.ok(found[1][0] < found[0][0]);
  assert.equal(plan.fields[2].width, 820);
  assert.ok(found[2][1] > plan.fields[2].top && found[3][1] > plan.fields[2].top);
});

test("a line is drawn within the axes, and only where it is known", () => {
  const points = story.listPoints(DATA, "accuracy");
  const plan = axes.planAxes(points, "accuracy", { epochs: 10, guess: 0 }, { width: 300, height: 170 });
  assert.equal(plan.last, 10);
  assert.equal(axes.traceLine(plan, points, "training").split("L").length, 3);
  assert.match(axes.traceLine(plan, points, "validation"), /^M40\.0 \d+\.\dL/);
  assert.equal(axes.placeRound(plan, 10), 288);
  assert.equal(axes.placeValue(plan, 1), 10);
  assert.equal(axes.traceLine(plan, [], "training"), "");
});

test("the axis of the loss goes beyond the highest value, and has round numbers", () => {
  const points = [{ round: 1, training: 2.5, validation: 3.9 }];
  const plan = axes.planAxes(points, "loss", { epochs: 0, guess: 1 }, { width: 300, height: 170 });
  assert.ok(plan.most > 3.9);
  assert.deepEqual(axes.listTicks(plan, "loss"), [0, 2, 4]);
  assert.deepEqual(axes.listTicks({ ...plan, most: 0.525 }, "loss"), [0, 0.2, 0.4]);
  assert.deepEqual(axes.listTicks({ ...plan, most: 1.7 }, "loss"), [0, 0.5, 1, 1.5]);
  assert.deepEqual(axes.listTicks(plan, "accuracy"), [0, 0.5, 1]);
});
