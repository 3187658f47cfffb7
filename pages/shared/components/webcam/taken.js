// The pictures that were taken and are not yet saved, each as a small button that discards it.

import { make } from "../_common.js";
import { findPen, makeCanvas } from "../_camera.js";

/** @typedef {{url: string, tile: HTMLButtonElement}} Frame a picture that was taken */

const TILE = 128; // pixels of a small picture

export class Taken {
  /** @type {Frame[]} in the order they were taken */
  frames = [];
  count = 0; // how many so far, discarded ones too

  /**
   * @param {HTMLElement} strip
   * @param {(frame: Frame) => void} discard called when someone wants a picture gone
   */
  constructor(strip, discard) {
    this.strip = strip;
    this.discard = discard;
  }

  get urls() {
    return this.frames.map(({ url }) => url);
  }

  /**
   * @param {string} url
   * @param {HTMLCanvasElement} picture
   */
  add(url, picture) {
    this.count += 1;
    const small = makeCanvas(TILE);
    findPen(small).drawImage(picture, 0, 0, TILE, TILE);
    const tile = make("button");
    const frame = { url, tile };
    tile.type = "button";
    tile.setAttribute("aria-label", `Picture ${this.count}: discard`);
    tile.append(small);
    tile.onclick = () => this.discard(frame);
    tile.onkeydown = ({ key }) => this.steer(frame, key);
    tile.tabIndex = -1; // one stop for the Tab key, arrows within
    this.frames = [...this.frames, frame];
    this.strip.append(tile);
  }

  /**
   * @param {Frame} frame
   * @param {string} key
   */
  steer(frame, key) {
    const step = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
    if (step) this.frames[this.frames.indexOf(frame) + step]?.tile.focus();
    if (key === "Delete" || key === "Backspace") this.discard(frame);
  }

  /** @param {Frame[]} frames */
  remove(frames) {
    const gone = new Set(frames);
    for (const { tile } of gone) tile.remove();
    this.frames = this.frames.filter((frame) => !gone.has(frame));
  }

  /**
   * Gives the keyboard to the picture at a place, or to the last one.
   * @param {number} place
   */
  focusAt(place) {
    (this.frames[place] ?? this.frames.at(-1))?.tile.focus({ preventScroll: true });
  }

  /** Lets the Tab key lead to the first picture. */
  markFirst() {
    if (this.frames.length) this.frames[0].tile.tabIndex = 0;
  }

  scrollToEnd() {
    this.strip.scrollTop = this.strip.scrollHeight;
  }
}
