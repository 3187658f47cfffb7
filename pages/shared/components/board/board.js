// The board: a card for each class, one button that trains, and one camera, which records and shows what the model says.

import { Views, findRoot } from "../_common.js";
import { makeOption, say } from "../_camera.js";
import { EVERY_MS, FrameTaker, QUALITY, isBlack } from "../_frames.js";
import { Outbox } from "../_outbox.js";
import { listFiles, listenToDrops } from "../drop/entries.js";
import { sendFile } from "../drop/sender.js";
import { Live } from "../live/view.js";
import { Card } from "./card.js";
import { Intake } from "./intake.js";
import { Trainer } from "./trainer.js";
import { advise, describeWork, findFreeName, measureDifference } from "./words.js";

/** @typedef {import("./card.js").CardData} CardData */
/** @typedef {import("./intake.js").Batch} Batch */
/**
 * @typedef {object} Recording
 * @property {Card} card
 * @property {Batch} batch
 * @property {string} token
 * @property {number} count pictures so far
 * @property {number[]} differences of each from the one before
 * @property {Uint8ClampedArray | null} last the small copy of the last one
 */
/**
 * What pages/shared/components/board/board.py sends.
 * @typedef {object} BoardData
 * @property {CardData[]} cards
 * @property {import("./intake.js").Place} place
 * @property {import("../drop/sender.js").Rules["limits"]} limits
 * @property {import("./trainer.js").TrainerData} trainer
 * @property {import("../live/view.js").LiveData} live
 * @property {{side: number, whole: boolean, most: number}} recording
 * @property {boolean} camera whether it is switched on at once
 * @property {string} undo what would be undone
 * @property {string} redo what would be done again
 * @property {{mount: string, n: number, said: string, trouble: boolean}} done
 */

const DARK = "The camera sends only black: is its cover closed?";
const READY = "The camera is on: hold the button.";
const FULL = "That is the most at once: let go, then record again.";
const IN = "in "; // before the name of a class in the list of those that a picture can be kept for

const boards = new Views((parentElement) => new Board(parentElement), { forget: false });

/** @param {import("../_common.js").Call<BoardData>} call */
export default function showBoard({ data, parentElement, setStateValue }) {
  return boards.show(parentElement, (board) => board.update(data, (message) => setStateValue("outbox", message)));
}

/** Names a recording: pictures of one belong together. */
function makeToken() {
  return crypto.randomUUID().slice(0, 8);
}

class Board {
  /** @type {Card[]} */
  cards = [];
  /** @type {BoardData | null} */
  data = null;
  outbox = new Outbox();
  /** @type {Recording | null} */
  recording = null;
  /** @type {Card | null} whose button was held while the camera was off */
  wanting = null;
  awaited = ""; // the class that was added, whose name is to be typed next
  choices = ""; // what the list of classes was made for
  troubled = 0; // the number of the answer that was no good
  beating = 0; // the timer of pictures that are recorded

  /** @param {ParentNode} root */
  constructor(root) {
    const parts = [...root.querySelectorAll("[id]")].map((element) => [element.id, element]);
    this.at = /** @type {Record<string, HTMLElement>} */ (Object.fromEntries(parts));
    this.keeper = /** @type {HTMLSelectElement} */ (this.at.keep);
    this.live = new Live(findRoot(root, ".stage"), { begin: false });
    this.live.changed = () => this.draw();
    this.frames = new FrameTaker(this.live);
    this.trainer = new Trainer(this.at, (kind, to = "") => this.ask({ kind, to }));
    this.intake = new Intake(
      (url, item, signal) => sendFile(url, { limits: this.limits }, item, signal),
      (batch, token) => this.tell(batch, token),
      () => this.draw(),
    );
    this.listen();
  }

  listen() {
    const { add, undo, redo, explain, again, board } = this.at;
    add.onclick = () => {
      this.awaited = findFreeName(this.cards.map(({ data }) => data.name));
      this.ask({ kind: "new", to: this.awaited });
    };
    undo.onclick = () => this.ask({ kind: "undo" });
    redo.onclick = () => this.ask({ kind: "redo" });
    explain.onclick = () => this.keepFrame("", "why");
    again.onclick = () => this.intake.retry();
    this.keeper.onchange = () => this.keep();
    listenToDrops(board, (entries) => {
      if (entries.length) void listFiles(entries).then((found) => this.take("", found)); // folders say which class
    });
  }

