// All pictures as points: hover or an arrow key shows one, a line drawn round some or a key chooses them.

import { Views, findRoot, limitNumber, make } from "../_common.js";
import { findPointed, isWithin, listNear, placePoint, placeTip, stepPoint } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */
/**
 * @typedef {object} MapData
 * @property {string[]} ids
 * @property {number[]} x 0 to 1, as long as ids
 * @property {number[]} y
 * @property {number[]} label number of the class, -1 for none
 * @property {{name: string, colour: string}[]} classes
 * @property {string} address of the small pictures
 * @property {string[]} chosen ids
 * @property {string} words what a screen reader says of the map
 */

const RADIUS = 4;
const FEWEST = 5; // points of a line; less than that is a click

const HINT =
  "Arrow keys go from picture to picture, Page Down through all. Space chooses one, Enter those near it, Escape none.";
/** @type {Map<string, Point>} */
const STEPS = new Map([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, -1]],
  ["ArrowDown", [0, 1]],
]);

const maps = new Views((parentElement) => new PictureMap(findRoot(parentElement, ".fg-map")));

/** @param {import("../_common.js").Call<MapData>} call */
export default function showMap({ data, parentElement, setStateValue }) {
  return maps.show(parentElement, (map) => {
    map.choose = (ids) => setStateValue("chosen", ids);
    map.update(data);
  });
}

class PictureMap {
  /** @type {MapData | null} */
  data = null;
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {Point[]} */
  loop = [];
  hover = -1;
  canvas = make("canvas");
  tip = make("figure");
  image = make("img");
  words = make("figcaption");
  legend = make("div", "legend");
  hint = make("p", "hint", HINT);
  told = make("p", "told");
  /** @type {(ids: string[]) => void} */
  choose = () => {};

