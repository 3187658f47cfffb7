// What each key does in the grid.

import { limitNumber } from "../_common.js";

/** @typedef {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean}} Key */
/**
 * @typedef {object} Situation
 * @property {number} at number of the picture that has the keyboard, or -1
 * @property {number} count of pictures
 * @property {number} columns of them
 * @property {boolean} large whether one is shown large
 * @property {boolean} accept whether suggestions can be accepted
 * @property {import("./items.js").Class[]} classes
 */
/**
 * @typedef {{does: "undo" | "redo" | "select all" | "select none" | "toggle" | "look" | "close" | "remove" | "accept"}
 *   | {does: "step", to: number, extend: boolean} | {does: "label", to: string | null}} Action
 */

const PAGE = 3; // rows

/**
 * Where a key leads: the number of a picture, which may be too small or too large; undefined if it leads nowhere.
 * @param {string} key
 * @param {Situation} situation
 */
export function findStep(key, { at, count, columns }) {
  const steps = new Map([
    ["ArrowLeft", -1],
    ["ArrowRight", 1],
    ["ArrowUp", -columns],
    ["ArrowDown", columns],
  ]);
  const far = new Map([
    ["Home", 0],
    ["End", count - 1],
    ["PageUp", at - PAGE * columns],
    ["PageDown", at + PAGE * columns],
  ]);
  const step = steps.get(key);
  if (step === undefined) return far.get(key);
  return at < 0 ? 0 : at + step;
}

/**
 * The picture at a number, or at the end if there are not so many; undefined if there is none at all.
 * @param {string[]} order
 * @param {number} to
 */
export function findAt(order, to) {
  return order.length ? order[limitNumber(to, 0, order.length - 1)] : undefined;
}

/**
 * What a key asks for; null if it is none of ours.
 * @param {Key} event
 * @param {Situation} situation
 * @returns {Action | null}
 */
export function readKey(event, situation) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) return readControl(key, event.shiftKey);
  if (event.altKey) return null;
  const to = findStep(key, situation);
  if (to !== undefined) return { does: "step", to, extend: event.shiftKey };
  if (key === "Enter") return { does: situation.large ? "close" : "look" };
  if (key === " " && !situation.large) return { does: "toggle" };
  if (key === "Escape" && !situation.large) return { does: "select none" };
  if (key === "Delete" || key === "Backspace") return { does: "remove" };
  if (key === "0") return { does: "label", to: null };
  if (key === "a" && situation.accept) return { does: "accept" };
  const one = situation.classes.find((candidate) => candidate.key === key);
  return one ? { does: "label", to: one.name } : null;
}

/**
 * @param {string} key
 * @param {boolean} shift
 * @returns {Action | null}
 */
function readControl(key, shift) {
  if (key === "z") return { does: shift ? "redo" : "undo" };
  if (key === "y") return { does: "redo" };
  if (key === "a") return { does: "select all" };
  return null;
}
