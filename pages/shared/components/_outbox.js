// What a person did in a component and goes to the server: sent whole until the server says how far it has come, so that nothing is
// lost or done twice however fast the keys come. Until then it is known here what each picture will be.

/** @typedef {import("./grid/items.js").Change} Change */
/**
 * Of pictures by their `paths`, or of a class by its name, `card`; `token`: where files have arrived.
 * @typedef {{kind: string, paths?: string[], to?: string | null, section?: string, action?: string, card?: string,
 *   token?: string}} Op
 */
/** @typedef {Op & {n: number}} NumberedOp */
/** @typedef {{mount: string, ops: NumberedOp[]}} Message */

const PAUSE_MS = 150; // between two messages to the server

export class Outbox {
  mount = Math.random().toString(36).slice(2);
  count = 0;
  undid = 0; // the number of the last undo that was not answered yet
  /** @type {NumberedOp[]} */
  ops = [];
  /** @type {Map<string, Change>} id -> what it will be */
  pending = new Map();
  /** @type {ReturnType<typeof setTimeout> | null} */
  timer = null;
  /** @type {(message: Message) => void} */
  send = () => {};

  get waiting() {
    return this.ops.length > 0;
  }

  /** @param {Op} op */
  add(op) {
    this.count += 1;
    if (op.kind === "undo" || op.kind === "redo") this.undid = this.count;
    this.ops.push({ n: this.count, ...op });
    this.post();
  }

  /**
   * Notes what the next op will make of some pictures.
   * @param {string[]} ids
   * @param {string | null | undefined} to
   */
  expect(ids, to) {
    for (const id of ids) this.pending.set(id, { n: this.count + 1, to });
  }

  /**
   * Takes in how far the server has come; whether it has answered the last undo by that.
   * @param {{mount: string, n: number} | null} answer
   */
  settle(answer) {
    const done = answer?.mount === this.mount ? answer.n : 0;
    this.ops = this.ops.filter((op) => op.n > done);
    for (const [id, change] of this.pending) if (change.n <= done) this.pending.delete(id);
    const answered = this.undid > 0 && this.undid <= done;
    if (answered) this.undid = 0;
    return answered;
  }

  /** Sends at once, but not for every key of a fast hand: the server draws the page anew each time. */
  post() {
    if (this.timer !== null) return;
    this.send({ mount: this.mount, ops: [...this.ops] });
    const sent = this.count;
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.count > sent && this.ops.length) this.post();
    }, PAUSE_MS);
  }

  close() {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.ops.length) this.send({ mount: this.mount, ops: [...this.ops] });
  }
}
