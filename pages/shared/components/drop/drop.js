// Takes files and whole folders, dropped or chosen, and sends them to the server, one by one.

import { findFocused, findRoot, make, Views } from "../_common.js";
import { listChosen, listFiles, listenToDrops } from "./entries.js";
import { sendFile, Sender } from "./sender.js";
import { describeAloud, describeMissed, describeProgress } from "./words.js";

/** @typedef {import("./entries.js").Found} Found */
/** @typedef {import("./sender.js").Rules} Rules */
/**
 * What pages/shared/components/drop/drop.py sends.
 * @typedef {Rules & {url: string, held: number}} DropData where to send files, and how many are there already
 */
/** @typedef {(name: string, value: unknown) => void} Tell */
/**
 * @typedef {object} Parts
 * @property {HTMLElement} area
 * @property {HTMLElement} lead
 * @property {HTMLButtonElement} files
 * @property {HTMLButtonElement} folder
 * @property {HTMLInputElement} pickFiles
 * @property {HTMLInputElement} pickFolder
 * @property {HTMLElement} journey
 * @property {HTMLProgressElement} bar
 * @property {HTMLElement} count
 * @property {HTMLElement} aloud
 * @property {HTMLButtonElement} stop
 * @property {HTMLButtonElement} goOn
 * @property {HTMLButtonElement} clear
 * @property {HTMLElement} trouble
 * @property {HTMLDetailsElement} missed
 * @property {HTMLElement} missedCount
 * @property {HTMLElement} missedFiles
 */

const PAUSE_MS = 100; // between two drawings
const MOST_TOLD = 500;
const LEAD = "Drop pictures, folders or a zip here";
const MORE = "Drop more here";
const NO_FILES = "That was no file. Save the picture first, then drop its file.";

class DropView {
  /** @type {DropData} */
  data = { url: "", held: 0, limits: { file: 0, large: 0, archives: [], films: [] } };
  /** @type {Tell} */
  setState = () => {};
  /** @type {Tell} */
  trigger = () => {};
  searching = 0; // drops whose folders are being looked into
  found = 0; // files in them so far
  /** @type {boolean | null} */
  told = null; // what the server knows: whether files are on their way
  open = true;
  /** @type {ReturnType<typeof setTimeout> | null} */
  timer = null;
  sender = this.makeSender();

