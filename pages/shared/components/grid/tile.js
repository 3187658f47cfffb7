// One picture of the grid, with its class on it.

import { make } from "../_common.js";
import { describeItem, describeSaid, findColour } from "./items.js";

/** @typedef {import("./items.js").Change} Change */
/** @typedef {import("./items.js").GridData} GridData */
/** @typedef {import("./items.js").Item} Item */

export class Tile {
  node = make("div", "tile");
  image = make("img");
  tag = make("span", "tag");
  dot = make("i");
  name = make("b");
  flag = make("span", "flag");
  really = make("span");
  said = make("span");

  /** @param {string} id of the item */
  constructor(id) {
    this.node.setAttribute("role", "option");
    this.node.id = `t${Math.random().toString(36).slice(2)}`;
    this.node.dataset.path = id;
    this.image.loading = "lazy";
    this.image.decoding = "async";
    this.image.draggable = false;
    this.image.addEventListener("error", () => this.node.classList.add("broken"));
    this.tag.append(this.dot, this.name);
    this.lines = make("span", "lines");
    this.lines.append(this.really, this.said);
    this.node.append(this.image, this.tag, this.flag, make("span", "check", "✓"), this.lines);
  }

  /**
   * @param {Item} item
   * @param {GridData} data
   * @param {ReadonlyMap<string, Change>} pending
   */
  fill(item, data, pending) {
    const { moved, offered, name, alt, shownClass } = describeItem(item, pending);
    if (this.image.getAttribute("src") !== item.url) this.image.src = item.url;
    const told = describeSaid(item, pending);
    this.node.classList.toggle("told", Boolean(told));
    this.node.classList.toggle("wrong", Boolean(told?.wrong));
    this.really.textContent = told?.really ?? "";
    this.said.textContent = told?.said ?? "";
    this.image.alt = told ? item.path : alt; // the rest of it stands below
    this.node.title = item.path;
    this.node.classList.toggle("moved", moved);
    this.tag.classList.toggle("asked", Boolean(offered));
    this.tag.hidden = Boolean(told) || !name || !(data.tags || moved || offered);
    this.dot.style.background = findColour(data.classes, shownClass);
    this.name.textContent = name;
    this.flag.textContent = item.flag;
    this.flag.hidden = !item.flag;
  }

  /**
   * @param {boolean} selected
   * @param {boolean} focused
   */
  mark(selected, focused) {
    this.node.classList.toggle("selected", selected);
    this.node.setAttribute("aria-selected", String(selected));
    this.node.classList.toggle("focused", focused);
  }
}

/**
 * The id of the item whose tile an event happened on, if any.
 * @param {Event} event
 */
export function findItemOf(event) {
  for (const node of event.composedPath()) {
    if (node instanceof HTMLElement && node.dataset.path) return node.dataset.path;
  }
  return undefined;
}
