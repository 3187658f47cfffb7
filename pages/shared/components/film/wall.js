// The wall: small pictures in the fields of what the model says, each framed as right or wrong.

import { make } from "../_common.js";
import { chooseFields, placePictures, planWall } from "./places.js";
import { describePicture } from "./story.js";

/** @typedef {import("./story.js").FilmData} FilmData */

const RIGHT = "\u2713";
const ROOMY = 190; // pixels that a long name needs
const WRONG = "\u2715";

export class Wall {
  node = make("div", "wall");
  /** @type {HTMLElement[]} */
  tiles = [];
  /** @type {{title: HTMLElement, count: HTMLElement}[]} */
  heads = [];
  /** @type {ReturnType<typeof planWall> | null} */
  plan = null;
  /** @type {number[]} */
  shown = [];
  known = ""; // what the elements were made for

  constructor() {
    this.node.setAttribute("role", "img");
  }

  /**
   * Makes what does not move: fields and pictures.
   * @param {FilmData} data
   * @param {number} width
   */
  build(data, width) {
    const known = JSON.stringify([width, data.run, data.classes, data.colours, data.ids, data.address]);
    if (known === this.known) return;
    this.known = known;
    const { shown, others } = chooseFields(data.classes.length, data.labels);
    this.shown = shown;
    const plan = planWall(width, shown.length, others, data.ids.length);
    this.plan = plan;
    this.node.style.height = `${plan.height}px`;
    this.node.style.setProperty("--size", `${plan.size}px`);
    this.heads = plan.fields.map((field, number) => makeHead(data, shown[number], field.width < ROOMY));
    const fields = plan.fields.map((field, number) => {
      const node = make("div", "field");
      const { title, count } = this.heads[number];
      node.style.translate = `${field.left}px ${field.top}px`;
      node.style.width = `${field.width}px`;
      node.style.height = `${field.height}px`;
      node.append(title, count);
      return node;
    });
    this.tiles = data.ids.map((id, picture) => makeTile(data, id, picture));
    this.node.replaceChildren(...fields, ...this.tiles);
  }

  /**
   * Puts the pictures where they are at a moment.
   * @param {FilmData} data
   * @param {number} moment
   * @param {number[] | null} said
   */
  show(data, moment, said) {
    if (!this.plan) return;
    const { places, counts } = placePictures(this.plan, this.shown, data.labels, said);
    this.tiles.forEach((tile, picture) => {
      const [left, top] = places[picture];
      tile.style.translate = `${left.toFixed(1)}px ${top.toFixed(1)}px`;
      const mark = said ? (said[picture] === data.labels[picture] ? "right" : "wrong") : "";
      tile.classList.toggle("right", mark === "right");
      tile.classList.toggle("wrong", mark === "wrong");
      tile.title = describePicture(data, moment, picture);
      const sign = /** @type {HTMLElement} */ (tile.lastElementChild);
      sign.textContent = mark ? (mark === "right" ? RIGHT : WRONG) : "";
    });
    counts.forEach((count, number) => {
      this.heads[number].count.textContent = said ? String(count) : "";
    });
  }
}

/**
 * @param {FilmData} data
 * @param {number | undefined} position of the class; none is all the others
 * @param {boolean} narrow
 */
function makeHead({ classes, short, colours }, position, narrow) {
  const title = make("span", "title");
  const name = position === undefined ? "other classes" : classes[position];
  const dot = make("i");
  dot.style.background = position === undefined ? "var(--faint)" : colours[position];
  const words = make("span", "", narrow && position !== undefined ? short[position] : name);
  title.title = name;
  title.append(dot, words);
  return { title, count: make("span", "count") };
}

/**
 * @param {FilmData} data
 * @param {string} id
 * @param {number} picture
 */
function makeTile({ address, colours, labels }, id, picture) {
  const tile = make("div", "tile");
  const image = make("img");
  image.alt = "";
  image.decoding = "async";
  image.draggable = false;
  image.addEventListener("error", () => tile.classList.add("gone"));
  image.src = `${address}${id}.jpg`;
  const real = make("i");
  real.style.background = colours[labels[picture]];
  tile.append(image, real, make("b"));
  return tile;
}