  /** @param {HTMLElement} root */
  constructor(root) {
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-describedby", (this.hint.id = "hint"));
    this.told.setAttribute("role", "status");
    this.tip.hidden = true;
    this.tip.append(this.image, this.words);
    const frame = make("div", "frame");
    frame.append(this.canvas, this.tip);
    root.replaceChildren(frame, this.hint, this.told, this.legend);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.canvas);
    this.listenToPointer();
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("blur", () => this.pointAt(-1));
  }

  close() {
    this.sizes.disconnect();
  }

  /** @param {MapData} data */
  update(data) {
    this.data = data;
    this.chosen = new Set(data.chosen);
    this.canvas.setAttribute("aria-label", data.words);
    this.legend.replaceChildren(
      ...data.classes.map((one) => {
        const item = make("span");
        const dot = make("i");
        dot.style.background = one.colour;
        item.append(dot, make("span", "", one.name));
        return item;
      }),
    );
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { data, hover } = this;
    if (!data || event.ctrlKey || event.metaKey || event.altKey) return;
    const count = data.ids.length;
    /** @type {(number: number) => Point} */
    const place = (number) => this.place(data, number);
    const step = STEPS.get(event.key);
    const leap = new Map([
      ["Home", 0],
      ["End", count - 1],
      ["PageDown", limitNumber(hover + 1, 0, count - 1)],
      ["PageUp", limitNumber(hover - 1, 0, count - 1)],
    ]).get(event.key);
    if (step) this.pointAt(stepPoint(step, hover, count, place));
    else if (leap !== undefined) this.pointAt(leap);
    else if (event.key === "Escape") this.chooseThose([]);
    else if (event.key === " " && hover >= 0) this.toggle(data.ids[hover]);
    else if (event.key === "Enter" && hover >= 0) {
      this.chooseThose(listNear(hover, count, place).map((number) => data.ids[number]));
    } else return;
    event.preventDefault();
    this.tell();
  }

  /** @param {string} id */
  toggle(id) {
    const others = [...this.chosen].filter((one) => one !== id);
    this.chooseThose(this.chosen.has(id) ? others : [...others, id]);
  }

  /** Says where the keyboard is, for who does not see it. */
  tell() {
    if (!this.data) return;
    const { ids } = this.data;
    const at =
      this.hover < 0 ? "" : `${this.nameOf(this.data, this.hover)}, picture ${this.hover + 1} of ${ids.length}. `;
    const here = this.hover >= 0 && this.chosen.has(ids[this.hover]) ? "Chosen. " : "";
    this.told.textContent = `${at}${here}${this.chosen.size} chosen.`;
  }

  /**
   * @param {MapData} data
   * @param {number} number
   */
  nameOf({ label, classes }, number) {
    return label[number] < 0 ? "without a class" : classes[label[number]].name;
  }

  /** @param {string[]} ids */
  chooseThose(ids) {
    this.chosen = new Set(ids);
    this.draw();
    this.choose(ids);
  }

  /**
   * @param {MapData} data
   * @param {number} number
   */
  place({ x, y }, number) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return placePoint([x[number], y[number]], { width, height });
  }

  draw() {
    const data = this.data;
    const pen = this.canvas.getContext("2d");
    if (!data || !pen) return;
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    pen.scale(ratio, ratio);
    pen.clearRect(0, 0, width, height);
    const ink = getComputedStyle(this.canvas).color;
    for (let number = 0; number < data.ids.length; number++) this.drawPoint(pen, data, number, ink);
    pen.globalAlpha = 1;
    pen.strokeStyle = ink;
    if (this.loop.length > 1) {
      pen.beginPath();
      this.loop.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.setLineDash([5, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
    if (this.hover >= 0) {
      const [x, y] = this.place(data, this.hover);
      pen.beginPath();
      pen.arc(x, y, RADIUS + 3, 0, 7);
      pen.lineWidth = 2;
      pen.stroke();
      pen.lineWidth = 1;
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {MapData} data
   * @param {number} number
   * @param {string} ink colour of a picture without a class
   */
  drawPoint(pen, data, number, ink) {
    const [x, y] = this.place(data, number);
    const label = data.label[number];
    pen.beginPath();
    pen.arc(x, y, RADIUS, 0, 7);
    pen.globalAlpha = this.chosen.size && !this.chosen.has(data.ids[number]) ? 0.25 : 0.9;
    if (label < 0) {
      pen.strokeStyle = ink;
      pen.stroke();
    } else {
      pen.fillStyle = data.classes[label].colour;
      pen.fill();
    }
  }

  listenToPointer() {
    /** @type {(event: PointerEvent) => Point} */
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.loop = [at(event)];
      this.pointAt(-1);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.loop.length) {
        this.loop.push(at(event));
        this.draw();
      } else this.pointAt(this.findPointed(at(event)));
    });
    this.canvas.addEventListener("pointerup", (event) => {
      const loop = this.loop;
      this.loop = [];
      const small = loop.length < FEWEST;
      if (small) this.pointAt(this.findPointed(at(event)));
      this.chooseThose(small ? this.listPointed() : this.listWithin(loop));
    });
    this.canvas.addEventListener("pointerleave", () => this.pointAt(-1));
  }

  /** @param {Point} pointer */
  findPointed(pointer) {
    const data = this.data;
    return data ? findPointed(pointer, data.ids.length, (number) => this.place(data, number)) : -1;
  }

  listPointed() {
    return this.data && this.hover >= 0 ? [this.data.ids[this.hover]] : [];
  }

  /** @param {Point[]} loop */
  listWithin(loop) {
    const data = this.data;
    return data ? data.ids.filter((_, number) => isWithin(this.place(data, number), loop)) : [];
  }

  /** @param {number} number */
  pointAt(number) {
    if (number === this.hover) return;
    this.hover = number;
    this.tip.hidden = number < 0;
    if (this.data && number >= 0) {
      const [left, top] = placeTip(this.place(this.data, number), this.canvas.clientWidth);
      this.image.src = `${this.data.address}${this.data.ids[number]}.jpg`;
      this.image.alt = "";
      this.words.textContent = this.nameOf(this.data, number);
      this.tip.style.left = `${left}px`;
      this.tip.style.top = `${top}px`;
    }
    this.draw();
  }
}
