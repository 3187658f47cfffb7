// Links to the pages; one that cannot be gone to yet is none, and says why.

import { make } from "../_common.js";

/**
 * `number`: of a step, 0 for the board.
 * @typedef {{page: string, address: string, number: number, label: string, note: string, done: boolean, whyNot: string,
 *   here: boolean}} Place
 */
/** @typedef {{name: string, address: string}} Other a project that was opened before */
/**
 * As pages/shared/components/frame/frame.py sends it.
 * @typedef {{home: Place, project: string, others: Other[], places: Place[]}} WayData
 */

const SVG = "http://www.w3.org/2000/svg";
const OPEN = "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z";
const BOARD = "M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z";
const TICK = `${OPEN}M8 12.5l2.7 2.7L16 9.8`;

/**
 * @param {WayData} data
 * @param {(page: string) => void} go
 * @returns {HTMLElement[]}
 */
export function makeWay({ home, project, others, places }, go) {
  const brand = makeLink(home, go);
  brand.classList.add("fg-home");
  if (!places.length) return [brand];
  const way = make("nav", "fg-way");
  way.setAttribute("aria-label", "Steps");
  const list = make("ol");
  list.append(...places.map((place) => makeStep(place, go)));
  way.append(list);
  return [brand, others.length ? makeSwitch(project, others) : make("p", "fg-project", project), way];
}

/**
 * The name of the project, which unfolds to those opened before; each of them loads the app anew.
 * @param {string} project
 * @param {Other[]} others
 */
function makeSwitch(project, others) {
  const fold = make("details", "fg-switch");
  const list = make("ul");
  for (const { name, address } of others) {
    const link = make("a", "fg-place", name);
    link.href = address;
    link.target = "_self";
    const item = make("li");
    item.append(link);
    list.append(item);
  }
  const name = make("summary", "fg-project", project);
  name.title = "Go to another project";
  fold.append(name, list);
  return fold;
}

/**
 * @param {Place} place
 * @param {(page: string) => void} go
 */
function makeStep(place, go) {
  const item = make("li");
  const link = makeLink(place, go);
  const { number, done } = place;
  link.prepend(makeIcon(number ? (done ? TICK : OPEN) : BOARD), number ? `${number} ` : "");
  item.append(link);
  return item;
}

/**
 * @param {Place} place
 * @param {(page: string) => void} go
 */
function makeLink(place, go) {
  const link = make("a", "fg-place", place.label);
  if (place.note) link.append(` · ${place.note}`);
  if (place.whyNot) {
    link.setAttribute("role", "link");
    link.setAttribute("aria-disabled", "true");
    link.title = place.whyNot;
    return link;
  }
  link.href = place.address;
  if (place.here) link.setAttribute("aria-current", "page");
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a tab or window of its own
    event.preventDefault();
    go(place.page);
  };
  return link;
}

/** @param {string} path */
function makeIcon(path) {
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  icon.append(line);
  return icon;
}
