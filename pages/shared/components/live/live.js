// What a model says of the webcam, on a page of its own.

import { Views } from "../_common.js";
import { Live } from "./view.js";

/** @typedef {import("./view.js").LiveData} LiveData */

const views = new Views((parentElement) => new Live(parentElement), { forget: false });

/** @param {import("../_common.js").Call<LiveData>} call */
export default function showLive({ data, parentElement }) {
  return views.show(parentElement, (view) => view.update(data));
}