  /** @param {ParentNode} parentElement */
  constructor(parentElement) {
    const root = findRoot(parentElement, ".drop");
    const named = [...root.querySelectorAll("[id]")].map((node) => [node.id, node]);
    this.at = /** @type {Parts} */ (Object.fromEntries(named));
    this.listenToDrops();
    this.listenToButtons();
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, keepPage);
  }

  makeSender() {
    return new Sender(
      (item, signal) => sendFile(this.data.url, this.data, item, signal),
      () => this.draw(),
    );
  }

  listenToDrops() {
    listenToDrops(this.at.area, (entries) => {
      if (entries.length) void this.search(entries);
      else this.complain(NO_FILES);
    });
  }

  listenToButtons() {
    const { files, folder, pickFiles, pickFolder, stop, goOn, clear } = this.at;
    folder.hidden = !("webkitdirectory" in pickFolder); // some phones know no folders
    for (const [button, input] of /** @type {const} */ ([
      [files, pickFiles],
      [folder, pickFolder],
    ])) {
      button.onclick = () => input.click();
      input.onchange = () => {
        const items = listChosen(input.files ?? []);
        input.value = ""; // so that the same can be chosen again
        if (items.length) this.take({ items, missed: [] });
      };
    }
    stop.onclick = () => this.sender.stop();
    goOn.onclick = () => void this.go();
    clear.onclick = () => {
      this.forget();
      this.trigger("clear", true);
    };
  }

  /** @param {FileSystemEntry[]} entries */
  async search(entries) {
    const { sender } = this;
    this.searching += 1;
    this.draw();
    const found = await listFiles(entries, (count) => {
      this.found = count;
      this.draw();
    });
    this.searching -= 1;
    this.found = 0;
    if (this.open && sender === this.sender) this.take(found);
  }

  /** @param {Found} found */
  take({ items, missed }) {
    this.sender.add(items, missed);
    void this.go();
  }

  /** @param {string} words */
  complain(words) {
    this.sender.trouble = words;
    this.draw();
  }

  /** Sends what waits; the server is told when that begins and when it ends. */
  async go() {
    const { sender } = this;
    if (sender.sending) return;
    this.tell(true);
    await sender.start();
    if (this.open && sender === this.sender) this.tell(false);
  }

  /** @param {boolean} sending */
  tell(sending) {
    if (this.told === sending) return;
    this.told = sending;
    this.setState("progress", {
      sending,
      missed: this.sender.missed.slice(0, MOST_TOLD).map(({ path, reason }) => [path, reason]),
    });
  }

  forget() {
    this.sender.stop();
    this.sender = this.makeSender();
    this.told = null;
    this.draw();
  }

  /**
   * @param {DropData} data
   * @param {Tell} setState
   * @param {Tell} trigger
   */
  update(data, setState, trigger) {
    this.setState = setState;
    this.trigger = trigger;
    const other = data.url !== this.data.url;
    this.data = data;
    if (other) {
      this.forget();
      this.sender.arrived = data.held;
      if (data.held) this.tell(false); // where this was closed while files were on their way, the server still waits for them
    }
    this.draw();
  }

  /** Draws now, or soon, if that was done only just now. */
  draw() {
    if (this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.drawNow();
    }, PAUSE_MS);
    this.drawNow();
  }

  drawNow() {
    const { at, sender } = this;
    const { arrived, sending, total } = sender;
    const [waiting, missed] = [sender.waiting.length, sender.missed.length];
    const searching = this.searching > 0 && !sending;
    const progress = { arrived, waiting, missed, sending, searching, total: searching ? this.found : total };
    const words = describeProgress(progress);
    at.lead.textContent = total ? MORE : LEAD;
    at.area.classList.toggle("small", total > 0 || searching);
    at.journey.hidden = !words;
    at.bar.hidden = !sending && !searching && !waiting;
    if (searching) at.bar.removeAttribute("value");
    else at.bar.value = (arrived + missed) / Math.max(total, 1);
    at.count.textContent = words;
    say(at.aloud, describeAloud(progress));
    this.drawButtons(searching);
    at.trouble.hidden = !sender.trouble;
    say(at.trouble, sender.trouble);
    this.drawMissed();
  }

  /**
   * Shows the buttons that mean something now. Where that hides the one that was pressed, the keyboard goes to the next.
   * @param {boolean} searching
   */
  drawButtons(searching) {
    const { stop, goOn, clear, files } = this.at;
    const { sending, waiting, total } = this.sender;
    const focused = findFocused(stop);
    stop.hidden = !sending;
    goOn.hidden = sending || !waiting.length;
    clear.hidden = sending || searching || !total;
    if (focused instanceof HTMLElement && focused.hidden) {
      [stop, goOn, clear, files].find(({ hidden }) => !hidden)?.focus({ preventScroll: true });
    }
  }

  drawMissed() {
    const { missed, missedCount, missedFiles } = this.at;
    const files = this.sender.missed;
    missed.hidden = !files.length;
    missedCount.textContent = describeMissed(files.length);
    if (!files.length) missedFiles.replaceChildren();
    const shown = files.slice(missedFiles.childElementCount, MOST_TOLD);
    missedFiles.append(...shown.map(({ path, reason }) => make("li", "", `${path}: ${reason}`)));
  }

  close() {
    this.open = false;
    this.sender.stop();
    if (this.timer !== null) clearTimeout(this.timer);
    for (const kind of ["dragover", "drop"]) window.removeEventListener(kind, keepPage);
  }
}

/**
 * What is dropped beside the area does not take the place of the page.
 * @param {Event} event
 */
function keepPage(event) {
  event.preventDefault();
}

/**
 * Changes a text only where it is another one: it may be read aloud.
 * @param {HTMLElement} node
 * @param {string} words
 */
function say(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

const views = new Views((parentElement) => new DropView(parentElement));

/** @param {import("../_common.js").Call<DropData>} call */
export default function showDrop({ data, parentElement, setStateValue, setTriggerValue }) {
  return views.show(parentElement, (view) => view.update(data, setStateValue, setTriggerValue));
}
