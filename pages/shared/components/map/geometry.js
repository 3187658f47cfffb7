// Where the points of the map lie, in pixels of the drawing, and which of them a pointer or a line drawn by hand means.

/** @typedef {[x: number, y: number]} Point */

const MARGIN = 14; // pixels
const REACH = 10; // pixels from a point at which it still counts as pointed at

/**
 * Puts a point of the map, each coordinate of which is 0 to 1, into a drawing of some size.
 * @param {Point} point
 * @param {{width: number, height: number}} size
 * @returns {Point}
 */
export function placePoint([x, y], { width, height }) {
  return [MARGIN + x * (width - 2 * MARGIN), MARGIN + y * (height - 2 * MARGIN)];
}

/**
 * The number of the point that is nearest and within reach, or -1.
 * @param {Point} pointer
 * @param {number} count how many points there are
 * @param {(number: number) => Point} place
 */
export function findPointed([x, y], count, place) {
  let best = -1;
  let least = REACH * REACH;
  for (let number = 0; number < count; number++) {
    const [px, py] = place(number);
    const apart = (px - x) ** 2 + (py - y) ** 2;
    if (apart < least) [best, least] = [number, apart];
  }
  return best;
}

/**
 * Whether a point lies inside a closed line: how often a ray from it crosses the line (even-odd rule).
 * @param {Point} point
 * @param {Point[]} loop
 */
export function isWithin([x, y], loop) {
  let inside = false;
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
    const [xi, yi] = loop[i];
    const [xj, yj] = loop[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/**
 * The upper left corner of the small picture that belongs to a point: above the point where there is room, and within the
 * drawing.
 * @param {Point} point
 * @param {number} width of the drawing
 * @returns {Point}
 */
export function placeTip([x, y], width) {
  return [Math.min(x + 12, width - 150), y > 180 ? y - 176 : y + 12];
}
