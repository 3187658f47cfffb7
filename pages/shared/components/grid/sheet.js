// The part of the grid that scrolls: the pictures, under the headings of their sections.

import { findFocused, make } from "../_common.js";
import { makeHeading } from "./sections.js";
import { Tile } from "./tile.js";

export class Sheet {
  node = make("div", "scroller");
  pictures = make("div", "sheet");
  /** @type {Map<string, Tile>} */
  tiles = new Map();

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "listbox");
    this.node.setAttribute("aria-multiselectable", "true");
    this.node.setAttribute("aria-label", "Pictures");
    this.node.append(this.pictures);
    this.node.addEventListener("focus", () => this.mark());
  }

  draw() {
    const { data, shown, outbox } = this.grid;
    const nodes = [];
    const old = this.tiles;
    let last = -1;
    this.tiles = new Map();
    for (const item of shown) {
      if (data.sections.length && item.section !== last) {
        last = item.section;
        nodes.push(makeHeading(this.grid, last));
      }
      const tile = old.get(item.id) ?? new Tile(item.id);
      tile.fill(item, data, outbox.pending);
      this.tiles.set(item.id, tile);
      nodes.push(tile.node);
    }
    if (!nodes.length) nodes.push(make("div", "empty", data.empty));
    this.replaceAll(nodes);
    this.mark();
  }

  /**
   * Puts other elements in, unless they are the same: a picture that stays where it is must not flicker.
   * @param {HTMLElement[]} nodes
   */
  replaceAll(nodes) {
    const there = this.pictures.childNodes;
    if (nodes.length === there.length && nodes.every((node, index) => node === there[index])) return;
    const held = this.pictures.contains(findFocused(this.pictures));
    this.pictures.replaceChildren(...nodes);
    if (held) this.takeFocus();
  }

  mark() {
    const { selected, focus } = this.grid.selection;
    for (const [id, tile] of this.tiles) tile.mark(selected.has(id), id === focus);
    const tile = this.tiles.get(focus);
    if (tile) this.node.setAttribute("aria-activedescendant", tile.node.id);
    else this.node.removeAttribute("aria-activedescendant");
  }

  takeFocus() {
    this.node.focus({ preventScroll: true });
  }

  /** @param {string} id */
  scrollTo(id) {
    this.tiles.get(id)?.node.scrollIntoView({ block: "nearest" });
  }

  countColumns() {
    return getComputedStyle(this.pictures).gridTemplateColumns.split(" ").length;
  }
}
