// Where the points of the map lie, in pixels of the drawing, and which of them a pointer or a line drawn by hand means.

/** @typedef {[x: number, y: number]} Point */

const MARGIN = 14; // pixels
const REACH = 10; // pixels from a point at which it still counts as pointed at
const NEAR = 50; // pixels from a point within which others are near it

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
 * The number of the point that an arrow key leads to: the nearest in that direction, where what lies aside of it counts
 * double; `from` itself if there is none. From nowhere (-1) it leads to the first one.
 * @param {Point} direction of length 1
 * @param {number} from
 * @param {number} count how many points there are
 * @param {(number: number) => Point} place
 */
export function stepPoint([dx, dy], from, count, place) {
  if (from < 0) return count ? 0 : -1;
  const [x, y] = place(from);
  let best = from;
  let least = Infinity;
  for (let number = 0; number < count; number++) {
    const [px, py] = place(number);
    const forward = (px - x) * dx + (py - y) * dy;
    const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
    if (forward > 0 && forward + 2 * aside < least) [best, least] = [number, forward + 2 * aside];
  }
  return best;
}

/**
 * The numbers of the points round one of them, with itself.
 * @param {number} middle
 * @param {number} count how many points there are
 * @param {(number: number) => Point} place
 */
export function listNear(middle, count, place) {
  const [x, y] = place(middle);
  const numbers = Array.from({ length: count }, (_, number) => number);
  return numbers.filter((number) => Math.hypot(place(number)[0] - x, place(number)[1] - y) <= NEAR);
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
