// What is taken for what at a moment, for a few classes.

import { make } from "../_common.js";
import { countConfusions } from "./story.js";

/** @typedef {import("./story.js").FilmData} FilmData */

const MOST_CLASSES = 8;

export class Table {
  node = make("figure", "confusion");
  /** @type {HTMLElement[][]} */
  cells = [];
  known = "";

  /**
   * @param {FilmData} data
   * @param {number[] | null} said
   */
  show(data, said) {
    this.node.hidden = data.classes.length > MOST_CLASSES || !data.ids.length;
    if (this.node.hidden) return;
    const known = JSON.stringify([data.classes, data.colours]);
    if (known !== this.known) this.build(data);
    this.known = known;
    const counts = said ? countConfusions(data, said) : null;
    this.cells.forEach((row, truth) => {
      const total = counts ? counts[truth].reduce((sum, one) => sum + one, 0) : 0;
      row.forEach((cell, called) => {
        const count = counts ? counts[truth][called] : 0;
        cell.textContent = count ? String(count) : "";
        cell.style.setProperty("--share", String(total ? count / total : 0));
      });
    });
  }

  /** @param {FilmData} data */
  build({ classes, short, colours }) {
    const table = make("table");
    const head = table.createTHead().insertRow();
    head.append(make("td"));
    classes.forEach((name, position) => head.append(makeName("col", name, short[position], colours[position])));
    const body = table.createTBody();
    this.cells = classes.map((name, truth) => {
      const row = body.insertRow();
      row.append(makeName("row", name, short[truth], colours[truth]));
      return classes.map((_, called) => {
        const cell = row.insertCell();
        cell.className = truth === called ? "right" : "wrong";
        return cell;
      });
    });
    const caption = make("figcaption");
    caption.append(
      make("strong", "", "What it mixes up"),
      make("div", "told", "Rows: what it is. Columns: what it says."),
    );
    this.node.replaceChildren(caption, table);
  }
}

/**
 * @param {"row" | "col"} scope
 * @param {string} name
 * @param {string} short
 * @param {string} colour
 */
function makeName(scope, name, short, colour) {
  const node = make("th");
  node.scope = scope;
  node.title = name;
  const words = make("span", "", short);
  const dot = make("i");
  dot.style.background = colour;
  node.append(dot, words);
  return node;
}
