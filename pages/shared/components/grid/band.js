// Selecting pictures with a pointer: a click, a tap, or a band drawn over them.

import { make } from "../_common.js";
import { findItemOf } from "./tile.js";

/** @typedef {{left: number, right: number, top: number, bottom: number}} Box */
/**
 * Where a pointer went down.
 * @typedef {object} Start
 * @property {number} x
 * @property {number} y
 * @property {number} top how far the page was scrolled
 * @property {string | undefined} id what it went down on
 * @property {string[]} kept what stays selected
 * @property {boolean} drawn whether a band is being drawn
 */

const BAND_FROM = 6; // pixels of movement that make a click a drag
const EDGE = 24; // pixels from the edge in which a band scrolls
const SCROLL = 12; // pixels at once

/**
 * The box between two corners.
 * @param {{x: number, y: number}} one
 * @param {{x: number, y: number}} other
 * @returns {Box}
 */
export function spanBox(one, other) {
  return {
    left: Math.min(one.x, other.x),
    right: Math.max(one.x, other.x),
    top: Math.min(one.y, other.y),
    bottom: Math.max(one.y, other.y),
  };
}

/**
 * @param {Box} one
 * @param {Box} other
 */
export function isOverlapping(one, other) {
  return one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top;
}

/**
 * How far a band scrolls when the pointer is near an edge of the frame.
 * @param {number} y
 * @param {{top: number, bottom: number}} frame
 */
export function findScroll(y, { top, bottom }) {
  return (y > bottom - EDGE ? SCROLL : 0) - (y < top + EDGE ? SCROLL : 0);
}

/**
 * Finds what scrolls when the page around a node does.
 * @param {Node} node
 * @returns {Element}
 */
function findScroller(node) {
  for (let at = /** @type {Node | null} */ (node); at; at = at instanceof ShadowRoot ? at.host : at.parentNode) {
    if (at instanceof HTMLElement && ["auto", "scroll"].includes(getComputedStyle(at).overflowY)) return at;
  }
  return document.scrollingElement ?? document.documentElement;
}

/**
 * How far a pointer went.
 * @param {{x: number, y: number}} start
 * @param {MouseEvent} event
 */
function measureWay(start, event) {
  return Math.hypot(event.clientX - start.x, event.clientY - start.y);
}

export class Band {
  node = make("div", "band");
  /** @type {Start | null} */
  start = null;

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.node.hidden = true;
    const sheet = grid.sheet.node;
    sheet.addEventListener("pointerdown", (event) => this.begin(event));
    sheet.addEventListener("pointermove", (event) => this.draw(event));
    sheet.addEventListener("pointerup", (event) => this.end(event));
    sheet.addEventListener("pointercancel", () => this.stop());
    sheet.addEventListener("dblclick", (event) => {
      const id = findItemOf(event);
      if (id) grid.look(id);
    });
  }

  /** @param {PointerEvent} event */
  begin(event) {
    this.grid.selection.keyed = false;
    const onButton = event.composedPath().some((node) => node instanceof Element && node.tagName === "BUTTON");
    if (event.button !== 0 || onButton) return;
    this.start = {
      x: event.clientX,
      y: event.clientY,
      top: findScroller(this.grid.root).scrollTop,
      id: findItemOf(event),
      kept: event.ctrlKey || event.metaKey ? [...this.grid.selection.selected] : [],
      drawn: false,
    };
  }

  /** @param {PointerEvent} event */
  draw(event) {
    const { start } = this;
    if (!start || event.pointerType !== "mouse" || !(event.buttons & 1)) return;
    if (!start.drawn) {
      if (measureWay(start, event) < BAND_FROM) return;
      this.grid.sheet.node.setPointerCapture(event.pointerId);
      start.drawn = true;
    }
    this.stretch(start, event);
  }

  /**
   * @param {Start} start
   * @param {PointerEvent} event
   */
  stretch(start, event) {
    const { sheet, tools } = this.grid;
    const scroller = findScroller(this.grid.root);
    const { top } = scroller.getBoundingClientRect();
    scroller.scrollTop += findScroll(event.clientY, { top, bottom: tools.node.getBoundingClientRect().top });
    const frame = sheet.node.getBoundingClientRect();
    const corner = { x: start.x, y: start.y - (scroller.scrollTop - start.top) };
    const box = spanBox(corner, { x: event.clientX, y: event.clientY });
    this.node.hidden = false;
    this.node.style.left = `${box.left - frame.left}px`;
    this.node.style.top = `${box.top - frame.top}px`;
    this.node.style.width = `${box.right - box.left}px`;
    this.node.style.height = `${box.bottom - box.top}px`;
    const hit = [...sheet.tiles].filter(([, tile]) => isOverlapping(tile.node.getBoundingClientRect(), box));
    const ids = hit.map(([id]) => id);
    this.grid.select([...start.kept, ...ids], ids.at(-1));
  }

  /** @param {PointerEvent} event */
  end(event) {
    const { start, grid } = this;
    this.stop();
    if (!start || start.drawn) return;
    if (measureWay(start, event) > BAND_FROM) return; // a scroll by finger
    grid.sheet.takeFocus();
    if (!start.id) grid.select([]);
    else if (event.shiftKey) grid.go(start.id, true);
    else if (event.ctrlKey || event.metaKey || event.pointerType !== "mouse") grid.toggle(start.id);
    else {
      grid.selection.jump(start.id);
      grid.select([start.id]);
    }
  }

  stop() {
    this.start = null;
    this.node.hidden = true;
  }
}
