/* A burst of square pictures from a webcam; camera.js stands before it. What pages/shared/webcam.py sends is in `data`:
   {classes: [string], most: pictures at once, room: bytes at once, side: pixels, last: the token that arrived last,
   saved: token, error: sentence}. */

const EVERY_MS = 250;
const QUALITY = 0.92;
const DARKEST = 6; // mean of red, green and blue, 0 to 255; a covered lens gives 0 to 4
const DARK_FOR_MS = 2000;
const PATIENCE_MS = 60_000;
const TILE = 128; // pixels of a picture in the strip
const UNPLUGGED = "The camera stopped. Is it still plugged in? Your pictures are still here.";
const DARK = "The camera sends only black: is its cover closed? Black pictures are not taken.";
const INTERRUPTED = "Saving was interrupted. Your pictures are still here: save them again.";
const NO_ANSWER = "No answer after a minute. Your pictures are still here: save them again.";

const pictures = (number) => `${number} picture${number === 1 ? "" : "s"}`;

class Webcam extends Camera {
  unplugged = UNPLUGGED;
  frames = []; // {url, tile}, in the order they were taken
  taken = 0; // how many so far, discarded ones too
  sent = null; // {token, frames}: what the server has not answered for yet
  busy = false; // saving
  turns = 0;

  constructor(root) {
    super(root);
    this.probe = canvas(16).getContext("2d", { willReadFrequently: true });
    const { off, hold, one, clear, name, save } = this.at;
    this.at.class.onchange = () => {
      this.draw();
      if (this.at.class.value === "new") name.focus();
    };
    off.onclick = () => this.switchOff();
    hold.onpointerdown = (event) => {
      if (event.button !== 0) return;
      hold.setPointerCapture(event.pointerId);
      this.record();
    };
    hold.onpointerup = hold.onpointercancel = hold.onlostpointercapture = () => this.rest();
    hold.oncontextmenu = (event) => event.preventDefault();
    hold.onkeydown = (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.record();
    };
    hold.onkeyup = hold.onblur = () => this.rest();
    one.onclick = () => {
      this.wanted = true; // until there is one: the camera may not have sent a new picture since the last press
      this.take();
    };
    clear.onclick = () => {
      if (clear.dataset.sure) this.discard(this.frames);
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

  /** Takes in new data; returns what is to be called when the view closes. */
  update(data, send) {
    this.data = data;
    this.send = send;
    this.listClasses();
    const answered = this.sent && data.last === this.sent.token;
    if (answered) {
      const { token, frames, className } = this.sent;
      this.sent = null;
      this.settle(data.saved === token ? "" : data.error || INTERRUPTED);
      if (data.saved === token) {
        this.discard(frames);
        this.choose(`in ${className?.trim()}`); // a new class is now one of the list
      }
    }
    this.draw();
    // The button that was pressed is switched off now: without this, the keyboard would be nowhere.
    if (answered && data.saved && !this.at.hold.disabled) this.at.hold.focus({ preventScroll: true });
    // Streamlit also calls what an overtaken run returned; only the newest may end anything.
    const turn = ++this.turns;
    return () => turn === this.turns && this.switchOff();
  }

  listClasses() {
    const chooser = this.at.class;
    const wanted = chooser.value || (this.data.classes.length ? "" : "new");
    const options = this.data.classes.map((name) => option(`in ${name}`, name));
    options.push(option("none", "without a class"), option("new", "new class ..."));
    const values = (list) => JSON.stringify([...list].map(({ value }) => value));
    if (values(options) === values(chooser.options)) return; // an open list stays open
    chooser.replaceChildren(...options);
    this.choose(wanted);
  }

  choose(value) {
    const { options } = this.at.class;
    if ([...options].some((known) => known.value === value)) this.at.class.value = value;
  }

  begun() {
    this.beat();
  }

  ended() {
    clearInterval(this.timer);
    this.wanted = false;
    this.rest();
    this.darkSince = null;
    say(this.at.dark, "");
  }

  get full() {
    const sizes = this.frames.map(({ url }) => url.length * 0.75); // base64
    const withOneMore = sizes.reduce((sum, size) => sum + size, sizes.at(-1) ?? 0);
    return sizes.length >= this.data.most || withOneMore > this.data.room;
  }

  get ready() {
    return this.live && !this.busy && !this.full;
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
    this.timer = setInterval(look, EVERY_MS);
    look();
  }

  isDark() {
    this.crop(this.probe);
    const { data } = this.probe.getImageData(0, 0, 16, 16);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
    return sum / (3 * 256) < DARKEST;
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
    const { video, strip } = this.at;
    const picture = canvas(Math.min(video.videoWidth, video.videoHeight, this.data.side));
    this.crop(picture.getContext("2d"));
    const url = picture.toDataURL("image/jpeg", QUALITY);
    if (url === this.frames.at(-1)?.url) return; // the camera has not sent a new one since
    this.wanted = false;
    const small = canvas(TILE);
    small.getContext("2d").drawImage(picture, 0, 0, TILE, TILE);
    const tile = document.createElement("button");
    const frame = { url, tile };
    this.taken += 1;
    tile.type = "button";
    tile.setAttribute("aria-label", `Picture ${this.taken}: discard`);
    tile.append(small);
    tile.onclick = () => this.discardOne(frame);
    tile.onkeydown = ({ key }) => this.steer(frame, key);
    tile.tabIndex = -1; // one stop for the Tab key, arrows within
    this.frames = [...this.frames, frame];
    strip.append(tile);
    if (!this.ready) this.rest();
    this.draw();
    strip.scrollTop = strip.scrollHeight;
  }

  steer(frame, key) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step) this.frames[this.frames.indexOf(frame) + step]?.tile.focus();
    if (key === "Delete" || key === "Backspace") this.discardOne(frame);
  }

