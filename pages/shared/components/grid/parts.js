// The buttons and lists that the parts of the grid are made of.

import { make } from "../_common.js";

/** @typedef {import("./items.js").Class} Class */

export const MANY = 14; // more classes than this are chosen from a list

/**
 * @param {string} className
 * @param {string} text
 * @param {() => void} press
 * @param {string} [title]
 */
export function makeButton(className, text, press, title) {
  const node = make("button", className, text);
  node.type = "button";
  if (title) node.title = title;
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    press();
  });
  return node;
}

/**
 * Shows the key that does what a button does.
 * @param {HTMLElement} node
 * @param {string} key
 */
export function addKey(node, key) {
  const shown = make("kbd", "", key);
  shown.setAttribute("aria-hidden", "true");
  node.setAttribute("aria-keyshortcuts", key);
  node.append(shown);
}

/**
 * Makes the button that puts pictures into a class.
 * @param {Class} one
 * @param {() => void} press
 */
export function makeChip(one, press) {
  const node = makeButton("chip", "", press, `Put into ${one.name}`);
  const dot = make("i");
  dot.style.background = one.colour;
  node.append(dot, make("span", "", one.name));
  if (one.key) addKey(node, one.key);
  return node;
}

/**
 * Says what buttons have in common, so that the name of each begins with what stands on it.
 * @param {HTMLElement} node
 * @param {string} words
 */
export function nameGroup(node, words) {
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", words);
  return node;
}

/**
 * Makes such a button for each class, of as many as there is room for.
 * @param {Class[]} classes
 * @param {(name: string) => void} press
 */
export function makeChips(classes, press) {
  return classes.slice(0, MANY).map((one) => makeChip(one, () => press(one.name)));
}

/**
 * Makes a list of all classes, which goes back to its title when one was chosen.
 * @param {string} title
 * @param {Class[]} classes
 * @param {(name: string) => void} choose
 */
export function makeChoice(title, classes, choose) {
  const list = make("select", "tool");
  list.setAttribute("aria-label", title);
  list.append(new Option(title, ""));
  for (const one of classes) list.append(new Option(one.name, one.name));
  list.addEventListener("change", () => {
    if (list.value) choose(list.value);
    list.value = "";
  });
  return list;
}
