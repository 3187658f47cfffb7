// What is made of the answers of a model to the pictures of the webcam.

const OLD = "This view is old: reload the page.";
const SECOND_MS = 1000;
const COUNTED_MS = 2 * SECOND_MS;
export const SILENT = "Fieldguide does not answer. Is it still running?";

/**
 * The number of the most probable class.
 * @param {number[]} probabilities
 */
export function findBest(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

/**
 * @param {string} name of the most probable class
 * @param {boolean} sure
 */
export function describeAnswer(name, sure) {
  return sure ? name : `Not sure, perhaps ${name}`;
}

/**
 * What is wrong with an answer of the server, in a sentence; empty if nothing is.
 * @param {{ok: boolean, status: number}} answer
 * @param {string} [error] what the server says of it
 */
export function describeRefusal({ ok, status }, error) {
  return ok ? "" : error || (status === 404 ? OLD : SILENT);
}

/**
 * The times that count for the rate, with now.
 * @param {number[]} times in milliseconds
 * @param {number} now
 */
export function noteTime(times, now) {
  return [...times.filter((at) => now - at < COUNTED_MS), now];
}

/**
 * How many answers came in a second, in words; empty while that would be said of too few.
 * @param {number[]} times as of `noteTime`
 */
export function describeRate(times) {
  const seconds = (times[times.length - 1] - times[0]) / SECOND_MS;
  return seconds > 1 ? `${((times.length - 1) / seconds).toFixed(0)} answers a second` : "";
}
