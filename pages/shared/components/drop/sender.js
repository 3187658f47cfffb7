// Sends files, a few at a time; it can be stopped, and goes on with what is left.

/** @typedef {import("./entries.js").Item} Item */
/** @typedef {import("./entries.js").Missed} Missed */
/**
 * What became of a file: nothing else if it came, why it was not taken, or why no other can be either.
 * @typedef {{reason?: string, trouble?: string}} Outcome
 */
/** @typedef {{limits: {file: number, large: number, archives: string[], films: string[]}}} Rules bytes, and endings */

const AT_ONCE = 3;
const GRACE_MS = 1000; // that files under way have to end once it is stopped
const TAKEN = 409;
const NOT_TAKEN = 422;
const NOT_KNOWN = "This page is of an earlier start of Fieldguide. Reload it, then drop the files again.";
const NOT_READABLE = "this file cannot be read";
export const NO_ANSWER = "Fieldguide does not answer. Is it still running? What has arrived is kept: go on when it is.";

export class Sender {
  /** @type {Item[]} */
  waiting = [];
  /** @type {Missed[]} */
  missed = [];
  arrived = 0;
  underWay = 0;
  trouble = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  patience;
  sending = false;
  ending = false; // whether no further one is begun
  breaker = new AbortController(); // breaks off those under way

  /**
   * @param {(item: Item, signal: AbortSignal) => Promise<Outcome>} send sends one; throws where nobody answers
   * @param {() => void} changed called whenever something here is otherwise
   */
  constructor(send, changed) {
    this.send = send;
    this.changed = changed;
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
    this.ending = false;
    this.sending = true;
    this.breaker = new AbortController();
    this.changed();
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.sendInTurn()));
    clearTimeout(this.patience);
    this.sending = false;
    this.changed();
  }

  /** Begins no further one. Those under way may end, if that is soon: one that is broken off could have arrived already. */
  stop() {
    if (!this.sending || this.ending) return;
    this.ending = true;
    this.patience = setTimeout(() => this.breaker.abort(), GRACE_MS);
  }

  async sendInTurn() {
    while (!this.ending) {
      const item = this.waiting.shift();
      if (!item) return;
      this.underWay += 1;
      await this.sendOne(item);
      this.underWay -= 1;
      this.changed();
    }
  }

  /** @param {Item} item */
  async sendOne(item) {
    const { signal } = this.breaker;
    const { reason, trouble } = await this.send(item, signal).catch(() => ({ trouble: NO_ANSWER, reason: "" }));
    if (reason) this.missed.push({ path: item.path, reason });
    if (!reason && !trouble) this.arrived += 1;
    if (!trouble) return;
    this.waiting.unshift(item);
    if (signal.aborted) return;
    this.trouble = trouble;
    this.stop();
  }
}

/**
 * Sends one file to an address of the server.
 * @param {string} url
 * @param {Rules} rules
 * @param {Item} item
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
export async function sendFile(url, rules, item, signal) {
  /** @type {File} */
  let file;
  try {
    file = await item.open();
  } catch {
    return { reason: NOT_READABLE };
  }
  const reason = whyTooLarge(item.path, file.size, rules);
  if (reason) return { reason };
  const headers = { "x-path": encodePath(item.path), "content-type": "application/octet-stream" };
  const again = item.tried === true;
  item.tried = true;
  let response;
  try {
    response = await fetch(url, { method: "PUT", body: file, headers, signal });
  } catch (error) {
    if (!signal.aborted && !(await isReadable(file))) return { reason: NOT_READABLE }; // fetch does not say which of both it was
    throw error;
  }
  if (response.ok || (response.status === TAKEN && again)) return {}; // it came whole, only the answer did not
  /** @type {{error?: string}} */
  const { error = "" } = await response.json().catch(() => ({}));
  const isOfFile = response.status === TAKEN || response.status === NOT_TAKEN;
  return isOfFile ? { reason: error } : { trouble: error || NOT_KNOWN };
}

/**
 * A path as a header can carry it; halves of characters, as damaged names have them, do not come through.
 * @param {string} path
 */
export function encodePath(path) {
  return encodeURIComponent(path.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/** @param {File} file which may be gone by now, not for us, or a folder */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/**
 * Why a file is not sent at all, or "".
 * @param {string} path
 * @param {number} size bytes
 * @param {Rules} rules
 */
export function whyTooLarge(path, size, { limits }) {
  /** @type {(endings: string[]) => boolean} */
  const endsAs = (endings) => endings.some((ending) => path.toLowerCase().endsWith(ending));
  const mayBeLarge = endsAs(limits.films) || (!path.includes("/") && endsAs(limits.archives));
  const most = mayBeLarge ? limits.large : limits.file;
  return size > most ? `larger than ${(most / 1e6).toLocaleString("en")} MB` : "";
}
