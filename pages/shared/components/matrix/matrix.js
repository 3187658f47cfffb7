// A confusion matrix as a table of buttons: a click or Enter chooses a cell, arrow keys go from one to the next.

import { Views, findRoot, make } from "../_common.js";
import {
  chooseCell,
  chooseSize,
  describeCell,
  fillCell,
  findChosen,
  isSameCell,
  isStep,
  looksSame,
  stepCell,
} from "./cells.js";

/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {import("./cells.js").MatrixData} MatrixData */

const matrices = new Views((parentElement) => new Matrix(findRoot(parentElement, ".fg-matrix")));

/** @param {import("../_common.js").Call<MatrixData>} call */
export default function showMatrix({ data, parentElement, setStateValue }) {
  return matrices.show(parentElement, (matrix) => {
    matrix.send = (chosen) => setStateValue("cell", chosen);
    matrix.update(data);
  });
}

class Matrix {
  /** @type {MatrixData | null} */
  data = null;
  /** @type {Cell} where the Tab key leads */
  at = [0, 0];
  frame = make("div", "frame");
  words = make("p", "words");
  /** @type {(chosen: {truth: string | null, said: string | null}) => void} */
  send = () => {};

  /** @param {HTMLElement} root */
  constructor(root) {
    this.words.setAttribute("aria-live", "polite");
    root.replaceChildren(this.frame, this.words);
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("pointerover", (event) => this.tell(event.target));
    root.addEventListener("focusin", (event) => this.tell(event.target));
    root.addEventListener("pointerleave", () => this.tell(null));
    root.addEventListener("click", (event) => this.click(event.target));
  }

  close() {} // nothing outlives the elements

  /** @param {MatrixData} data */
  update(data) {
    const same = this.data && looksSame(this.data, data);
    this.data = data;
    if (!same) this.draw(data);
    this.mark(data);
    this.tell(null);
  }

  /** @param {MatrixData} data */
  draw(data) {
    const { names } = data;
    const table = make("table", chooseSize(names.length));
    table.style.setProperty("--classes", String(names.length));
    table.append(make("caption", "", data.caption));
    const head = table.createTHead().insertRow();
    head.append(make("td", "corner"));
    names.forEach((_, column) => head.append(this.makeHeading(data, [-1, column])));
    const body = table.createTBody();
    names.forEach((_, row) => {
      const line = body.insertRow();
      line.append(this.makeHeading(data, [row, -1]));
      data.counts[row].forEach((_count, column) => {
        const { text, strength } = fillCell(data, [row, column]);
        const button = this.makeButton(data, [row, column], text);
        button.classList.add(row === column ? "right" : "wrong");
        button.style.setProperty("--share", String(strength));
        line.insertCell().append(button);
      });
    });
    this.frame.replaceChildren(table);
    this.at = [Math.min(this.at[0], names.length - 1), Math.min(this.at[1], names.length - 1)];
  }

  /**
   * @param {MatrixData} data
   * @param {Cell} cell
   */
  makeHeading(data, cell) {
    const [row, column] = cell;
    const node = make("th");
    node.scope = row < 0 ? "col" : "row";
    const position = row < 0 ? column : row;
    const button = this.makeButton(data, cell, data.short[position]);
    button.classList.add("name");
    button.title = data.names[position];
    if (data.short[position] !== data.names[position]) {
      button.ariaLabel = `${data.short[position]}: ${button.ariaLabel}`; // it begins with what is shown
    }
    node.append(button);
    return node;
  }

  /**
   * @param {MatrixData} data
   * @param {Cell} cell
   * @param {string} text
   */
  makeButton(data, cell, text) {
    const node = make("button", "", text);
    node.type = "button";
    node.dataset.row = String(cell[0]);
    node.dataset.column = String(cell[1]);
    node.setAttribute("aria-label", describeCell(data, cell));
    return node;
  }

  /**
   * @param {EventTarget | null} node
   * @returns {Cell | null}
   */
  findCell(node) {
    const button =
      node instanceof Element ? /** @type {HTMLElement | null} */ (node.closest("button[data-row]")) : null;
    return button ? [Number(button.dataset.row), Number(button.dataset.column)] : null;
  }

  /** @param {MatrixData} data */
  mark(data) {
    const chosen = findChosen(data);
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (this.frame.querySelectorAll("button[data-row]"));
    for (const button of buttons) {
      /** @type {Cell} */
      const cell = [Number(button.dataset.row), Number(button.dataset.column)];
      button.setAttribute("aria-pressed", String(isSameCell(cell, chosen)));
      button.tabIndex = isSameCell(cell, this.at) ? 0 : -1;
    }
  }

  /** @param {EventTarget | null} node */
  tell(node) {
    if (!this.data) return;
    const cell = this.findCell(node) ?? findChosen(this.data);
    this.words.textContent = cell ? describeCell(this.data, cell) : this.data.hint;
  }

  /** @param {EventTarget | null} node */
  click(node) {
    const cell = this.findCell(node);
    if (!cell || !this.data) return;
    const chosen = chooseCell(this.data, cell);
    this.data = { ...this.data, ...chosen };
    this.at = cell;
    this.mark(this.data);
    this.send(chosen);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const at = this.findCell(event.target);
    if (!this.data || !at || !isStep(event.key)) return;
    event.preventDefault();
    const next = stepCell(at, event.key, this.data.names.length);
    if (!next) return;
    this.at = next;
    this.mark(this.data);
    const button = this.frame.querySelector(`button[data-row="${next[0]}"][data-column="${next[1]}"]`);
    /** @type {HTMLElement} */ (button).focus();
  }
}