  get limits() {
    return this.data?.limits ?? { file: 0, large: 0, archives: [], films: [] };
  }

  get shape() {
    return this.data?.recording ?? { side: 0, whole: false, most: 0 };
  }

  /** @param {import("../_outbox.js").Op} op */
  ask(op) {
    this.outbox.add(op);
    this.draw();
  }

  /**
   * Says that a batch has arrived; one whose card is gone by now is of no class that there is.
   * @param {import("./intake.js").Batch} batch
   * @param {string} token
   */
  tell({ kind, card }, token) {
    const found = this.findCard(card);
    if (card && !found) this.ask({ kind: "fresh", token });
    else this.ask({ kind, card: found?.data.name ?? "", token });
  }

  /** @param {string} id */
  findCard(id) {
    return this.cards.find((card) => card.id === id);
  }

  /**
   * @param {BoardData} data
   * @param {(message: import("../_outbox.js").Message) => void} send
   */
  update(data, send) {
    const first = !this.data;
    this.data = data;
    this.outbox.send = send;
    this.outbox.settle(data.done);
    this.beating ||= window.setInterval(() => this.beat(), EVERY_MS);
    this.fillCards(data.cards);
    if (first && data.place.used) {
      // What an earlier board was still sending when it was left is of another class, perhaps.
      this.intake.used = data.place.token;
      this.ask({ kind: "fresh", token: data.place.token });
    }
    this.intake.offer(data.place, !this.outbox.waiting);
    this.live.update(data.live);
    if (first && data.camera) void this.live.switchOn();
    this.draw();
  }

  /**
   * A card for each class; one that was renamed stays the same card.
   * @param {CardData[]} cards
   */
  fillCards(cards) {
    const names = new Set(cards.map(({ name }) => name));
    const before = new Map(this.cards.map((card) => [card.settle(names, !this.outbox.waiting), card]));
    this.cards = cards.map((each) => {
      const card = before.get(each.name) ?? this.makeCard();
      card.update(each);
      return card;
    });
    const { list } = this.at;
    this.cards.forEach(({ node }, place) => {
      if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
    });
    while (list.childElementCount > this.cards.length) list.lastElementChild?.remove();
    const added = this.cards.find(({ data }) => data.name === this.awaited);
    if (added) {
      this.awaited = "";
      added.name.focus();
      added.name.select();
    }
  }

  makeCard() {
    return new Card({
      record: (card) => this.record(card),
      rest: () => this.rest(),
      take: (card, items) => this.take(card.id, { items, missed: [] }),
      search: (card, entries) => {
        const several = entries.filter(({ isDirectory }) => isDirectory).length > 1; // each says which class it is
        void listFiles(entries).then((found) => this.take(several ? "" : card.id, found));
      },
      rename: (card, to) => this.ask({ kind: "rename", card: card.data.name, to }),
      ask: (card, kind) => this.ask({ kind, card: card.data.name }),
    });
  }

  /**
   * @param {string} card its id, "" where folders say which class a file is of
   * @param {import("../drop/entries.js").Found} found
   */
  take(card, { items, missed }) {
    const batch = this.intake.begin(card);
    this.intake.add(batch, items, missed);
    void this.findCard(card)?.preview(items);
    this.intake.end(batch);
  }

  /** @param {Card} card */
  record(card) {
    if (this.recording) return;
    if (!this.live.live) {
      this.wanting = card;
      void this.live.switchOn();
      return;
    }
    this.wanting = null;
    this.recording = {
      card,
      batch: this.intake.begin(card.id),
      token: makeToken(),
      count: 0,
      differences: [],
      last: null,
    };
    this.beat();
  }

  rest() {
    const { recording } = this;
    if (!recording) return;
    this.recording = null;
    this.intake.end(recording.batch);
    this.draw();
  }

