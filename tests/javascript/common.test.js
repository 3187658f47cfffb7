// What all components share.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Views, formatPercent, limitNumber } from "../../pages/shared/components/_common.js";

/** A place on a page, of which only the identity counts. */
const makePlace = () => /** @type {ParentNode} */ ({});

class View {
  updates = 0;
  closed = 0;

  close() {
    this.closed += 1;
  }
}

/** @param {View} view */
const update = (view) => {
  view.updates += 1;
};

test("a place keeps its view while it is there", () => {
  /** @type {View[]} */
  const made = [];
  const views = new Views(() => made[made.push(new View()) - 1]);
  const [one, other] = [makePlace(), makePlace()];
  views.show(one, update);
  views.show(one, update);
  views.show(other, update);
  assert.deepEqual(
    made.map(({ updates }) => updates),
    [2, 1],
  );
});

test("only the newest call ends a view", () => {
  const view = new View();
  const views = new Views(() => view);
  const place = makePlace();
  const older = views.show(place, update);
  const newer = views.show(place, update);
  older();
  assert.equal(view.closed, 0);
  newer();
  assert.equal(view.closed, 1);
});

for (const forget of [true, false]) {
  test(`a place that comes back ${forget ? "begins anew" : "goes on with its view"}`, () => {
    let made = 0;
    const views = new Views(
      () => {
        made += 1;
        return new View();
      },
      { forget },
    );
    const place = makePlace();
    views.show(place, update)();
    views.show(place, update);
    assert.equal(made, forget ? 2 : 1);
  });
}

test("what ended one view leaves the next of its place alone", () => {
  /** @type {View[]} */
  const made = [];
  const views = new Views(() => made[made.push(new View()) - 1]);
  const place = makePlace();
  const end = views.show(place, update);
  end();
  views.show(place, update);
  assert.equal(made[1].closed, 0);
});

test("numbers in words and within limits", () => {
  assert.equal(formatPercent(0), "0 %");
  assert.equal(formatPercent(0.125), "13 %");
  assert.equal(formatPercent(1), "100 %");
  assert.equal(formatPercent(399 / 400), "over 99 %");
  assert.equal(formatPercent(0.004), "under 1 %");
  assert.equal(formatPercent(0.004, { under: "<" }), "< 1 %");
  assert.equal(limitNumber(-3, 0, 9), 0);
  assert.equal(limitNumber(4, 0, 9), 4);
  assert.equal(limitNumber(12, 0, 9), 9);
});
