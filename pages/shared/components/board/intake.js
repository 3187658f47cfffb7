// Pictures on their way into classes: one batch after the other, each into a place of its own on the server, which is told
// when a batch is whole. A batch waits here while the server has no place for it yet; nothing is lost meanwhile.

import { Sender } from "../drop/sender.js";

/** @typedef {import("../drop/entries.js").Item} Item */
/** @typedef {import("../drop/entries.js").Missed} Missed */
/** @typedef {import("../drop/sender.js").Outcome} Outcome */
/** @typedef {{token: string, url: string, used?: boolean}} Place where the next batch goes; whether something went there before */
/**
 * @typedef {object} Batch
 * @property {string} card id of the class's card
 * @property {string} kind what is asked of the server once all are there
 * @property {boolean} whole whether nothing more comes
 * @property {Sender} sender
 * @property {string} told token of the place, once the server was told
 */

const NOT_SAVED = "These pictures could not be saved. They are still here.";

export class Intake {
  /** @type {Batch[]} the first is under way */
  batches = [];
  /** @type {Place | null} */
  place = null;
  used = ""; // the token of the place that the last batch had
  refused = false; // whether the server could not take the last batch, which is still there
  closed = false; // whether nothing is sent, as nobody is at the board

  /**
   * @param {(url: string, item: Item, signal: AbortSignal) => Promise<Outcome>} send
   * @param {(batch: Batch, token: string) => void} tell the server that a batch is whole
   * @param {() => void} changed
   */
  constructor(send, tell, changed) {
    this.send = send;
    this.tell = tell;
    this.changed = changed;
  }

  /**
   * Begins a batch.
   * @param {string} card
   * @param {string} [kind]
   * @returns {Batch}
   */
  begin(card, kind = "take") {
    const send = (/** @type {Item} */ item, /** @type {AbortSignal} */ signal) =>
      this.place ? this.send(this.place.url, item, signal) : Promise.reject(new Error("nowhere"));
    const batch = { card, kind, whole: false, sender: new Sender(send, () => this.changed()), told: "" };
    this.batches.push(batch);
    return batch;
  }

  /**
   * @param {Batch} batch
   * @param {Item[]} items
   * @param {Missed[]} [missed]
   */
  add(batch, items, missed = []) {
    batch.sender.add(items, missed);
    void this.go();
  }

  /**
   * Nothing more comes into a batch.
   * @param {Batch} batch
   */
  end(batch) {
    batch.whole = true;
    void this.go();
  }

  /**
   * Where the next batch goes, as the server said last.
   * @param {Place} place
   * @param {boolean} answered whether the server has answered all that it was told
   */
  offer(place, answered) {
    if (place.token === this.used) {
      this.refused = answered;
      return;
    }
    this.refused = this.closed = false;
    this.place = place;
    this.batches = this.batches.filter(({ told }) => !told);
    void this.go();
  }

  /** Sends what waits of the first batch; tells the server when it is whole. */
  async go() {
    const [batch] = this.batches;
    if (!batch || !this.place || this.closed || batch.told || batch.sender.sending) return;
    const { sender } = batch;
    await sender.start();
    if (sender.waiting.length) {
      if (!sender.trouble) void this.go();
      return;
    }
    if (!batch.whole || batch.told || this.closed) return;
    batch.told = this.used = this.place.token;
    this.place = null;
    this.tell(batch, batch.told);
    this.changed();
  }

  /** Tries again what met with trouble. */
  retry() {
    const [batch] = this.batches;
    if (batch?.told && this.refused) this.tell(batch, batch.told);
    else void this.go();
    this.refused = false;
  }

  /** Sends no more, at once: the board may be another one by then, with other batches for the same place. */
  close() {
    this.closed = true;
    for (const { sender } of this.batches) {
      sender.stop();
      sender.breaker.abort();
    }
  }

  /**
   * How many pictures of a class are being sent, and read by the server.
   * @param {string} card
   */
  count(card) {
    const mine = this.batches.filter((batch) => batch.card === card);
    const sum = (/** @type {Batch[]} */ batches, /** @type {(sender: Sender) => number} */ of) =>
      batches.reduce((total, { sender }) => total + of(sender), 0);
    return {
      sending: sum(
        mine.filter(({ told }) => !told),
        ({ waiting, underWay, arrived }) => waiting.length + underWay + arrived,
      ),
      reading: sum(
        mine.filter(({ told }) => told),
        ({ arrived }) => arrived,
      ),
    };
  }

  /**
   * The files of a class that were not taken.
   * @param {string} card
   */
  listMissed(card) {
    return this.batches.filter((batch) => batch.card === card).flatMap(({ sender }) => sender.missed);
  }

  /** Why it does not go on, or "". */
  get trouble() {
    return this.refused ? NOT_SAVED : (this.batches[0]?.sender.trouble ?? "");
  }
}
