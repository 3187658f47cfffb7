// What all components share: elements, numbers in words, and which view belongs to which place on a page.

/**
 * What Streamlit calls a component with.
 * @template Data
 * @typedef {object} Call
 * @property {Data} data
 * @property {ParentNode} parentElement the place on the page, the same one for as long as it is there
 * @property {(name: string, value: unknown) => void} setStateValue
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

/**
 * Makes an element. Text of people's own is only ever set as text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/**
 * Finds the element that a component begins with.
 * @param {ParentNode} parentElement
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function findRoot(parentElement, selector) {
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(selector));
  if (!root) throw new Error(`${selector} is not there`);
  return root;
}

/**
 * Finds what has the keyboard beside a node, in the same document or shadow root.
 * @param {Node} node
 */
export function findFocused(node) {
  return /** @type {Document | ShadowRoot} */ (node.getRootNode()).activeElement;
}

/**
 * "91 %"; "100 %" and "0 %" only where it is exactly that.
 * @param {number} share 0 to 1
 * @param {{under?: string, over?: string}} [words]
 */
export function formatPercent(share, { under = "under", over = "over" } = {}) {
  if (share > 0 && share < 0.005) return `${under} 1 %`;
  if (share >= 0.995 && share < 1) return `${over} 99 %`;
  return `${Math.round(share * 100)} %`;
}

/**
 * A number, or the nearest one that is allowed.
 * @param {number} number
 * @param {number} least
 * @param {number} most
 */
export function limitNumber(number, least, most) {
  return Math.min(Math.max(number, least), most);
}

/**
 * The views of one component: one for each place on a page, kept while Streamlit calls the component again and again.
 * @template {{close(): void}} View
 */
export class Views {
  /** @type {WeakMap<ParentNode, {view: View, turn: number}>} */
  known = new WeakMap();

  /**
   * @param {(parentElement: ParentNode) => View} create
   * @param {{forget?: boolean}} [options] `forget`: whether a closed view is given up, or goes on if its place comes back
   */
  constructor(create, { forget = true } = {}) {
    this.create = create;
    this.forget = forget;
  }

  /**
   * Brings the view of a place up to date; returns what Streamlit is to call when the place goes.
   * @param {ParentNode} parentElement
   * @param {(view: View) => void} update
   * @returns {() => void}
   */
  show(parentElement, update) {
    const kept = this.known.get(parentElement) ?? { view: this.create(parentElement), turn: 0 };
    this.known.set(parentElement, kept);
    update(kept.view);
    const turn = ++kept.turn;
    return () => {
      // Streamlit also calls what an overtaken run returned; only the newest may end anything.
      if (turn !== kept.turn) return;
      kept.view.close();
      if (this.forget) this.known.delete(parentElement);
    };
  }
}
