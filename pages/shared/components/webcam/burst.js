// What a burst of pictures from the webcam is: its limits, the class it is for, and how it is told.

/** @typedef {{last: string, saved: string, error: string}} Answer tokens of the last burst that came and that was saved */
/**
 * What pages/shared/components/webcam/webcam.py sends.
 * @typedef {object} Settings
 * @property {string[]} classes
 * @property {number} most pictures at once
 * @property {number} room bytes at once
 * @property {number} side pixels of the shorter side at most
 * @property {string} chosen the class that the page is about, "" if none
 * @property {boolean} whole all that the camera sees, not the centre square alone
 */
/** @typedef {Settings & Answer} WebcamData */

const BASE64 = 0.75; // bytes for each of its characters
const INTERRUPTED = "Saving was interrupted. Your pictures are still here: save them again.";
// Values in the list of classes; a class is one with this before its name, which may be "new" or "none" as well.
const NEW = "new";
const NONE = "none";
const IN = "in ";

/** @param {number} number */
export function countPictures(number) {
  return `${number} picture${number === 1 ? "" : "s"}`;
}

/**
 * Whether another picture, as large as the last one, would be too much for one message.
 * @param {string[]} urls data URLs
 * @param {{most: number, room: number}} limits
 */
export function isFull(urls, { most, room }) {
  const sizes = urls.map((url) => url.length * BASE64);
  const withOneMore = sizes.reduce((sum, size) => sum + size, sizes.at(-1) ?? 0);
  return sizes.length >= most || withOneMore > room;
}

/**
 * What can be chosen: (value, label).
 * @param {string[]} classes
 * @returns {[value: string, label: string][]}
 */
export function listChoices(classes) {
  return [...classes.map((name) => chooseClass(name)), [NONE, "without a class"], [NEW, "new class ..."]];
}

/**
 * The choice of a class.
 * @param {string} name
 * @returns {[value: string, label: string]}
 */
export function chooseClass(name) {
  return [`${IN}${name}`, name];
}

/**
 * What is chosen at first.
 * @param {string[]} classes
 * @param {string} chosen the class that the page is about, "" if none
 */
export function chooseFirst(classes, chosen) {
  if (classes.includes(chosen)) return chooseClass(chosen)[0];
  return classes.length ? "" : NEW;
}

/** @param {string} value of a choice */
export function isNew(value) {
  return value === NEW;
}

/**
 * The class that the pictures go into; null is none.
 * @param {string} value of the choice
 * @param {string} typed
 */
export function readClass(value, typed) {
  return value === NONE ? null : value === NEW ? typed : value.slice(IN.length);
}

/**
 * What the button says that saves.
 * @param {number} number of pictures
 * @param {string | null} className
 * @param {boolean} busy whether they are being saved
 */
export function describeSave(number, className, busy) {
  if (busy) return `Saving ${countPictures(number)} ...`;
  if (!number) return "Nothing to save yet";
  const where = className === null ? "without a class" : `into ${className.trim() || "a new class"}`;
  return `Save ${countPictures(number)} ${where}`;
}

/**
 * @param {number} number
 * @param {boolean} full
 */
export function describeCount(number, full) {
  return `${number ? countPictures(number) : "No pictures yet"}${full ? ", the most at once: save these first" : ""}`;
}

/**
 * What became of a burst that the server has answered: empty if it is saved.
 * @param {Answer} answer
 * @param {string} token
 */
export function describeOutcome({ saved, error }, token) {
  return saved === token ? "" : error || INTERRUPTED;
}
