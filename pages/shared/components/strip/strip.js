// A row of small pictures to choose one from; it scrolls sideways, and loads a picture when it comes into view.

import { findRoot, make } from "../_common.js";

/** @typedef {{id: string, url: string, alt: string, words: string}} Item */
/** @typedef {{items: Item[], chosen: string | null, words: string}} StripData */

/** @param {import("../_common.js").Call<StripData>} call */
export default function showStrip({ data, parentElement, setStateValue }) {
  const root = findRoot(parentElement, ".fg-strip");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", data.words);
  const shown = JSON.stringify(data.items);
  const fresh = root.dataset.shown !== shown;
  if (fresh) {
    root.dataset.shown = shown;
    root.replaceChildren(...data.items.map(makeItem));
  }
  for (const one of /** @type {Iterable<HTMLElement>} */ (root.children)) {
    const chosen = one.dataset.id === data.chosen;
    one.setAttribute("aria-pressed", String(chosen));
    one.onclick = () => setStateValue("picture", one.dataset.id);
    if (fresh && chosen) root.scrollLeft = one.offsetLeft - root.offsetLeft - one.offsetWidth;
  }
}

/** @param {Item} item */
function makeItem(item) {
  const button = make("button");
  const image = make("img");
  image.loading = "lazy";
  image.alt = button.title = item.alt;
  image.src = item.url;
  button.dataset.id = item.id;
  button.append(image, make("span", "", item.words));
  return button;
}
