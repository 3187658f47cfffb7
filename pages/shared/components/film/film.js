// The film of learning: a wall of pictures that move to what the model says of them, with a slider over the rounds, and the
// numbers of the round beside it. While a training goes on the film grows, and shows the newest round until someone moves the
// slider.

import { Views, findFocused, findRoot, make } from "../_common.js";
import { Chart } from "./chart.js";
import { answersAt, describeMoment, findKept, listRounds, momentAfter, planTimes } from "./story.js";
import { Table } from "./table.js";
import { Wall } from "./wall.js";

/** @typedef {import("./story.js").FilmData} FilmData */

const SETTLED_MS = 1000; // a round that stays this long is told to a screen reader
const REST_MS = 900; // from the last round to the one that is kept

const films = new Views((parentElement) => new Film(findRoot(parentElement, ".fg-film")));

/** @param {import("../_common.js").Call<FilmData>} call */
export default function showFilm({ data, parentElement }) {
  return films.show(parentElement, (film) => film.update(data));
}

/** Whether someone asked for no motion. */
function wantsStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Whether a film has not played by itself in this tab before; it counts as played from now on.
 * @param {string} run
 */
function playsFirst(run) {
  const key = `fieldguide film ${run}`;
  try {
    if (sessionStorage.getItem(key)) return false;
    sessionStorage.setItem(key, "played");
  } catch {
    return false; // a browser that keeps nothing would play it at every visit
  }
  return true;
}

