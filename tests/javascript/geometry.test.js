// Points and lines: of the map, of the band that selects in the grid, of a camera's picture.

import assert from "node:assert/strict";
import { test } from "node:test";

import { cropSquare } from "../../pages/shared/components/_camera.js";
import { findScroll, isOverlapping, spanBox } from "../../pages/shared/components/grid/band.js";
import {
  findPointed,
  isWithin,
  listNear,
  placePoint,
  placeTip,
  stepPoint,
} from "../../pages/shared/components/map/geometry.js";

/** @typedef {import("../../pages/shared/components/map/geometry.js").Point} Point */

test("points lie within the drawing, with a margin", () => {
  const size = { width: 228, height: 128 };
  assert.deepEqual(placePoint([0, 0], size), [14, 14]);
  assert.deepEqual(placePoint([1, 1], size), [214, 114]);
  assert.deepEqual(placePoint([0.5, 0.25], size), [114, 39]);
});

test("the nearest point within reach is pointed at", () => {
  /** @type {Point[]} */
  const points = [
    [0, 0],
    [8, 0],
    [100, 100],
  ];
  /** @type {(number: number) => Point} */
  const place = (number) => points[number];
  assert.equal(findPointed([3, 0], points.length, place), 0);
  assert.equal(findPointed([5, 0], points.length, place), 1);
  assert.equal(findPointed([100, 109], points.length, place), 2);
  assert.equal(findPointed([100, 110], points.length, place), -1);
  assert.equal(findPointed([0, 0], 0, place), -1);
});

test("an arrow key leads to the nearest point in its direction, rather ahead than aside", () => {
  /** @type {Point[]} */
  const points = [
    [0, 0],
    [10, 1],
    [5, 9],
    [0, 30],
  ];
  /** @type {(direction: Point, from: number) => number} */
  const step = (direction, from) => stepPoint(direction, from, points.length, (number) => points[number]);
  assert.equal(step([1, 0], 0), 1);
  assert.equal(step([0, 1], 0), 2);
  assert.equal(step([0, 1], 2), 3);
  assert.equal(step([0, -1], 3), 0);
  assert.equal(step([-1, 0], 0), 0); // nothing lies there
  assert.equal(step([1, 0], -1), 0);
  assert.equal(
    stepPoint([1, 0], -1, 0, () => [0, 0]),
    -1,
  );
});

test("near a point are those within reach, and itself", () => {
  /** @type {(number: number) => Point} */
  const place = (number) => [40 * number, 0];
  assert.deepEqual(listNear(1, 4, place), [0, 1, 2]);
  assert.deepEqual(listNear(0, 4, place), [0, 1]);
});

test("a line drawn round points holds those inside, also where it is bent", () => {
  /** @type {Point[]} a square with a notch in its upper side */
  const loop = [
    [0, 0],
    [4, 0],
    [5, 6],
    [6, 0],
    [10, 0],
    [10, 10],
    [0, 10],
  ];
  /** @type {Point[]} */
  const inside = [
    [2, 2],
    [8, 2],
    [5, 8],
  ];
  /** @type {Point[]} the first one is in the notch */
  const outside = [
    [5, 2],
    [-1, 5],
    [5, 11],
  ];
  assert.ok(inside.every((point) => isWithin(point, loop)));
  assert.ok(!outside.some((point) => isWithin(point, loop)));
});

test("a line that crosses itself holds its two halves; the direction does not matter", () => {
  /** @type {Point[]} an hourglass */
  const loop = [
    [0, 0],
    [10, 0],
    [0, 10],
    [10, 10],
  ];
  for (const line of [loop, [...loop].reverse()]) {
    assert.equal(isWithin([5, 2], line), true);
    assert.equal(isWithin([5, 8], line), true);
    assert.equal(isWithin([1, 5], line), false);
  }
});

test("no line holds nothing", () => {
  assert.equal(isWithin([0, 0], []), false);
  assert.equal(isWithin([0, 0], [[0, 0]]), false);
});

test("the small picture stands above its point where there is room, and within the drawing", () => {
  assert.deepEqual(placeTip([100, 300], 600), [112, 124]);
  assert.deepEqual(placeTip([100, 50], 600), [112, 62]);
  assert.deepEqual(placeTip([590, 300], 600), [450, 124]);
});

test("a band spans the same box from any corner", () => {
  const box = { left: 1, right: 5, top: 2, bottom: 8 };
  assert.deepEqual(spanBox({ x: 1, y: 2 }, { x: 5, y: 8 }), box);
  assert.deepEqual(spanBox({ x: 5, y: 2 }, { x: 1, y: 8 }), box);
  assert.deepEqual(spanBox({ x: 5, y: 8 }, { x: 1, y: 2 }), box);
});

test("a band selects what it overlaps, not what it only touches", () => {
  const tile = { left: 10, right: 20, top: 10, bottom: 20 };
  assert.equal(isOverlapping(tile, { left: 0, right: 11, top: 0, bottom: 11 }), true);
  assert.equal(isOverlapping(tile, { left: 14, right: 15, top: 14, bottom: 15 }), true);
  assert.equal(isOverlapping(tile, { left: 0, right: 10, top: 0, bottom: 30 }), false);
  assert.equal(isOverlapping(tile, { left: 0, right: 30, top: 20, bottom: 30 }), false);
});

test("a band near an edge scrolls that way", () => {
  const frame = { top: 100, bottom: 500 };
  assert.equal(findScroll(300, frame), 0);
  assert.equal(findScroll(477, frame), 12);
  assert.equal(findScroll(123, frame), -12);
});

test("a camera's picture is cropped to the square in its middle", () => {
  assert.deepEqual(cropSquare(1280, 720), { left: 280, top: 0, side: 720 });
  assert.deepEqual(cropSquare(480, 640), { left: 0, top: 80, side: 480 });
  assert.deepEqual(cropSquare(0, 0), { left: 0, top: 0, side: 0 });
});
