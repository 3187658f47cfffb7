// The card of one class: its name, its newest pictures, and the ways to get more.

import { findFocused, make } from "../_common.js";
import { listenToHold } from "../_hold.js";
import { listChosen, listenToDrops } from "../drop/entries.js";
import { countPictures, describeMissed, describeWork } from "./words.js";

/** @typedef {{name: string, made: boolean, colour: string, count: number, aside: boolean, thumbnails: string[]}} CardData */
/**
 * What a card asks of its board.
 * @typedef {object} Asked
 * @property {(card: Card) => void} record
 * @property {() => void} rest
 * @property {(card: Card, items: import("../drop/entries.js").Item[]) => void} take
 * @property {(card: Card, entries: FileSystemEntry[]) => void} search
 * @property {(card: Card, name: string) => void} rename
 * @property {(card: Card, kind: string) => void} ask "aside", "back", "delete" or "open"
 */

const SHOWN = 6; // pictures on their way: some of them say what is coming

let count = 0;

export class Card {
  id = `card ${(count += 1)}`;
  node = make("article", "class");
  name = make("input", "name");
  number = make("span", "number");
  more = make("button", "more", "\u22ef");
  menu = make("div", "menu");
  pictures = make("div", "pictures");
  hold = make("button", "hold", "Hold to record");
  upload = make("button", "", "Choose files");
  pick = make("input");
  status = make("p", "status");
  missed = make("p", "missed");
  aside = make("button");
  open = make("button");
  /** @type {CardData} */
  data = { name: "", made: false, colour: "", count: 0, aside: false, thumbnails: [] };
  pending = ""; // the new name that was asked for
  /** @type {HTMLImageElement[]} pictures on their way, the newest first */
  arriving = [];
  busy = false; // whether there are any

  /** @param {Asked} asked */
  constructor(asked) {
    this.asked = asked;
    this.build();
    this.listen();
  }

  build() {
    const { node, name, more, menu, hold, upload, pick, aside } = this;
    const head = make("header");
    name.type = "text";
    name.autocomplete = "off";
    name.maxLength = 80;
    more.type = hold.type = upload.type = aside.type = "button";
    more.setAttribute("aria-expanded", "false");
    menu.hidden = true;
    this.open = this.makeAction("All its pictures", "open");
    const remove = this.makeAction("Delete (can be undone)", "delete");
    aside.onclick = () => this.choose(this.data.aside ? "back" : "aside");
    menu.append(this.open, aside, remove);
    pick.type = "file";
    pick.multiple = true;
    pick.hidden = true;
    head.append(make("i", "dot"), name, this.number, more);
    const ways = make("div", "ways");
    ways.append(hold, upload, pick);
    this.status.setAttribute("role", "status");
    this.missed.setAttribute("role", "alert");
    node.append(head, menu, this.pictures, ways, this.status, this.missed);
  }

  /**
   * @param {string} words
   * @param {string} kind
   */
  makeAction(words, kind) {
    const button = make("button", "", words);
    button.type = "button";
    button.onclick = () => this.choose(kind);
    return button;
  }

  /** @param {string} kind */
  choose(kind) {
    this.fold();
    this.asked.ask(this, kind);
  }

  listen() {
    const { node, name, more, menu, hold, upload, pick } = this;
    listenToHold(hold, () => this.asked.record(this), this.asked.rest);
    upload.onclick = () => pick.click();
    pick.onchange = () => {
      const items = listChosen(pick.files ?? []);
      pick.value = ""; // so that the same can be chosen again
      if (items.length) this.asked.take(this, items);
    };
    name.onkeydown = (event) => {
      if (event.key === "Enter" && !event.isComposing) name.blur();
      if (event.key === "Escape") {
        name.value = this.data.name;
        name.blur();
      }
    };
    name.onchange = () => this.rename();
    more.onclick = () => {
      menu.hidden = !menu.hidden;
      more.setAttribute("aria-expanded", String(!menu.hidden));
    };
    node.onkeydown = ({ key }) => {
      if (key !== "Escape" || menu.hidden) return;
      this.fold();
      more.focus();
    };
    listenToDrops(node, (entries) => {
      if (entries.length) this.asked.search(this, entries);
    });
  }

