// The cells of a confusion matrix: what each is called, which is chosen, and where an arrow key leads.

import { formatPercent, limitNumber } from "../_common.js";

/**
 * Row or column -1 is a heading, which stands for the whole row or column.
 * @typedef {[row: number, column: number]} Cell
 */
/**
 * @typedef {object} MatrixData
 * @property {string[]} names
 * @property {string[]} short the same names, shortened
 * @property {number[][]} counts by what the pictures are, then by what was said of them
 * @property {number[]} totals of each row, also of the columns that are not here
 * @property {number[]} called totals of each column, also of the rows that are not here
 * @property {boolean} shares whether the cells have percentages
 * @property {string} caption
 * @property {string} hint
 * @property {string | null} truth name of the row that is chosen
 * @property {string | null} said name of the column that is chosen
 */

const ROOMY = 8; // classes; more make smaller cells
const MANY = 20; // more than these have no numbers in them
/** @type {Map<string, Cell>} */
const STEPS = new Map([
  ["ArrowLeft", [0, -1]],
  ["ArrowRight", [0, 1]],
  ["ArrowUp", [-1, 0]],
  ["ArrowDown", [1, 0]],
]);

/**
 * How large the cells are.
 * @param {number} classes
 */
export function chooseSize(classes) {
  return classes > MANY ? "tiny" : classes > ROOMY ? "small" : "roomy";
}

/**
 * Whether two matrices look the same, whatever is chosen in them.
 * @param {MatrixData} one
 * @param {MatrixData} other
 */
export function looksSame(one, other) {
  /** @type {(data: MatrixData) => string} */
  const tell = ({ names, counts, called, shares }) => JSON.stringify([names, counts, called, shares]);
  return tell(one) === tell(other);
}

/**
 * @param {Cell} one
 * @param {Cell | null} other
 */
export function isSameCell(one, other) {
  return other !== null && one[0] === other[0] && one[1] === other[1];
}

/**
 * What a cell says in words.
 * @param {MatrixData} data
 * @param {Cell} cell
 */
export function describeCell({ names, counts, totals, called }, [row, column]) {
  if (row < 0) return `All that it calls ${names[column]}: ${called[column]}`;
  const total = totals[row];
  if (column < 0) return `All pictures of ${names[row]}: ${total}`;
  const count = counts[row][column];
  const share = total ? ` (${formatPercent(count / total)})` : "";
  return row === column
    ? `${names[row]}, right: ${count} of ${total}${share}`
    : `${names[row]}, taken for ${names[column]}: ${count} of ${total}${share}`;
}

/**
 * What stands in a cell, and how much of its row it is.
 * @param {MatrixData} data
 * @param {Cell} cell
 */
export function fillCell({ names, counts, totals, shares }, [row, column]) {
  const count = counts[row][column];
  const share = totals[row] ? count / totals[row] : 0;
  const bare = chooseSize(names.length) === "tiny" || !count;
  return {
    text: bare ? "" : shares ? `${Math.round(share * 100)}` : `${count}`,
    strength: count ? 0.12 + 0.88 * share : 0,
  };
}

/**
 * The cell that is chosen, or null.
 * @param {MatrixData} data
 * @returns {Cell | null}
 */
export function findChosen({ names, truth, said }) {
  const row = truth === null ? -1 : names.indexOf(truth);
  const column = said === null ? -1 : names.indexOf(said);
  return row < 0 && column < 0 ? null : [row, column];
}

/**
 * What is chosen after a click on a cell: its names, or nothing if it was chosen already.
 * @param {MatrixData} data
 * @param {Cell} cell
 */
export function chooseCell(data, cell) {
  const again = isSameCell(cell, findChosen(data));
  /** @type {(position: number) => string | null} */
  const name = (position) => (position < 0 || again ? null : data.names[position]);
  return { truth: name(cell[0]), said: name(cell[1]) };
}

/**
 * The cell that an arrow key leads to, or null: there is none in the corner between the headings.
 * @param {Cell} cell
 * @param {string} key
 * @param {number} classes
 * @returns {Cell | null}
 */
export function stepCell(cell, key, classes) {
  const step = STEPS.get(key);
  if (!step) return null;
  const row = limitNumber(cell[0] + step[0], -1, classes - 1);
  const column = limitNumber(cell[1] + step[1], -1, classes - 1);
  return row < 0 && column < 0 ? null : [row, column];
}

/** @param {string} key */
export function isStep(key) {
  return STEPS.has(key);
}
