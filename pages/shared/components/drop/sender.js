// Sends files, a few at a time; it can be stopped, and goes on with what is left.

/** @typedef {import("./entries.js").Item} Item */
/** @typedef {import("./entries.js").Missed} Missed */
/** @typedef {{limits: {file: number, archive: number, archives: string[]}}} Rules bytes, and the endings of archives */

const AT_ONCE = 3;
const TAKEN = 409;
const REFUSED = 422;
const NOT_KNOWN = "This page is of an earlier start of Fieldguide. Reload it, then drop the files again.";
const NOT_READABLE = "this file cannot be read";
export const NO_ANSWER = "Fieldguide does not answer. Is it still running? What has arrived is kept: go on when it is.";

/** Why no further file can be sent now. */
export class Trouble extends Error {}

export class Sender {
  /** @type {Item[]} */
  waiting = [];
  /** @type {Missed[]} */
  missed = [];
  arrived = 0;
  underWay = 0;
  trouble = "";
  /** @type {AbortController | null} of those under way; null while nothing is sent */
  stopper = null;

  /**
   * @param {(item: Item, signal: AbortSignal) => Promise<string>} send sends one; gives why it was not taken, or ""; throws
   *   Trouble where no other would be either
   * @param {() => void} changed called whenever something here is otherwise
   */
  constructor(send, changed) {
    this.send = send;
    this.changed = changed;
  }

  get sending() {
    return this.stopper !== null;
  }

  get total() {
    return this.arrived + this.missed.length + this.underWay + this.waiting.length;
  }

  /**
   * @param {Item[]} items
   * @param {Missed[]} missed
   */
  add(items, missed = []) {
    this.waiting = this.waiting.concat(items);
    this.missed = this.missed.concat(missed);
    this.changed();
  }

  /** Sends all that waits, until there is nothing left, it is stopped, or there is trouble. */
  async start() {
    if (this.sending) return;
    this.trouble = "";
    const stopper = (this.stopper = new AbortController());
    this.changed();
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.sendInTurn(stopper)));
    if (this.stopper === stopper) this.stopper = null;
    this.changed();
  }

  stop() {
    this.stopper?.abort();
  }

  /** @param {AbortController} stopper */
  async sendInTurn(stopper) {
    while (!stopper.signal.aborted) {
      const item = this.waiting.shift();
      if (!item) return;
      this.underWay += 1;
      await this.sendOne(item, stopper);
      this.underWay -= 1;
      this.changed();
    }
  }

  /**
   * @param {Item} item
   * @param {AbortController} stopper
   */
  async sendOne(item, stopper) {
    try {
      const reason = await this.send(item, stopper.signal);
      if (reason) this.missed.push({ path: item.path, reason });
      else this.arrived += 1;
    } catch (error) {
      this.waiting.unshift(item);
      if (stopper.signal.aborted) return;
      this.trouble = error instanceof Trouble ? error.message : NO_ANSWER;
      stopper.abort();
    }
  }
}

/**
 * Sends one file to an address of the server.
 * @param {string} url
 * @param {Rules} rules
 * @param {Item} item
 * @param {AbortSignal} signal
 */
export async function sendFile(url, rules, item, signal) {
  const file = await openReadable(item);
  if (file === null) return NOT_READABLE;
  const reason = whyTooLarge(item.path, file.size, rules);
  if (reason) return reason;
  const headers = { "x-path": encodePath(item.path), "content-type": "application/octet-stream" };
  const again = item.tried === true;
  item.tried = true;
  const response = await fetch(url, { method: "PUT", body: file, headers, signal });
  if (response.ok || (response.status === TAKEN && again)) return ""; // it came whole, only the answer did not
  /** @type {{error?: string}} */
  const { error = "" } = await response.json().catch(() => ({}));
  if (response.status !== TAKEN && response.status !== REFUSED) throw new Trouble(error || NOT_KNOWN);
  return error;
}

/**
 * A path as a header can carry it; halves of characters, as damaged names have them, do not come through.
 * @param {string} path
 */
export function encodePath(path) {
  return encodeURIComponent(path.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/**
 * A file that can be opened; null for one that is gone, not for us, or a folder.
 * @param {Item} item
 */
async function openReadable(item) {
  try {
    const file = await item.open();
    await file.slice(0, 1).arrayBuffer();
    return file;
  } catch {
    return null;
  }
}

/**
 * Why a file is not sent at all, or "".
 * @param {string} path
 * @param {number} size bytes
 * @param {Rules} rules
 */
export function whyTooLarge(path, size, { limits }) {
  const isArchive = !path.includes("/") && limits.archives.some((ending) => path.toLowerCase().endsWith(ending));
  const most = isArchive ? limits.archive : limits.file;
  return size > most ? `larger than ${(most / 1e6).toLocaleString("en")} MB` : "";
}