  discardOne(frame) {
    if (this.busy) return;
    const next = this.frames.indexOf(frame);
    this.discard([frame]);
    (this.frames[next] ?? this.frames.at(-1))?.tile.focus({ preventScroll: true });
  }

  discard(frames) {
    const gone = new Set(frames);
    for (const { tile } of gone) tile.remove();
    this.frames = this.frames.filter((frame) => !gone.has(frame));
    delete this.at.clear.dataset.sure;
    this.draw();
  }

  get className() {
    const { value } = this.at.class;
    return value === "none" ? null : value === "new" ? this.at.name.value : value.slice("in ".length);
  }

  save() {
    this.rest();
    this.busy = true;
    this.sent = { token: crypto.randomUUID(), frames: this.frames, className: this.className };
    say(this.at.refusal, "");
    this.draw();
    this.patience = setTimeout(() => this.settle(NO_ANSWER), PATIENCE_MS);
    const frames = this.frames.map(({ url }) => url);
    this.send("burst", { token: this.sent.token, class_name: this.className, frames });
  }

  settle(trouble) {
    clearTimeout(this.patience);
    this.busy = false;
    say(this.at.refusal, trouble);
    this.draw();
  }

  /** Brings every label and every disabled button up to date. */
  draw() {
    const { at, busy, frames, live, ready } = this;
    const number = pictures(frames.length);
    const isNew = at.class.value === "new";
    const where = this.className === null ? "without a class" : `into ${this.className.trim() || "a new class"}`;
    at.curtain.hidden = live;
    at.off.hidden = !this.stream;
    if (!this.stream) at.camera.hidden = true;
    at.hold.disabled = at.one.disabled = !ready;
    at.hold.setAttribute("aria-pressed", String(Boolean(this.recording)));
    at.hold.textContent = this.recording ? "Recording ..." : "Hold to record";
    at.count.setAttribute("aria-busy", String(Boolean(this.recording))); // a screen reader waits for the end
    at.count.textContent = !frames.length ? "No pictures yet" : number;
    if (this.full) at.count.textContent += ", the most at once: save these first";
    at.clear.hidden = !frames.length;
    at.clear.textContent = at.clear.dataset.sure ? `Really discard ${number}?` : "Discard all";
    at.naming.hidden = !isNew;
    at.save.textContent = busy ? `Saving ${number} ...` : frames.length ? `Save ${number} ${where}` : "Nothing to save yet";
    at.save.disabled = busy || !frames.length || (isNew && !at.name.value.trim());
    at.class.disabled = at.name.disabled = at.clear.disabled = busy;
    at.taken.hidden = !frames.length;
    if (frames.length) frames[0].tile.tabIndex = 0;
  }
}

const webcams = new WeakMap();

export default function webcam({ data, parentElement, setTriggerValue }) {
  if (!webcams.has(parentElement)) webcams.set(parentElement, new Webcam(parentElement));
  return webcams.get(parentElement).update(data, setTriggerValue);
}