class Film {
  /** @type {FilmData | null} */
  data = null;
  moment = 0;
  follows = true; // the newest round, while more come
  playing = 0; // the number of the frame that is asked for, 0 while it stands still
  resting = 0; // timers
  telling = 0;
  wall = new Wall();
  accuracy = new Chart("accuracy", "How many are right (accuracy)");
  loss = new Chart("loss", "How far off it is (loss)");
  table = new Table();
  headline = make("p", "headline");
  part = make("p", "part");
  why = make("p", "why");
  told = make("p", "spoken");
  button = make("button", "play", "Play");
  slider = make("input");
  keptMark = make("span", "kept", "kept");
  end = make("span", "end");
  controls = make("div", "controls");
  watcher = new ResizeObserver(() => this.draw());

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    root.classList.add("base");
    this.button.type = "button";
    this.button.onclick = () => (this.playing || this.resting ? this.pause() : this.play());
    this.slider.type = "range";
    this.slider.min = "0";
    this.slider.setAttribute("aria-label", "Round");
    this.slider.oninput = () => this.go(Number(this.slider.value));
    this.told.setAttribute("role", "status");
    const track = make("div", "track");
    track.append(this.slider, this.keptMark);
    this.controls.append(this.button, track, this.end);
    const numbers = make("div", "numbers");
    numbers.append(this.accuracy.node, this.loss.node, this.table.node);
    root.replaceChildren(this.headline, this.part, this.wall.node, this.controls, numbers, this.why, this.told);
    this.watcher.observe(root);
  }

  close() {
    this.pause();
    window.clearTimeout(this.telling);
    this.watcher.disconnect();
  }

  /** @param {FilmData} data */
  update(data) {
    const before = this.data;
    const round = before ? listRounds(before)[Math.round(this.moment)] : undefined;
    const other = before?.run !== data.run;
    this.data = data;
    if (other) this.follows = true;
    const ended = !data.live && (other || before?.live);
    if (data.live && this.follows) this.moment = Math.max(listRounds(data).length - 1, 0);
    else if (ended && this.follows) this.moment = findKept(data);
    else this.moment = Math.max(listRounds(data).indexOf(round ?? -1), 0);
    if (ended && this.follows && data.play && data.said.length > 1 && !wantsStillness() && playsFirst(data.run)) {
      this.moment = 0;
      this.draw();
      this.play();
    } else if (!this.playing) this.draw();
  }

  /**
   * Shows another moment because someone wants to see it.
   * @param {number} moment
   */
  go(moment) {
    this.pause();
    const { data } = this;
    this.follows = Boolean(data?.live) && moment >= listRounds(/** @type {FilmData} */ (data)).length - 1;
    this.moment = moment;
    this.draw();
  }

  play() {
    const { data } = this;
    if (!data) return;
    this.pause();
    this.follows = false;
    const times = planTimes(data);
    const from = this.moment >= times.length || this.moment === findKept(data) ? 0 : this.moment;
    const began = performance.now();
    /** @type {FrameRequestCallback} */
    const step = (now) => {
      this.moment = momentAfter(times, from, Math.max(0, now - began));
      this.playing = this.moment < times.length ? requestAnimationFrame(step) : 0;
      if (!this.playing) this.rest();
      this.draw();
    };
    this.playing = requestAnimationFrame(step);
    this.draw();
  }

  /** After the last round, back to the one that is kept. */
  rest() {
    this.resting = window.setTimeout(() => {
      this.resting = 0;
      if (this.data) this.go(findKept(this.data));
    }, REST_MS);
  }

  pause() {
    cancelAnimationFrame(this.playing);
    window.clearTimeout(this.resting);
    const stopped = this.playing > 0 || this.resting > 0;
    this.playing = this.resting = 0;
    if (stopped) this.draw();
  }

  draw() {
    const { data } = this;
    if (!data || !this.root.clientWidth) return;
    const rounds = listRounds(data);
    const said = answersAt(data, this.moment);
    const { round, right } = describeMoment(data, this.moment);
    this.headline.replaceChildren(`${round}${right && ": "}`, make("b", "", right));
    this.drawWall(data, said, `${round}${right && ": "}${right}`);
    this.drawControls(data, rounds, `${round}${right && ": "}${right}`);
    const first = rounds[Math.floor(this.moment)] ?? 0;
    const next = rounds[Math.ceil(this.moment)] ?? first;
    for (const chart of [this.accuracy, this.loss]) chart.show(data, first + (this.moment % 1) * (next - first));
    this.table.show(data, said);
    this.why.textContent = data.why;
    this.why.hidden = !data.why;
  }

  /**
   * @param {FilmData} data
   * @param {number[] | null} said
   * @param {string} words
   */
  drawWall(data, said, words) {
    const { node } = this.wall;
    node.hidden = this.part.hidden = !data.ids.length;
    if (node.hidden) return;
    node.classList.toggle("playing", this.playing > 0);
    node.setAttribute("aria-label", `Validation pictures by what the model says of them. ${words}`);
    this.wall.build(data, this.root.clientWidth);
    this.wall.show(data, this.moment, said);
    const some = data.ids.length < data.total ? `${data.ids.length} of the ${data.total.toLocaleString("en")}` : "The";
    this.part.replaceChildren(
      `${some} pictures that it is checked with while it learns (validation). `,
      make("b", "right", "\u2713"),
      " right  ",
      make("b", "wrong", "\u2715"),
      " wrong, with a dot in the colour of what it really is",
    );
  }

  /**
   * @param {FilmData} data
   * @param {number[]} rounds
   * @param {string} words
   */
  drawControls(data, rounds, words) {
    const last = Math.max(rounds.length - 1, 0);
    const runs = this.playing > 0 || this.resting > 0;
    const place = Math.min(Math.ceil(this.moment), last);
    this.button.textContent = runs ? "Pause" : "Play";
    this.button.classList.toggle("runs", runs);
    this.button.disabled = this.slider.disabled = last < 1;
    this.slider.max = String(last);
    this.slider.value = String(place);
    this.slider.style.setProperty("--at", String(place / Math.max(last, 1)));
    this.slider.setAttribute("aria-valuetext", words);
    this.end.textContent = rounds.length ? `round ${rounds[place]} of ${data.epochs || rounds[last]}` : "no round yet";
    this.keptMark.hidden = !rounds.includes(data.kept) || last < 1;
    this.keptMark.style.setProperty("--share", String(findKept(data) / Math.max(last, 1)));
    // The slider says its own value where it has the keyboard.
    if (!runs && findFocused(this.root) !== this.slider) this.tell(words);
  }

  /**
   * Says a round to a screen reader once it stays.
   * @param {string} words
   */
  tell(words) {
    window.clearTimeout(this.telling);
    this.telling = window.setTimeout(() => {
      if (this.told.textContent !== words) this.told.textContent = words;
    }, SETTLED_MS);
  }
}
