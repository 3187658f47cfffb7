// A burst of pictures, square or whole, from a webcam: hold to record, look them over, save.

import { Views } from "../_common.js";
import { Camera, makeOption, say } from "../_camera.js";
import { EVERY_MS, FrameTaker, QUALITY, isBlack } from "../_frames.js";
import { listenToHold } from "../_hold.js";
import {
  chooseClass,
  chooseFirst,
  countPictures,
  describeCount,
  describeOutcome,
  describeSave,
  isFull,
  isNew,
  listChoices,
  readClass,
} from "./burst.js";
import { Taken } from "./taken.js";

/** @typedef {import("./burst.js").WebcamData} WebcamData */
/** @typedef {import("./taken.js").Frame} Frame */
/**
 * @typedef {object} WebcamParts
 * @property {HTMLElement} curtain
 * @property {HTMLButtonElement} off
 * @property {HTMLElement} dark
 * @property {HTMLButtonElement} hold
 * @property {HTMLButtonElement} one
 * @property {HTMLElement} count
 * @property {HTMLButtonElement} clear
 * @property {HTMLSelectElement} class
 * @property {HTMLElement} naming
 * @property {HTMLInputElement} name
 * @property {HTMLButtonElement} save
 * @property {HTMLElement} refusal
 * @property {HTMLElement} taken
 * @property {HTMLElement} strip
 */

const DARK_FOR_MS = 2000;
const PATIENCE_MS = 60_000;
const UNPLUGGED = "The camera stopped. Is it still plugged in? Your pictures are still here.";
const DARK = "The camera sends only black: is its cover closed? Black pictures are not taken.";
const NO_ANSWER = "No answer after a minute. Your pictures are still here: save them again.";

const webcams = new Views((parentElement) => new Webcam(parentElement), { forget: false });

/** @param {import("../_common.js").Call<WebcamData>} call */
export default function showWebcam({ data, parentElement, setTriggerValue }) {
  return webcams.show(parentElement, (webcam) => webcam.update(data, setTriggerValue));
}

/** @extends {Camera<import("../_camera.js").CameraParts & WebcamParts>} */
class Webcam extends Camera {
  /** @override */
  unplugged = UNPLUGGED;
  /** @type {WebcamData} */
  data = { classes: [], chosen: "", most: 0, room: 0, side: 0, whole: false, last: "", saved: "", error: "" };
  /** @type {{token: string, frames: Frame[], className: string | null} | null} what the server has not answered for yet */
  sent = null;
  busy = false; // saving
  recording = false;
  wanted = false; // one picture, as soon as there is a new one
  /** @type {number | null} */
  darkSince = null;
  /** @type {number | undefined} */
  timer;
  /** @type {number | undefined} */
  patience;
  frames = new FrameTaker(this);
  /** @type {(name: string, value: unknown) => void} */
  send = () => {};

  /** @param {ParentNode} root */
  constructor(root) {
    super(root);
    const { off, one, strip } = this.at;
    this.taken = new Taken(strip, (frame) => this.discardOne(frame));
    off.onclick = () => this.switchOff();
    one.onclick = () => {
      this.wanted = true; // until there is one: the camera may not have sent a new picture since the last press
      this.take();
    };
    listenToHold(
      this.at.hold,
      () => this.record(),
      () => this.rest(),
    );
    this.listenToForm();
  }

  listenToForm() {
    const { clear, name, save } = this.at;
    this.at.class.onchange = () => {
      this.draw();
      if (isNew(this.at.class.value)) name.focus();
    };
    clear.onclick = () => {
      if (clear.dataset.sure) this.discard(this.taken.frames);
      else clear.dataset.sure = "yes";
      this.draw();
    };
    clear.onblur = () => {
      delete clear.dataset.sure;
      this.draw();
    };
    name.oninput = () => this.draw();
    name.onkeydown = (event) => {
      if (event.key === "Enter" && !event.isComposing) save.click();
    };
    save.onclick = () => this.save();
  }

  /**
   * @param {WebcamData} data
   * @param {(name: string, value: unknown) => void} send
   */
  update(data, send) {
    this.data = data;
    this.send = send;
    this.listClasses();
    const answered = this.sent !== null && data.last === this.sent.token;
    if (this.sent && answered) {
      const { token, frames, className } = this.sent;
      this.sent = null;
      this.settle(describeOutcome(data, token));
      if (data.saved === token) {
        this.discard(frames);
        if (className !== null) this.choose(chooseClass(className.trim())[0]); // a new class is now one of the list
      }
    }
    this.draw();
    // The button that was pressed is switched off now: without this, the keyboard would be nowhere.
    if (answered && data.saved && !this.at.hold.disabled) this.at.hold.focus({ preventScroll: true });
  }