  /** Takes a picture, if one is to be taken now, and says what to do better. */
  beat() {
    const { recording, shape } = this;
    if (!this.live.live) {
      if (recording) this.rest();
      return;
    }
    if (!recording) return;
    const seen = this.frames.look(shape.whole);
    if (isBlack(seen)) say(this.at.advice, DARK);
    else if (recording.count >= shape.most) say(this.at.advice, FULL);
    else this.addFrame(recording, seen);
  }

  /**
   * @param {Recording} recording
   * @param {Uint8ClampedArray} seen the small copy of the picture
   */
  addFrame(recording, seen) {
    const difference = recording.last ? measureDifference(recording.last, seen) : 0;
    if (recording.last && !difference) return; // the camera has not sent a new one since
    if (recording.last) recording.differences.push(difference);
    recording.last = seen;
    recording.count += 1;
    say(this.at.advice, advise(recording.differences));
    const item = this.makeItem(recording.token, recording.count);
    this.intake.add(recording.batch, [item]);
    void recording.card.preview([item]);
  }

  /**
   * A picture of what the camera sees now, to be sent.
   * @param {string} token of the recording
   * @param {number} number in it
   * @returns {import("../drop/entries.js").Item}
   */
  makeItem(token, number) {
    const path = `webcam-${token}-${String(number).padStart(3, "0")}.jpg`;
    const picture = this.frames.take(this.shape);
    /** @type {Promise<Blob | null>} */
    const written = new Promise((done) => picture.toBlob(done, "image/jpeg", QUALITY));
    return { path, open: async () => new File([(await written) ?? ""], path, { type: "image/jpeg" }) };
  }

  /** Puts what the camera sees now into the class that was chosen. */
  keep() {
    const chosen = this.keeper.value;
    this.keeper.value = "";
    const card = this.cards.find(({ data }) => `${IN}${data.name}` === chosen);
    if (card) this.keepFrame(card.id, "take");
  }

  /**
   * @param {string} card its id
   * @param {string} kind what is asked of the server
   */
  keepFrame(card, kind) {
    if (!this.live.live) return;
    const batch = this.intake.begin(card, kind);
    this.intake.add(batch, [this.makeItem(makeToken(), 1)]);
    this.intake.end(batch);
  }

  draw() {
    const { at, data, live, intake, recording, outbox } = this;
    if (!data) return;
    const answers = live.live && data.live.models.length > 0;
    const hint = live.live ? READY : (at.trouble.textContent ?? "");
    for (const card of this.cards) {
      card.draw(intake, recording?.card === card ? recording.count : null, card === this.wanting ? hint : "");
    }
    this.trainer.draw(data.trainer, outbox.waiting, Boolean(recording) || intake.batches.length > 0);
    at.tools.hidden = at.panels.hidden = !answers;
    this.listChoices();
    if (!recording) say(at.advice, "");
    at.board.classList.toggle("on", live.live);
    say(at.stuck, intake.trouble);
    at.again.hidden = !intake.trouble;
    const beside = describeWork({ recording: false, taken: 0, ...intake.count("") });
    say(at.said, beside || (outbox.waiting ? "" : data.done.said));
    at.said.classList.toggle("trouble", data.done.trouble);
    if (data.done.trouble && this.troubled !== data.done.n) at.said.scrollIntoView({ block: "nearest" });
    this.troubled = data.done.trouble ? data.done.n : 0;
    say(at.undo, data.undo && `Undo: ${data.undo}`);
    say(at.redo, data.redo && `Redo: ${data.redo}`);
  }

  /** Fills the list of classes that a picture can be kept for. */
  listChoices() {
    const names = this.cards.map(({ data }) => data.name);
    const key = JSON.stringify(names);
    if (key === this.choices) return;
    this.choices = key;
    const options = names.map((name) => makeOption(`${IN}${name}`, name));
    this.keeper.replaceChildren(makeOption("", "Keep this picture as ..."), ...options);
  }

  close() {
    window.clearInterval(this.beating);
    this.beating = 0;
    this.rest();
    this.intake.close();
    this.live.close();
    this.outbox.close();
  }
}
