// The lines of a small chart, in pixels of its drawing.

/** @typedef {import("./story.js").Point} Point */
/** @typedef {{width: number, height: number, last: number, most: number}} Axes `last` round, `most`: the highest value */

const EDGE = { left: 40, right: 12, top: 10, bottom: 22 };
const LEAST_LOSS = 0.5;
const ABOVE = 1.05;

/**
 * Axes that do not jump while a training goes on: as many rounds as are planned, and a loss from that of guessing on.
 * @param {Point[]} points
 * @param {"accuracy" | "loss"} metric
 * @param {{epochs: number, guess: number}} expected rounds that are planned, and the loss that it begins with
 * @param {{width: number, height: number}} size
 * @returns {Axes}
 */
export function planAxes(points, metric, { epochs, guess }, { width, height }) {
  const last = Math.max(1, epochs, ...points.map(({ round }) => round));
  const values = points.flatMap(({ training, validation }) => [training ?? 0, validation ?? 0]);
  return { width, height, last, most: metric === "accuracy" ? 1 : Math.max(LEAST_LOSS, guess, ...values) * ABOVE };
}

/**
 * @param {Axes} axes
 * @param {number} round
 */
export function placeRound({ width, last }, round) {
  return EDGE.left + (round / last) * (width - EDGE.left - EDGE.right);
}

/**
 * @param {Axes} axes
 * @param {number} value
 */
export function placeValue({ height, most }, value) {
  return height - EDGE.bottom - (value / most) * (height - EDGE.top - EDGE.bottom);
}

/**
 * The line of one part as the `d` of an SVG path.
 * @param {Axes} axes
 * @param {Point[]} points
 * @param {"training" | "validation"} part
 */
export function traceLine(axes, points, part) {
  const known = points.filter((point) => point[part] !== null);
  return known
    .map((point, number) => {
      const x = placeRound(axes, point.round).toFixed(1);
      const y = placeValue(axes, /** @type {number} */ (point[part])).toFixed(1);
      return `${number ? "L" : "M"}${x} ${y}`;
    })
    .join("");
}

/**
 * The values that are written at the upright axis.
 * @param {Axes} axes
 * @param {"accuracy" | "loss"} metric
 */
export function listTicks({ most }, metric) {
  if (metric === "accuracy") return [0, 0.5, 1];
  const power = 10 ** Math.floor(Math.log10(most / 2));
  const step = ([5, 2, 1].find((one) => one * power <= most / 2) ?? 1) * power;
  return [0, 1, 2, 3, 4].map((number) => Number((number * step).toPrecision(3))).filter((value) => value <= most);
}
