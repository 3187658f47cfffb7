// A grid of pictures: select, label by keys, look closer. This file puts its parts together and does what they ask for.

import { Views, findRoot } from "../_common.js";
import { Band } from "./band.js";
import { NOTHING, groupBySuggestion, listRemaining } from "./items.js";
import { findAt, readKey } from "./keys.js";
import { Outbox } from "../_outbox.js";
import { Selection } from "./selection.js";
import { Sheet } from "./sheet.js";
import { Tools } from "./tools.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("./items.js").Item} Item */
/** @typedef {import("./items.js").GridData} GridData */

const grids = new Views((parentElement) => new Grid(findRoot(parentElement, ".fg-grid")));

/** @param {import("../_common.js").Call<GridData>} call */
export default function showGrid({ data, parentElement, setStateValue }) {
  return grids.show(parentElement, (grid) => {
    grid.outbox.send = (message) => setStateValue("outbox", message);
    grid.update(data);
  });
}

export class Grid {
  data = NOTHING;
  /** @type {Item[]} */
  shown = [];
  outbox = new Outbox();
  selection = new Selection();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.tools = new Tools(this);
    this.sheet = new Sheet(this);
    this.band = new Band(this);
    this.viewer = new Viewer(this);
    root.replaceChildren(this.sheet.node, this.tools.node, this.viewer.node);
    this.sheet.node.addEventListener("keydown", (event) => this.press(event));
    this.viewer.node.addEventListener("keydown", (event) => this.press(event));
  }

  get order() {
    return this.shown.map((item) => item.id);
  }

  close() {
    this.outbox.close();
    if (this.viewer.open) this.viewer.close();
  }

  /** @param {GridData} data */
  update(data) {
    const undone = this.outbox.settle(data.done);
    const before = this.order;
    const other = data.view !== this.data.view;
    this.data = data;
    this.shown = listRemaining(data.items, this.outbox.pending);
    const { order } = this;
    if (other) {
      this.selection.clear();
      this.tools.asking = false; // of pictures that are out of sight
    }
    this.selection.keep(order);
    const back = data.back.map((path) => this.shown.find((item) => item.path === path)?.id).find(Boolean);
    if (undone && back) this.selection.jump(back);
    if (other) this.selection.focus = order[0] ?? "";
    else this.selection.follow(before, order);
    this.sheet.draw();
    this.tools.draw();
    if (!this.viewer.open) return;
    if (this.selection.focus) this.look();
    else this.viewer.close();
  }

  // Selecting

  drawSelection() {
    this.sheet.mark();
    this.tools.draw();
  }

  /**
   * @param {string[]} ids
   * @param {string} [focus]
   */
  select(ids, focus) {
    this.selection.select(ids, focus);
    this.drawSelection();
  }

  /**
   * @param {string} id
   * @param {boolean} extend whether all on the way are selected
   */
  go(id, extend) {
    if (extend) this.selection.extend(this.order, id);
    else this.selection.go(id);
    this.sheet.scrollTo(id);
    this.drawSelection();
  }

  /** @param {string} id */
  toggle(id) {
    this.selection.toggle(id);
    this.drawSelection();
  }

  /**
   * @param {string[]} order
   * @param {number} to
   * @param {boolean} [extend]
   */
  step(order, to, extend = false) {
    const id = findAt(order, to);
    if (id) this.go(id, extend && !this.viewer.open);
    if (this.viewer.open) this.look();
  }

  /** @param {string} [id] by default what has the keyboard */
  look(id) {
    if (id) this.selection.focus = id;
    const item = this.shown.find((one) => one.id === this.selection.focus);
    if (item) this.viewer.show(item);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { tagName } = /** @type {HTMLElement} */ (event.target);
    if (["INPUT", "SELECT"].includes(tagName)) return;
    if (tagName === "BUTTON" && [" ", "Enter"].includes(event.key)) return;
    const { order } = this;
    this.selection.keyed = true;
    const action = readKey(event, {
      at: order.indexOf(this.selection.focus),
      count: order.length,
      columns: this.sheet.countColumns(),
      large: this.viewer.open,
      accept: this.data.accept,
      classes: this.data.classes,
    });
    if (!action) return;
    this.follow(action, order);
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * Does what a key asked for.
   * @param {import("./keys.js").Action} action
   * @param {string[]} order
   */
  follow(action, order) {
    const { focus } = this.selection;
    if (action.does === "step") this.step(order, action.to, action.extend);
    else if (action.does === "label") this.label(action.to);
    else if (action.does === "undo" || action.does === "redo") this.act({ kind: action.does });
    else if (action.does === "select all") this.select(order);
    else if (action.does === "select none") this.select([]);
    else if (action.does === "look") this.look();
    else if (action.does === "close") this.viewer.close();
    else if (action.does === "remove") this.remove();
    else if (action.does === "accept") this.accept();
    else if (focus) this.toggle(focus);
  }

  // Doing

  /** @param {import("../_outbox.js").Op} op */
  act(op) {
    this.outbox.add(op);
    this.tools.draw();
  }

  /** What is meant: nothing while nobody has chosen, though the keyboard would begin at the first. */
  listPicked() {
    const { selection, viewer } = this;
    return selection.selected.size || selection.keyed || viewer.open ? selection.list(this.order, viewer.open) : [];
  }

  /**
   * Says what will become of pictures, shows it at once, and goes on to the next one.
   * @param {string[]} ids
   * @param {string | null | undefined} to undefined: to the bin
   * @param {import("../_outbox.js").Op} op
   */
  change(ids, to, op) {
    if (!ids.length) {
      this.tools.say("Select pictures first.");
      return;
    }
    this.outbox.expect(ids, to);
    this.selection.leave(this.order, ids); // after the last one, keys do nothing more
    this.shown = listRemaining(this.shown, this.outbox.pending);
    this.act({ paths: ids, ...op });
    this.sheet.draw();
    this.sheet.scrollTo(this.selection.focus);
    if (this.viewer.open) this.look();
  }

  /**
   * @param {string[]} ids
   * @param {string | null} to
   */
  move(ids, to) {
    this.change(ids, to, { kind: "move", to });
  }

  /** @param {string | null} to */
  label(to) {
    this.move(this.listPicked(), to);
  }

  remove() {
    const ids = this.listPicked();
    this.tools.makeSure(ids.length, "Delete", () => this.change(ids, undefined, { kind: "delete" }));
  }

  /** @param {string} to */
  copy(to) {
    this.act({ kind: "copy", paths: this.listPicked(), to });
    this.select([]);
  }

  accept() {
    const groups = groupBySuggestion(this.shown, this.listPicked(), this.outbox.pending);
    for (const [name, ids] of groups) this.move(ids, name);
  }
}
