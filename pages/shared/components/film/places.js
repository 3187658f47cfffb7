// Where pictures lie on the wall: a field for each class, and in it those that the model takes for it.

import { limitNumber } from "../_common.js";

/** @typedef {{left: number, top: number, width: number, height: number}} Field in pixels */
/**
 * `size`: the side of a picture; `head`: the height of a field's heading; `height`: of the whole.
 * @typedef {{fields: Field[], size: number, head: number, height: number}} Plan
 */
/** @typedef {[left: number, top: number]} Place */

const MOST_FIELDS = 12;
const OF_MANY = 8; // fields, where there are more classes than that
const GAP = 10; // pixels between two fields
const BETWEEN = 4; // and between two pictures
const PADDING = 8;
const HEAD = 30;
const NARROWEST = 148;
const LARGEST = 72; // pixels of a picture
const SMALLEST = 20;
const HIGHEST = 430; // of the whole, or twice as high as it is wide on a phone
const ROOM = 1.3; // times as many pictures as a field would have if all had as many

/**
 * The classes that have a field of their own: all if they are few, else those of which the most pictures are shown; what is
 * taken for another class has one field more, as wide as the wall.
 * @param {number} classes
 * @param {number[]} labels
 * @returns {{shown: number[], others: boolean}}
 */
export function chooseFields(classes, labels) {
  const all = Array.from({ length: classes }, (_, position) => position);
  if (classes <= MOST_FIELDS) return { shown: all, others: false };
  const counts = all.map(() => 0);
  for (const label of labels) counts[label] += 1;
  const most = [...all].sort((one, other) => counts[other] - counts[one] || one - other).slice(0, OF_MANY);
  return { shown: most.sort((one, other) => one - other), others: true };
}

/**
 * Deals a width to so many fields, in as many lines as they need, with pictures as large as they can be.
 * @param {number} width
 * @param {number} fields of one class each
 * @param {boolean} others whether there is a field for other classes
 * @param {number} pictures
 * @returns {Plan}
 */
export function planWall(width, fields, others, pictures) {
  const most = limitNumber(Math.floor((width + GAP) / (NARROWEST + GAP)), 1, fields);
  const ranks = Math.ceil(fields / most);
  const across = Math.ceil(fields / ranks);
  const lines = ranks + Number(others);
  const wide = (width - GAP * (across - 1)) / across;
  const each = (ROOM * pictures) / (fields + across * Number(others));
  /** @type {(count: number) => {size: number, high: number}} */
  const measure = (count) => {
    const size = Math.min((wide - 2 * PADDING + BETWEEN) / count - BETWEEN, LARGEST);
    return { size, high: HEAD + 2 * PADDING + Math.ceil(each / count) * (size + BETWEEN) - BETWEEN };
  };
  let count = 1;
  const highest = Math.max(HIGHEST, Math.min(2 * width, 1.5 * HIGHEST) * Number(across <= 2));
  while (lines * (measure(count).high + GAP) > highest && measure(count + 1).size > SMALLEST) count += 1;
  const { size, high: wanted } = measure(count);
  const least = HEAD + 2 * PADDING + size;
  const high = limitNumber(wanted, least, Math.max(least, highest / lines - GAP)); // what is too much overlaps
  const list = Array.from({ length: fields }, (_, number) => ({
    left: (number % across) * (wide + GAP),
    top: Math.floor(number / across) * (high + GAP),
    width: wide,
    height: high,
  }));
  if (others) list.push({ left: 0, top: ranks * (high + GAP), width, height: high });
  return { fields: list, size, head: HEAD, height: lines * (high + GAP) - GAP };
}

/**
 * @param {number} width
 * @param {number} size
 */
function countAcross(width, size) {
  return Math.max(1, Math.floor((width - 2 * PADDING + BETWEEN) / (size + BETWEEN) + 0.01));
}

/**
 * Places for so many pictures in a field, row by row; where they are too many, the rows overlap like cards.
 * @param {Field} field
 * @param {number} count
 * @param {number} size
 * @param {number} head
 * @returns {Place[]}
 */
export function fillField(field, count, size, head) {
  const across = countAcross(field.width, size);
  const rows = Math.ceil(count / across);
  const room = field.height - head - 2 * PADDING - size;
  const step = rows > 1 ? Math.min(size + BETWEEN, room / (rows - 1)) : 0;
  return Array.from({ length: count }, (_, number) => [
    field.left + PADDING + (number % across) * (size + BETWEEN),
    field.top + head + PADDING + Math.floor(number / across) * step,
  ]);
}

/**
 * A place for each picture: in the field of what was said of it, the right ones first; before anything was said, over the
 * whole wall.
 * @param {Plan} plan
 * @param {number[]} shown the classes that have a field of their own
 * @param {number[]} labels
 * @param {number[] | null} said
 * @returns {{places: Place[], counts: number[]}} `counts`: how many lie in each field
 */
export function placePictures(plan, shown, labels, said) {
  const { fields, size, head } = plan;
  const numbers = labels.map((_, picture) => picture);
  if (!said) {
    const width = Math.max(...fields.map((field) => field.left + field.width));
    const whole = { left: 0, top: 0, width, height: plan.height };
    return { places: fillField(whole, labels.length, size, head), counts: fields.map(() => 0) };
  }
  const others = fields.length - 1;
  const fieldOf = new Map(shown.map((position, number) => [position, number]));
  /** @type {Place[]} */
  const places = labels.map(() => [0, 0]);
  const counts = fields.map((field, number) => {
    const inside = numbers.filter((picture) => (fieldOf.get(said[picture]) ?? others) === number);
    inside.sort((one, other) => Number(said[one] !== labels[one]) - Number(said[other] !== labels[other]));
    fillField(field, inside.length, size, head).forEach((place, at) => (places[inside[at]] = place));
    return inside.length;
  });
  return { places, counts };
}
