// What a model says of the webcam, while it says it. A picture goes out only when the answers to the last one are in: none
// ever waits.

import { formatPercent, make } from "../_common.js";
import { Camera, findPen, makeCanvas, mayUseCamera, say } from "../_camera.js";
import { drawFramed, fitWhole } from "../_framing.js";
import { SILENT, describeAnswer, describeRate, describeRefusal, findBest, noteTime } from "./answers.js";

/** @typedef {import("../_framing.js").Framing} Framing */
/** @typedef {{title: string, url: string, pixels: number}} Model `pixels`: the side of what it takes */
/**
 * What pages/shared/predict/live.py sends. `framing`: what the models see, null for the centre square; `shorter`: pixels that
 * the shorter side of a whole picture must have for that.
 * @typedef {{models: Model[], framing: Framing | null, shorter: number, classes: string[], colours: string[]}} LiveData
 */
/**
 * @typedef {object} LiveParts
 * @property {HTMLCanvasElement} seen
 * @property {HTMLElement} curtain
 * @property {HTMLButtonElement} off
 * @property {HTMLElement} refusal
 * @property {HTMLElement} panels
 * @property {HTMLElement} told
 */
/** @typedef {{row: HTMLElement, fill: HTMLElement, share: HTMLElement}} Row one class */
/** @typedef {{node: HTMLElement, label: HTMLElement, rows: Row[], rate: HTMLElement, times: number[]}} Panel one model */

const RATE = 15; // pictures a second at most
const SENT_QUALITY = 0.9;
const WAIT_MS = 5000;
const AGAIN_MS = 1000; // after a failure
const SETTLED_MS = 1000; // an answer that stays this long is told to a screen reader

/** @param {number} ms */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** @extends {Camera<import("../_camera.js").CameraParts & LiveParts>} */
export class Live extends Camera {
  /** @type {LiveData} */
  data = { models: [], framing: null, shorter: 0, classes: [], colours: [] };
  known = ""; // what the panels were made for
  loops = 0; // only the newest goes on
  /** @type {Panel[]} */
  panels = [];
  side = 0;
  sending = makeCanvas(0);
  /** @type {{said: string, since: number} | null} */
  last = null;

  /** Called whenever something here is otherwise. */
  changed = () => {};

  /**
   * @param {ParentNode} root
   * @param {{begin?: boolean}} [options] `begin`: whether the camera is switched on at once, where the browser need not ask
   */
  constructor(root, { begin = true } = {}) {
    super(root);
    this.begin = begin;
    this.at.off.onclick = () => this.switchOff();
  }

  /** @param {LiveData} data */
  update(data) {
    const first = !this.known;
    const known = JSON.stringify(data.models) + JSON.stringify(data.classes);
    this.data = data;
    if (known !== this.known) {
      this.known = known;
      this.side = Math.max(1, ...data.models.map(({ pixels }) => pixels));
      this.at.seen.width = this.at.seen.height = this.side;
      this.sending = makeCanvas(2 * this.side);
      this.panels = data.models.map(({ title }) => this.makePanel(data, title));
      this.at.panels.replaceChildren(...this.panels.map(({ node }) => node));
    }
    if (first && this.begin) void this.switchOnIfAllowed();
    this.draw();
  }

  /** Nobody is asked for the camera who only opened a page. */
  async switchOnIfAllowed() {
    const attempt = this.attempts;
    const isAllowed = await mayUseCamera();
    if (isAllowed && attempt === this.attempts) await this.switchOn();
  }

  /**
   * @param {LiveData} data
   * @param {string} title
   * @returns {Panel}
   */
  makePanel({ classes, colours }, title) {
    const node = make("section", "panel");
    if (title) node.append(make("h3", "", title));
    const label = node.appendChild(make("p", "label", "\u2013"));
    const list = node.appendChild(make("div", "bars"));
    const rows = classes.map((name, index) => {
      const row = list.appendChild(make("div", "row"));
      const bar = make("div", "bar");
      const fill = bar.appendChild(make("div", "fill"));
      fill.style.background = colours[index];
      const share = make("span", "share");
      const words = make("span", "name", name);
      words.title = name;
      row.append(words, bar, share);
      return { row, fill, share };
    });
    const rate = node.appendChild(make("p", "rate"));
    return { node, label, rows, rate, times: [] };
  }

