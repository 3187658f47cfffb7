// Which pictures of the grid are selected, which one has the keyboard, and where it goes next.

/**
 * From one picture to another, in either direction, both included.
 * @param {string[]} order
 * @param {string} from
 * @param {string} to
 */
export function listRange(order, from, to) {
  const [first, last] = [order.indexOf(from), order.indexOf(to)].sort((a, b) => a - b);
  return order.slice(Math.max(first, 0), last + 1);
}

/**
 * The picture that takes the place of one that went: the next of those before that is still there, else the one before.
 * @param {string} gone
 * @param {string[]} before
 * @param {string[]} order what is there now
 */
export function findSuccessor(gone, before, order) {
  const at = before.indexOf(gone);
  if (at < 0) return order[0] ?? "";
  const here = new Set(order);
  /** @type {(id: string) => boolean} */
  const isHere = (id) => here.has(id);
  return before.slice(at).find(isHere) ?? before.slice(0, at).reverse().find(isHere) ?? "";
}

/** What is selected in one grid. An id is empty where there is none. */
export class Selection {
  /** @type {Set<string>} */
  selected = new Set();
  focus = ""; // what has the keyboard
  anchor = ""; // where a range begins
  keyed = false; // whether what has the keyboard was gone to by keys, and so is seen

  /**
   * @param {string[]} ids
   * @param {string} [focus]
   */
  select(ids, focus) {
    this.selected = new Set(ids);
    if (focus) this.focus = focus;
  }

  /**
   * Begins anew at one picture, without selecting it.
   * @param {string} id
   */
  jump(id) {
    this.focus = this.anchor = id;
  }

  clear() {
    this.keyed = false;
    this.selected.clear();
    this.jump("");
  }

  /**
   * Goes to a picture; gives up what is selected.
   * @param {string} id
   */
  go(id) {
    this.jump(id);
    this.selected.clear();
  }

  /**
   * Goes to a picture and selects all from the anchor on.
   * @param {string[]} order
   * @param {string} id
   */
  extend(order, id) {
    this.selected = new Set(listRange(order, this.anchor || this.focus, id));
    this.focus = id;
  }

  /** @param {string} id */
  toggle(id) {
    if (!this.selected.delete(id)) this.selected.add(id);
    this.jump(id);
  }

  /**
   * Goes on after pictures that change: to the next one that does not, and to none after the last.
   * @param {string[]} order
   * @param {string[]} changed
   */
  leave(order, changed) {
    const gone = new Set(changed);
    const last = order.indexOf(changed[changed.length - 1]);
    this.go(order.slice(last + 1).find((id) => !gone.has(id)) ?? "");
  }

  /**
   * Gives up what is no longer there.
   * @param {string[]} order
   */
  keep(order) {
    const here = new Set(order);
    for (const id of this.selected) if (!here.has(id)) this.selected.delete(id);
  }

  /**
   * Moves the keyboard on if the picture that had it went.
   * @param {string[]} before
   * @param {string[]} order
   */
  follow(before, order) {
    if (this.focus && !order.includes(this.focus)) this.focus = findSuccessor(this.focus, before, order);
  }

  /**
   * What a key or button means: all that is selected, in order, or else the one that has the keyboard.
   * @param {string[]} order
   * @param {boolean} single whether only that one is meant in any case
   */
  list(order, single) {
    if (this.selected.size && !single) return order.filter((id) => this.selected.has(id));
    return this.focus ? [this.focus] : [];
  }
}
