// The way through the steps, in the side bar of every page, and what Streamlit leaves to us for who hears the page or uses keys.

import { Views, findRoot } from "../_common.js";
import { Attention } from "./attention.js";
import { makeBar, makeWay } from "./way.js";

/** @typedef {import("./way.js").WayData & {news: string}} FrameData `news`: read aloud when it becomes another */

const frames = new Views((parentElement) => new Frame(findRoot(parentElement, ".fg-frame")));
const attention = new Attention(); // one, as long as the tab is open

/** @param {import("../_common.js").Call<FrameData>} call */
export default function showFrame({ data, parentElement, setTriggerValue }) {
  return frames.show(parentElement, (frame) => {
    frame.go = (page) => setTriggerValue("go", page);
    frame.update(data);
  });
}

class Frame {
  known = ""; // what is drawn
  bar = document.createElement("nav"); // lies in the page: the side bar takes along what is in it when it folds
  /** @type {(page: string) => void} */
  go = () => {};

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /** @param {FrameData} data */
  update(data) {
    const { news, ...way } = data;
    const known = JSON.stringify(way);
    if (known !== this.known) {
      this.known = known;
      this.root.replaceChildren(...makeWay(way, (page) => this.go(page)));
      const bar = makeBar(way, (page) => this.go(page));
      this.bar.replaceWith(bar);
      this.bar = bar;
    }
    if (!way.places.length) this.bar.remove();
    else if (!this.bar.isConnected) document.body.append(this.bar);
    const here = [way.home, ...way.places].find((place) => place.here);
    attention.update(this.root, here?.page ?? "", news);
  }

  close() {
    this.bar.remove();
    attention.rest();
  }
}