  listClasses() {
    const chooser = this.at.class;
    const { classes, chosen } = this.data;
    const wanted = chooser.options.length ? chooser.value : chooseFirst(classes, chosen);
    const options = listChoices(classes).map(([value, label]) => makeOption(value, label));
    /** @type {(list: Iterable<HTMLOptionElement>) => string} */
    const tellValues = (list) => JSON.stringify([...list].map(({ value }) => value));
    if (tellValues(options) === tellValues(chooser.options)) return; // an open list stays open
    chooser.replaceChildren(...options);
    this.choose(wanted);
  }

  /** @param {string} value */
  choose(value) {
    const { options } = this.at.class;
    if ([...options].some((known) => known.value === value)) this.at.class.value = value;
  }

  /** @override */
  begun() {
    this.beat();
  }

  /** @override */
  ended() {
    clearInterval(this.timer);
    this.wanted = false;
    this.rest();
    this.darkSince = null;
    say(this.at.dark, "");
  }

  get full() {
    return isFull(this.taken.urls, this.data);
  }

  get ready() {
    return this.live && !this.busy && !this.full;
  }

  get className() {
    return readClass(this.at.class.value, this.at.name.value);
  }

  record() {
    if (!this.ready) return;
    this.recording = true;
    this.beat();
    this.draw();
  }

  rest() {
    this.recording = false;
    this.draw();
  }

  /** Begins to look at the camera every EVERY_MS, now first. */
  beat() {
    const look = () => {
      if (!this.live) return;
      if (this.recording || this.wanted) this.take();
      const now = performance.now();
      this.darkSince = this.isDark() ? (this.darkSince ?? now) : null;
      say(this.at.dark, this.darkSince !== null && now - this.darkSince > DARK_FOR_MS ? DARK : "");
    };
    clearInterval(this.timer);
    this.timer = window.setInterval(look, EVERY_MS);
    look();
  }

  isDark() {
    return isBlack(this.frames.look(this.data.whole));
  }

  take() {
    if (!this.ready) {
      this.wanted = false;
      return;
    }
    if (this.isDark()) {
      if (!this.recording) this.darkSince = -Infinity; // told at the next look
      this.wanted = false;
      return;
    }
    const picture = this.frames.take(this.data);
    const url = picture.toDataURL("image/jpeg", QUALITY);
    if (url === this.taken.frames.at(-1)?.url) return; // the camera has not sent a new one since
    this.wanted = false;
    this.taken.add(url, picture);
    if (!this.ready) this.rest();
    this.draw();
    this.taken.scrollToEnd();
  }

  /** @param {Frame} frame */
  discardOne(frame) {
    if (this.busy) return;
    const place = this.taken.frames.indexOf(frame);
    this.discard([frame]);
    this.taken.focusAt(place);
  }

  /** @param {Frame[]} frames */
  discard(frames) {
    this.taken.remove(frames);
    delete this.at.clear.dataset.sure;
    this.draw();
  }

  save() {
    this.rest();
    this.busy = true;
    this.sent = { token: crypto.randomUUID(), frames: this.taken.frames, className: this.className };
    say(this.at.refusal, "");
    this.draw();
    this.patience = window.setTimeout(() => this.settle(NO_ANSWER), PATIENCE_MS);
    this.send("burst", { token: this.sent.token, class_name: this.className, frames: this.taken.urls });
  }

  /** @param {string} trouble */
  settle(trouble) {
    clearTimeout(this.patience);
    this.busy = false;
    say(this.at.refusal, trouble);
    this.draw();
  }

  /**
   * Brings every label and every disabled button up to date.
   * @override
   */
  draw() {
    const { at, busy, live, ready } = this;
    const count = this.taken.frames.length;
    const naming = isNew(at.class.value);
    at.curtain.hidden = live;
    at.video.classList.toggle("whole", this.data.whole);
    at.off.hidden = !this.stream;
    if (!this.stream) at.camera.hidden = true;
    at.hold.disabled = at.one.disabled = !ready;
    at.hold.setAttribute("aria-pressed", String(this.recording));
    at.hold.textContent = this.recording ? "Recording ..." : "Hold to record";
    at.count.setAttribute("aria-busy", String(this.recording)); // a screen reader waits for the end
    at.count.textContent = describeCount(count, this.full);
    at.clear.hidden = !count;
    at.clear.textContent = at.clear.dataset.sure ? `Really discard ${countPictures(count)}?` : "Discard all";
    at.naming.hidden = !naming;
    at.save.textContent = describeSave(count, this.className, busy);
    at.save.disabled = busy || !count || (naming && !at.name.value.trim());
    at.class.disabled = at.name.disabled = at.clear.disabled = busy;
    at.taken.hidden = !count;
    this.taken.markFirst();
  }
}
