// What a model sees of the camera's picture.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fitWhole, placeFrame } from "../../pages/shared/components/_framing.js";

const WHOLE = [0, 0, 1, 1];

test("the centre square fills the square", () => {
  const placed = placeFrame(640, 480, 224, { fit: "crop", region: WHOLE });
  assert.deepEqual(placed, { box: [80, 0, 480, 480], target: [0, 0, 224, 224] });
});

test("a whole picture keeps its shape between borders, or fills the square", () => {
  const wide = placeFrame(640, 160, 200, { fit: "letterbox", region: WHOLE });
  assert.deepEqual(wide, { box: [0, 0, 640, 160], target: [0, 75, 200, 50] });
  const high = placeFrame(160, 640, 200, { fit: "letterbox", region: WHOLE });
  assert.deepEqual(high, { box: [0, 0, 160, 640], target: [75, 0, 50, 200] });
  const squeezed = placeFrame(640, 160, 200, { fit: "squeeze", region: WHOLE });
  assert.deepEqual(squeezed, { box: [0, 0, 640, 160], target: [0, 0, 200, 200] });
});

test("a region is taken out before the fit", () => {
  const region = [0.5, 0, 1, 0.5];
  assert.deepEqual(placeFrame(400, 200, 100, { fit: "squeeze", region }).box, [200, 0, 200, 100]);
  assert.deepEqual(placeFrame(400, 200, 100, { fit: "crop", region }).box, [250, 0, 100, 100]);
});

test("a whole picture is sent no larger than need be, and never enlarged", () => {
  assert.deepEqual(fitWhole(1280, 720, 448), { width: 796, height: 448 });
  assert.deepEqual(fitWhole(320, 240, 448), { width: 320, height: 240 });
});