  fold() {
    this.menu.hidden = true;
    this.more.setAttribute("aria-expanded", "false");
  }

  rename() {
    const wanted = this.name.value.trim();
    if (!wanted || wanted === this.data.name) this.name.value = this.data.name;
    else {
      this.pending = wanted;
      this.asked.rename(this, wanted);
    }
  }

  /**
   * Takes in which classes there are now; returns the name by which this one is found among them.
   * @param {ReadonlySet<string>} names
   * @param {boolean} answered whether the server has answered all that it was asked
   */
  settle(names, answered) {
    const renamed = this.pending && names.has(this.pending) && !names.has(this.data.name);
    const name = renamed ? this.pending : this.data.name;
    if (renamed || answered) this.pending = "";
    return name;
  }

  /**
   * Shows what is under way.
   * @param {import("./intake.js").Intake} intake
   * @param {number | null} taken pictures of the recording of this class, if there is one
   * @param {string} hint what is said where nothing is under way
   */
  draw(intake, taken, hint) {
    const recording = taken !== null;
    const words = describeWork({ recording, taken: taken ?? 0, ...intake.count(this.id) });
    this.busy = Boolean(words);
    if (!words && this.arriving.length) this.forgetArriving();
    if (this.status.textContent !== (words || hint)) this.status.textContent = words || hint;
    this.hold.setAttribute("aria-pressed", String(recording));
    this.hold.textContent = recording ? "Recording ..." : "Hold to record";
    this.name.disabled = Boolean(words);
    const missed = intake.listMissed(this.id);
    if (missed.length) this.missed.textContent = describeMissed(missed);
    else if (words) this.missed.textContent = "";
  }

  /** @param {CardData} data */
  update(data) {
    this.data = data;
    const { node, name, more, aside } = this;
    const title = data.name;
    if (findFocused(name) !== name && !this.pending) name.value = title;
    node.setAttribute("aria-label", title);
    node.style.setProperty("--class", data.colour);
    node.classList.toggle("aside", data.aside);
    name.setAttribute("aria-label", "Name of this class");
    name.title = title; // it may be longer than the card
    this.open.hidden = aside.hidden = !data.made;
    more.setAttribute("aria-label", `More for ${title}`);
    this.number.textContent = data.aside ? `${countPictures(data.count)}, not used` : countPictures(data.count);
    aside.textContent = data.aside ? "Use it again" : "Do not use it";
    this.hold.setAttribute("aria-label", `Hold to record ${title}`);
    this.upload.setAttribute("aria-label", `Choose files for ${title}`);
    this.drawPictures();
  }

  drawPictures() {
    const { pictures, data } = this;
    const shown = new Map([...pictures.querySelectorAll("img")].map((image) => [image.getAttribute("src"), image]));
    const images = [...this.arriving, ...data.thumbnails.map((url) => shown.get(url) ?? this.makeImage(url))];
    pictures.replaceChildren(...images);
    pictures.classList.toggle("none", !images.length);
    if (!images.length) pictures.append(make("p", "", "Drop pictures here, or record some."));
  }

  /**
   * Shows the first of some pictures that are on their way.
   * @param {import("../drop/entries.js").Item[]} items
   */
  async preview(items) {
    for (const item of items.slice(0, SHOWN)) {
      const file = await item.open().catch(() => null); // who sends it says that it cannot be read
      if (!file?.type.startsWith("image/") || !this.busy) continue;
      this.arriving.unshift(this.makeImage(URL.createObjectURL(file)));
      for (const old of this.arriving.splice(SHOWN)) URL.revokeObjectURL(old.src);
      this.drawPictures();
    }
  }

  forgetArriving() {
    for (const image of this.arriving.splice(0)) URL.revokeObjectURL(image.src);
    this.drawPictures();
  }

  /** @param {string} url */
  makeImage(url) {
    const image = make("img");
    image.src = url;
    image.alt = "";
    image.draggable = false;
    image.decoding = "async";
    image.onerror = () => image.remove();
    return image;
  }
}
