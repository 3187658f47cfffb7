// What stands below the pictures of the grid, and in sight while they scroll: what can be done with them, and a button for each
// class. It is as high whatever is selected: what grew under a pointer would take the second press of a double click.

import { findFocused, make } from "../_common.js";
import { MANY, addKey, makeButton, makeChips, makeChoice, nameGroup } from "./parts.js";

const NEW_NAME = "Name of the new class";
const UNASKED = 10; // pictures that go to the bin without a question

export class Tools {
  node = make("div", "tools");
  chips = nameGroup(make("div", "chips"), "Put into");
  buttons = make("span", "buttons");
  status = make("span", "status");
  asking = false; // for the name of a new class, or whether something is meant

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.status.setAttribute("role", "status");
    const line = make("div", "line");
    line.append(this.buttons, this.status);
    this.node.append(this.chips, line);
  }

  draw() {
    // The buttons are made anew: whoever pressed one goes on with the pictures.
    if (this.node.contains(findFocused(this.node)) && !this.asking) this.grid.sheet.takeFocus();
    if (!this.asking) this.chips.replaceChildren(...this.makeClasses());
    this.drawStatus();
    this.buttons.replaceChildren(...this.makeActions());
  }

  drawStatus() {
    const { said, trouble } = this.grid.data;
    const { waiting } = this.grid.outbox;
    this.say(waiting ? "Saving ..." : said || this.findHint());
    this.status.classList.toggle("trouble", trouble && !waiting);
  }

  /** @param {string} sentence */
  say(sentence) {
    this.status.textContent = sentence;
  }

  findHint() {
    if (!this.grid.shown.length) return "";
    const fingers = window.matchMedia("(pointer: coarse)").matches;
    return fingers
      ? "Tap pictures, then a class."
      : "Click pictures, then a class; or arrow keys, and a number for the class.";
  }

  makeClasses() {
    const { grid } = this;
    const { classes } = grid.data;
    /** @type {(name: string) => void} */
    const label = (name) => grid.label(name);
    const nothing = makeButton("chip", "no class", () => grid.label(null), "Take out of the class");
    addKey(nothing, "0");
    const nodes = [make("span", "into", "Put into"), ...makeChips(classes, label), nothing];
    if (classes.length > MANY) nodes.push(makeChoice("Put into ...", classes, label));
    return [...nodes, makeButton("chip", "+ new class", () => this.ask())];
  }

  makeActions() {
    const { grid } = this;
    const { classes, accept, undo, redo } = grid.data;
    const count = grid.selection.selected.size;
    const nodes = [];
    if (count) nodes.push(make("span", "count", `${count} selected`));
    const each = "Put each into the class suggested";
    if (accept) nodes.push(makeButton("tool", "Use its answer (A)", () => grid.accept(), each));
    nodes.push(
      count < grid.shown.length
        ? makeButton("tool", "Select all", () => grid.select(grid.order), "Ctrl+A")
        : makeButton("tool", "Select none", () => grid.select([]), "Esc"),
    );
    if (grid.selection.focus) nodes.push(makeButton("tool", "Look closer", () => grid.look(), "Enter"));
    if (count && classes.length) nodes.push(makeChoice("Copy into ...", classes, (name) => grid.copy(name)));
    if (count) nodes.push(makeButton("tool", "Delete", () => grid.remove(), "Move to the bin (Delete)"));
    if (undo) {
      nodes.push(makeButton("tool said", `Undo: ${undo}`, () => grid.act({ kind: "undo" }), `${undo} (Ctrl+Z)`));
    }
    if (redo) {
      nodes.push(makeButton("tool said", `Redo: ${redo}`, () => grid.act({ kind: "redo" }), `${redo} (Ctrl+Y)`));
    }
    return nodes;
  }

  /** What was asked is answered: the classes are back. */
  end() {
    this.asking = false;
    this.draw();
    this.grid.sheet.takeFocus();
  }

  /**
   * Does something with pictures that go to the bin; asks before, in place of the buttons for classes, if they are many.
   * @param {number} count
   * @param {string} label what was pressed
   * @param {() => void} go
   */
  makeSure(count, label, go) {
    if (count <= UNASKED) {
      go();
      return;
    }
    this.asking = true;
    const take = () => {
      this.end();
      go();
    };
    const cancel = makeButton("chip", "Cancel", () => this.end());
    const words = `${label}: ${count.toLocaleString("en")} pictures? What goes lies in the bin, and can be undone.`;
    this.chips.replaceChildren(make("span", "", words), makeButton("chip", "Yes", take), cancel);
    cancel.focus();
  }

  /** Asks for the name of a new class in place of the buttons for classes, and puts pictures there. */
  ask() {
    if (!this.grid.listPicked().length) {
      this.say("Select pictures first.");
      return;
    }
    this.asking = true;
    const field = make("input", "field");
    field.placeholder = NEW_NAME;
    field.maxLength = 100;
    field.setAttribute("aria-label", NEW_NAME);
    const take = () => {
      const name = field.value.trim();
      if (name) {
        this.grid.label(name);
        this.end();
      } else field.focus();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") take();
      if (event.key === "Escape") this.end();
    });
    this.chips.replaceChildren(
      field,
      makeButton("chip", "Put it there", take),
      makeButton("chip quiet", "Cancel", () => this.end()),
    );
    field.focus();
  }
}
