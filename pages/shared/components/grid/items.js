// The pictures of the grid as the server tells of them, and what is said of one.

/**
 * @typedef {object} Item one picture in one section
 * @property {string} id
 * @property {string} path
 * @property {string} url of the small picture
 * @property {string} picture address of the large one
 * @property {string | null} class
 * @property {string} suggestion a class that is offered
 * @property {string} sure how sure that is, in words
 * @property {string} flag
 * @property {number} section its number
 * @property {[term: string, value: string][]} details
 * @property {string} said the class that a model gave it, `sure` of that; then both stand below the picture
 */
/** @typedef {{name: string, colour: string, key: string}} Class `key` labels with it */
/**
 * @typedef {object} Section
 * @property {string} id
 * @property {string} title
 * @property {string} note
 * @property {boolean} label whether a button for each class puts all of them there
 * @property {{id: string, label: string}[]} actions
 * @property {string[]} removing ids of those that move pictures to the bin
 * @property {boolean} whole whether a button always means all of them, and not those selected
 */
/**
 * What pages/shared/components/grid/grid.py sends.
 * @typedef {object} GridData
 * @property {string | null} view changes when something else is shown; null is before the first
 * @property {Item[]} items
 * @property {Class[]} classes
 * @property {Section[]} sections
 * @property {boolean} tags whether each picture has its class written on it
 * @property {boolean} accept whether suggestions can be accepted
 * @property {string} empty what is said where there is no picture
 * @property {string} undo what the next undo does; empty if there is none
 * @property {string} redo
 * @property {{mount: string, n: number} | null} done how far the server has come with the ops of which outbox
 * @property {string[]} back paths of what an undo brought back
 * @property {string} said of the last op
 * @property {boolean} trouble whether that is a failure
 */
/**
 * What a picture will be when the server has done what it was asked.
 * @typedef {{n: number, to: string | null | undefined}} Change `n`: number of the op; `to`: as of `findTarget`
 */

/** @type {GridData} what is shown before the server has said anything */
export const NOTHING = {
  view: null,
  items: [],
  classes: [],
  sections: [],
  tags: false,
  accept: false,
  empty: "",
  undo: "",
  redo: "",
  done: null,
  back: [],
  said: "",
  trouble: false,
};

/**
 * The class an item is in, or will be: a name, null for none, undefined if it is on its way to the bin.
 * @param {Item} item
 * @param {ReadonlyMap<string, Change>} pending
 */
export function findTarget(item, pending) {
  const change = pending.get(item.id);
  return change ? change.to : item.class;
}

/**
 * @param {Item[]} items
 * @param {ReadonlyMap<string, Change>} pending
 */
export function listRemaining(items, pending) {
  return items.filter((item) => findTarget(item, pending) !== undefined);
}

/**
 * What stands on a tile: its class, or the one that is offered.
 * @param {Item} item
 * @param {ReadonlyMap<string, Change>} pending
 */
export function describeItem(item, pending) {
  const target = findTarget(item, pending) ?? "";
  const moved = pending.has(item.id);
  const offered = !moved && item.suggestion !== target ? item.suggestion : "";
  const name = offered ? `${target ? `${target} → ` : ""}${offered}? ${item.sure}` : target;
  const alt = `${name || "without a class"}${item.flag ? `, ${item.flag}` : ""}: ${item.path}`;
  return { moved, offered, name, alt, shownClass: offered || target };
}

/**
 * What stands below a picture that a model was asked about; null for others.
 * @param {Item} item
 * @param {ReadonlyMap<string, Change>} pending
 */
export function describeSaid(item, pending) {
  if (!item.said) return null;
  const target = findTarget(item, pending);
  const wrong = Boolean(target) && target !== item.said;
  return {
    really: target ? `${wrong ? "really" : "labelled"} ${target}` : "without a class", // it may have been wrong before
    said: `said ${item.said} ${item.sure.replaceAll(" ", "\u00a0")}`,
    wrong,
  };
}

/**
 * @param {Class[]} classes
 * @param {string} name
 */
export function findColour(classes, name) {
  return classes.find((one) => one.name === name)?.colour ?? "transparent";
}

/**
 * The pictures whose suggestion is accepted, by the class suggested. What was moved already is left alone.
 * @param {Item[]} items
 * @param {string[]} ids
 * @param {ReadonlyMap<string, Change>} pending
 * @returns {Map<string, string[]>}
 */
export function groupBySuggestion(items, ids, pending) {
  const meant = new Set(ids);
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const item of items) {
    if (!meant.has(item.id) || !item.suggestion || pending.has(item.id)) continue;
    groups.set(item.suggestion, [...(groups.get(item.suggestion) ?? []), item.id]);
  }
  return groups;
}

/**
 * The pictures of a section that a button of it means: those that are selected in it, or else all. Those of a group that
 * have a class by now are meant only when they are selected.
 * @param {Section} section
 * @param {string[]} ids of all in it
 * @param {string[]} open ids of those without a class
 * @param {ReadonlySet<string>} selected
 */
export function listMeant(section, ids, open, selected) {
  const chosen = ids.filter((id) => selected.has(id));
  if (chosen.length && !section.whole) return chosen;
  return section.label && open.length ? open : ids;
}
