// One picture of the grid, large, with all that is known of it.

import { make } from "../_common.js";
import { findTarget } from "./items.js";
import { makeButton, makeChips, nameGroup } from "./parts.js";

/** @typedef {import("./items.js").Item} Item */

export class Viewer {
  node = make("dialog", "viewer");

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.node.tabIndex = -1;
    this.node.addEventListener("close", () => grid.sheet.takeFocus());
    this.node.addEventListener("click", (event) => {
      if (event.target === this.node) this.close();
    });
  }

  get open() {
    return this.node.open;
  }

  close() {
    this.node.close();
  }

  /** @param {Item} item */
  show(item) {
    const image = make("img");
    image.src = item.picture;
    image.alt = item.path;
    this.node.setAttribute("aria-label", item.path);
    const side = make("div", "side");
    const chips = nameGroup(make("div", "chips"), "Put into");
    chips.append(...makeChips(this.grid.data.classes, (name) => this.grid.label(name)));
    side.append(this.makeFacts(item), chips, this.makeWays(item));
    this.node.replaceChildren(image, side);
    this.grid.sheet.mark();
    if (!this.open) this.node.showModal();
    this.node.focus(); // what had it was just replaced
  }

  /** @param {Item} item */
  makeFacts(item) {
    const facts = make("dl");
    const target = findTarget(item, this.grid.outbox.pending);
    for (const [term, value] of [["class", target ?? "none yet"], ...item.details]) {
      facts.append(make("dt", "", term), make("dd", "", value));
    }
    return facts;
  }

  /** @param {Item} item */
  makeWays(item) {
    const { grid } = this;
    const { order } = grid;
    const at = order.indexOf(item.id);
    const ways = make("div", "ways");
    ways.append(
      makeButton("tool", "← before", () => grid.step(order, at - 1)),
      makeButton("tool", "next →", () => grid.step(order, at + 1)),
      makeButton("tool", "Delete", () => grid.remove()),
      makeButton("tool", "Close", () => this.close()),
    );
    return ways;
  }
}
