// What the board says, and which names classes have before a person gives them one.

const ALIKE = 6; // mean difference of two small copies, 0 to 255, under which pictures look the same
const ENOUGH = 6; // pictures before anything is said of how much they differ

/** @param {number} number */
export function countPictures(number) {
  return `${number.toLocaleString("en")} picture${number === 1 ? "" : "s"}`;
}

/**
 * The first "Class 1", "Class 2" and so on that is free.
 * @param {string[]} names
 */
export function findFreeName(names) {
  const taken = new Set(names.map((name) => name.toLowerCase()));
  let number = names.length + 1;
  while (taken.has(`class ${number}`)) number += 1;
  return `Class ${number}`;
}

/**
 * How much two small copies of pictures differ: mean over all values, 0 to 255.
 * @param {ArrayLike<number>} one red, green, blue and opacity of each pixel
 * @param {ArrayLike<number>} other
 */
export function measureDifference(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) if (i % 4 !== 3) sum += Math.abs(one[i] - other[i]);
  return sum / Math.max(1, (one.length * 3) / 4);
}

/**
 * What to do while recording, by how much each picture differed from the one before; empty while there is too little to say.
 * @param {number[]} differences
 */
export function advise(differences) {
  const last = differences.slice(-ENOUGH);
  if (last.length < ENOUGH) return "";
  const alike = last.filter((difference) => difference < ALIKE).length;
  return alike > ENOUGH / 2 ? "They look alike: move it, turn it, change what is behind it." : "Good: they differ.";
}

/**
 * What is under way with the pictures of a class; empty if nothing is.
 * @param {{recording: boolean, taken: number, sending: number, reading: number}} state `taken` in this recording; `sending`
 *   to the server, `reading` there
 */
export function describeWork({ recording, taken, sending, reading }) {
  if (recording) return `Recording: ${countPictures(taken)}`;
  if (sending) return `Sending ${sending.toLocaleString("en")} ...`;
  return reading ? `Saving ${reading.toLocaleString("en")} ...` : "";
}

/**
 * What is told of files that were not taken.
 * @param {{path: string, reason: string}[]} missed
 */
export function describeMissed(missed) {
  if (!missed.length) return "";
  const [{ path, reason }] = missed;
  const more = missed.length > 1 ? ` And ${(missed.length - 1).toLocaleString("en")} more.` : "";
  return `Not taken: ${path} (${reason}).${more}`;
}
