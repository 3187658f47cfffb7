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
const ON_BAR = [
  BOARD,
  "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01", // a picture
  "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h9M17 17h3M15 15v4", // what can be set
  "M4 4v16h16M7 15l4-4 3 2 5-6", // a curve that rises
  "M10.5 5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM14.5 14.5L20 20", // a glass
  "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4z", // a camera
  "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4 20h16", // to take away
];

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
 * The steps at the lower edge of a phone, whose side bar is folded away.
 * @param {WayData} data
 * @param {(page: string) => void} go
 */
export function makeBar({ places }, go) {
  const bar = make("nav", "fg-bar");
  bar.setAttribute("aria-label", "Steps, at the lower edge");
  bar.append(
    ...places.map((place) => {
      const link = makeLink({ ...place, note: "" }, go);
      link.prepend(makeIcon(ON_BAR[place.number]));
      return link;
    }),
  );
  return bar;
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
