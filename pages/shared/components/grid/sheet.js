// The pictures of the grid, in a list box under the heading of each section.

import { findFocused, make } from "../_common.js";
import { makeHeading } from "./sections.js";
import { Tile } from "./tile.js";

export class Sheet {
  node = make("div", "sheets");
  /** @type {HTMLElement[]} one for each section that has pictures, or the only one */
  lists = [];
  empty = make("div", "empty");
  /** @type {Map<string, Tile>} */
  tiles = new Map();

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.node.addEventListener("focusin", (event) => this.enter(event.target));
  }

  draw() {
    const { data, shown, outbox } = this.grid;
    const old = this.tiles;
    /** @type {Map<number, HTMLElement[]>} the pictures of each section */
    const groups = new Map();
    this.tiles = new Map();
    for (const item of shown) {
      const tile = old.get(item.id) ?? new Tile(item.id);
      tile.fill(item, data, outbox.pending);
      this.tiles.set(item.id, tile);
      groups.set(item.section, [...(groups.get(item.section) ?? []), tile.node]);
    }
    if (!groups.size) groups.set(0, []); // keys such as that of undo need a place
    this.replaceAll(groups);
    this.mark();
  }

  /**
   * Puts the pictures of each section into a list under its heading; the keyboard stays where it was.
   * @param {Map<number, HTMLElement[]>} groups
   */
  replaceAll(groups) {
    const { data, band } = this.grid;
    const focused = findFocused(this.node);
    const held = this.node.contains(focused);
    const old = this.lists;
    this.lists = [...groups].map(([number, tiles], index) => {
      const list = old[index] ?? makeList();
      list.setAttribute("aria-label", data.sections[number]?.title ?? "Pictures");
      replaceChildren(list, tiles);
      return list;
    });
    const nodes = [...groups].flatMap(([number, tiles], index) => {
      const headed = data.sections.length > 0 && tiles.length > 0;
      return headed ? [makeHeading(this.grid, number), this.lists[index]] : [this.lists[index]];
    });
    this.empty.textContent = data.empty;
    replaceChildren(this.node, [...(this.tiles.size ? [] : [this.empty]), ...nodes, band.node]);
    if (held && findFocused(this.node) !== focused) this.takeFocus();
  }

  mark() {
    const { selected, focus } = this.grid.selection;
    for (const [id, tile] of this.tiles) tile.mark(selected.has(id), id === focus);
    const tile = this.tiles.get(focus);
    for (const list of this.lists) {
      if (tile && list.contains(tile.node)) list.setAttribute("aria-activedescendant", tile.node.id);
      else list.removeAttribute("aria-activedescendant");
    }
  }

  /**
   * Who comes to another list by the Tab key is at its first picture.
   * @param {EventTarget | null} target
   */
  enter(target) {
    const list = this.lists.find((one) => one === target);
    const { selection } = this.grid;
    const first = [...this.tiles].find(([, tile]) => list?.contains(tile.node));
    const elsewhere = selection.focus && !list?.contains(this.tiles.get(selection.focus)?.node ?? null);
    if (first && elsewhere && list?.matches(":focus-visible")) selection.jump(first[0]);
    this.mark();
  }

  /** Leads the keyboard to the list with the picture that has it. */
  takeFocus() {
    const tile = this.tiles.get(this.grid.selection.focus);
    const list = this.lists.find((one) => tile && one.contains(tile.node)) ?? this.lists[0];
    list?.focus({ preventScroll: true });
  }

  /** @param {string} id */
  scrollTo(id) {
    const tile = this.tiles.get(id);
    tile?.node.scrollIntoView({ block: "nearest" });
    const focused = this.lists.find((one) => one === findFocused(this.node));
    if (tile && focused && !focused.contains(tile.node)) this.takeFocus(); // on into the next section
  }

  countColumns() {
    return this.lists.length ? getComputedStyle(this.lists[0]).gridTemplateColumns.split(" ").length : 1;
  }
}

function makeList() {
  const list = make("div", "sheet");
  list.tabIndex = 0;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-multiselectable", "true");
  return list;
}

/**
 * Puts other elements in, unless they are the same: a picture that stays where it is must not flicker.
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} nodes
 */
function replaceChildren(parent, nodes) {
  const there = parent.childNodes;
  if (nodes.length === there.length && nodes.every((node, index) => node === there[index])) return;
  parent.replaceChildren(...nodes);
}