  /** @override */
  begun() {
    this.run(++this.loops);
  }

  /** @override */
  ended() {
    this.loops += 1;
    say(this.at.refusal, "");
  }

  /** @param {number} loop */
  async run(loop) {
    const isCurrent = () => loop === this.loops;
    while (isCurrent()) {
      const began = performance.now();
      if (this.live && !document.hidden && this.data.models.length) {
        const picture = await this.takePicture();
        const asked = this.data.models.map((model, index) => this.ask(model, index, picture, isCurrent));
        const fine = await Promise.all(asked);
        if (!isCurrent()) return;
        if (!fine.every(Boolean)) await pause(AGAIN_MS);
      }
      await pause(Math.max(0, 1000 / RATE - (performance.now() - began)));
    }
  }

  /** @returns {Promise<Blob | null>} */
  takePicture() {
    const { framing, shorter } = this.data;
    const { sending } = this;
    const seen = findPen(this.at.seen);
    if (framing) {
      const { video } = this.at;
      Object.assign(sending, fitWhole(video.videoWidth, video.videoHeight, 2 * shorter));
      findPen(sending).drawImage(video, 0, 0, sending.width, sending.height);
      drawFramed(seen, sending, framing);
    } else {
      this.crop(findPen(sending));
      seen.drawImage(sending, 0, 0, this.side, this.side);
    }
    return new Promise((done) => sending.toBlob(done, "image/jpeg", SENT_QUALITY));
  }

  /**
   * Asks one model; whether all is well.
   * @param {Model} model
   * @param {number} index
   * @param {Blob | null} picture
   * @param {() => boolean} isCurrent
   */
  async ask({ url }, index, picture, isCurrent) {
    const panel = this.panels[index];
    try {
      const asked = { method: "POST", body: picture, headers: { "Content-Type": "image/jpeg" } };
      const answer = await fetch(url, { ...asked, signal: AbortSignal.timeout(WAIT_MS) });
      if (answer.status === 429) return true; // another tab asks the same model: this picture is dropped
      const said = answer.ok || answer.status === 422 ? await answer.json() : {};
      if (!isCurrent() || panel !== this.panels[index]) return true; // of a model that is not shown any more
      if (answer.ok) this.show(panel, said);
      say(this.at.refusal, describeRefusal(answer, said.error));
      return answer.ok;
    } catch {
      if (isCurrent() && panel === this.panels[index]) say(this.at.refusal, SILENT);
      return false;
    }
  }

  /**
   * @param {Panel} panel
   * @param {{probabilities: number[], sure: boolean}} answer
   */
  show(panel, { probabilities, sure }) {
    const best = findBest(probabilities);
    probabilities.forEach((share, index) => {
      const { row, fill, share: words } = panel.rows[index];
      fill.style.transform = `scaleX(${share})`;
      words.textContent = formatPercent(share, { under: "<", over: ">" }); // many, in a narrow column
      row.classList.toggle("best", index === best);
    });
    const said = describeAnswer(this.data.classes[best], sure);
    panel.label.textContent = said;
    const now = performance.now();
    panel.times = noteTime(panel.times, now);
    const rate = describeRate(panel.times);
    if (rate) panel.rate.textContent = rate;
    if (panel === this.panels[0]) this.tell(said, now);
  }

  /**
   * @param {string} said
   * @param {number} now
   */
  tell(said, now) {
    if (said !== this.last?.said) this.last = { said, since: now };
    else if (now - this.last.since > SETTLED_MS && this.at.told.textContent !== said) this.at.told.textContent = said;
  }

  /** @override */
  draw() {
    this.at.curtain.hidden = this.live;
    this.at.off.hidden = !this.stream;
    this.at.seen.hidden = !this.data.models.length;
    if (!this.stream) this.at.camera.hidden = true;
    this.changed();
  }
}
