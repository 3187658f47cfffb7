// A small chart of one number by round, for the pictures it learns from and for those it is checked with.

import { make } from "../_common.js";
import { listTicks, placeRound, placeValue, planAxes, traceLine } from "./axes.js";
import { findValue, formatValue, listPoints } from "./story.js";

/** @typedef {import("./story.js").FilmData} FilmData */

const HEIGHT = 170;
const COMING = "Two lines grow here, round by round.";
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function draw(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.textContent = text;
  return node;
}

export class Chart {
  node = make("figure", "chart");
  training = make("b");
  validation = make("b");
  place = make("div", "drawing");

  /**
   * @param {"accuracy" | "loss"} metric
   * @param {string} title
   */
  constructor(metric, title) {
    this.metric = metric;
    const head = make("figcaption");
    const told = make("div", "told");
    for (const [part, value] of /** @type {[string, HTMLElement][]} */ ([
      ["validation", this.validation],
      ["training", this.training],
    ])) {
      const words = make("span", part);
      words.append(make("i"), `${part} `, value);
      told.append(words);
    }
    head.append(make("strong", "", title), told);
    this.node.append(head, this.place);
  }

  /**
   * @param {FilmData} data
   * @param {number} round
   */
  show(data, round) {
    const { metric } = this;
    const points = listPoints(data, metric);
    this.training.textContent = formatValue(findValue(points, round, "training"), metric);
    this.validation.textContent = formatValue(findValue(points, round, "validation"), metric);
    const expected = { epochs: data.epochs, guess: data.live ? Math.log(data.classes.length) : 0 };
    const axes = planAxes(points, metric, expected, { width: this.place.clientWidth, height: HEIGHT });
    if (!axes.width) return;
    const svg = draw("svg", { width: axes.width, height: HEIGHT, "aria-hidden": "true" });
    for (const tick of listTicks(axes, metric)) {
      const y = placeValue(axes, tick);
      const label = metric === "accuracy" ? formatValue(tick, metric) : String(tick);
      svg.append(
        draw("line", { class: "grid", x1: placeRound(axes, 0), x2: placeRound(axes, axes.last), y1: y, y2: y }),
      );
      svg.append(draw("text", { x: placeRound(axes, 0) - 6, y: y + 4, "text-anchor": "end" }, label));
    }
    svg.append(draw("text", { x: placeRound(axes, 0), y: HEIGHT - 4 }, "round 0"));
    svg.append(
      draw("text", { x: placeRound(axes, axes.last), y: HEIGHT - 4, "text-anchor": "end" }, String(axes.last)),
    );
    if (!points.length) {
      const middle = {
        x: placeRound(axes, axes.last / 2),
        y: placeValue(axes, 0.7 * axes.most),
        "text-anchor": "middle",
      };
      svg.append(draw("text", { ...middle, class: "empty" }, data.live ? COMING : "There is nothing to draw."));
    }
    svg.append(draw("path", { class: "line training", d: traceLine(axes, points, "training") }));
    svg.append(draw("path", { class: "line validation", d: traceLine(axes, points, "validation") }));
    const kept = data.kept ? points.find((point) => point.round === data.kept) : undefined;
    if (kept && kept.validation !== null) {
      svg.append(
        draw("circle", {
          class: "kept",
          cx: placeRound(axes, kept.round),
          cy: placeValue(axes, kept.validation),
          r: 6,
        }),
      );
    }
    if (points.length) {
      const x = placeRound(axes, Math.min(round, axes.last));
      svg.append(
        draw("line", { class: "now", x1: x, x2: x, y1: placeValue(axes, 0), y2: placeValue(axes, axes.most) }),
      );
    }
    this.place.replaceChildren(svg);
  }
}
