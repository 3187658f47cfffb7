// The middle of the board: one button that trains, how far that is, what came of it, and what to do next.

import { make } from "../_common.js";

/** @typedef {{page: string, label: string}} Way `page`: an address, or "#" and the key of a place on this one */
/**
 * `why`: why it cannot train yet; `share`: 0 to 1, how far it is, null where nothing is under way; `words` of the phase; `score`
 * and `note` of the last training; `ways`: what to do next.
 * @typedef {object} TrainerData
 * @property {string} label
 * @property {string} why
 * @property {number | null} share
 * @property {string} words
 * @property {string} score
 * @property {string} note
 * @property {Way[]} ways
 */

export class Trainer {
  key = "";

  /**
   * @param {Record<string, HTMLElement>} at elements: train, stop, missing, bar, phase, score, note, ways
   * @param {(kind: string, to?: string) => void} ask "train", "stop", or "go" to a page
   */
  constructor(at, ask) {
    this.at = at;
    this.ask = ask;
    this.pressed = false;
    at.train.onclick = () => {
      this.pressed = true;
      ask("train");
    };
    at.stop.onclick = () => ask("stop");
  }

  /**
   * @param {TrainerData} data
   * @param {boolean} waiting whether something asked for is not answered yet
   * @param {boolean} recording
   */
  draw(data, waiting, recording) {
    const { at } = this;
    if (!waiting) this.pressed = false;
    const working = data.share !== null || this.pressed;
    const train = /** @type {HTMLButtonElement} */ (at.train);
    train.textContent = working ? "Training ..." : data.label;
    train.disabled = working || recording || Boolean(data.why);
    at.missing.textContent = working ? "" : data.why;
    at.stop.hidden = data.share === null;
    at.bar.hidden = !working;
    const bar = /** @type {HTMLProgressElement} */ (at.bar);
    if (data.share) bar.value = data.share;
    else bar.removeAttribute("value");
    at.phase.textContent = working ? data.words || "Starting ..." : "";
    at.score.textContent = working ? "" : data.score;
    at.note.textContent = working ? "" : data.note;
    const key = JSON.stringify([data.ways, working]);
    if (key === this.key) return;
    this.key = key;
    at.ways.replaceChildren(...(working ? [] : data.ways).map((way) => this.makeWay(way)));
  }

  /** @param {Way} way */
  makeWay({ page, label }) {
    const button = make("button", "", label);
    button.type = "button";
    button.onclick = () => {
      if (!page.startsWith("#")) this.ask("go", page);
      else document.querySelector(`.st-key-${page.slice(1)}`)?.scrollIntoView(); // it may be drawn later than this button
    };
    return button;
  }
}
