/* What a model says of the webcam, while it says it. What pages/shared/test/live.py sends is in `data`:
   {pixels: side of what the model takes, models: [{title, url, pixels}], classes: [string], colours: [string]}.
   A picture goes out only when the answers to the last one are in: none ever waits. camera.js comes before this. */

const RATE = 15; // pictures a second at most
const QUALITY = 0.9;
const WAIT_MS = 5000;
const AGAIN_MS = 1000; // after a failure
const SETTLED_MS = 1000; // an answer that stays this long is told to a screen reader
const OLD = "This view is old: reload the page.";
const SILENT = "Fieldguide does not answer. Is it still running?";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const percent = (share) => `${Math.round(share * 100)} %`;

function element(kind, name, text = "") {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = text;
  return made;
}

class Live extends Camera {
  turns = 0;
  loops = 0; // only the newest goes on
  answers = [];

  constructor(root) {
    super(root);
    this.at.off.onclick = () => this.switchOff();
  }

  update(data) {
    const known = JSON.stringify(data.models) + JSON.stringify(data.classes);
    this.data = data;
    if (known !== this.known) {
      this.known = known;
      this.side = Math.max(...data.models.map(({ pixels }) => pixels));
      this.at.seen.width = this.at.seen.height = this.side;
      this.sending = canvas(2 * this.side);
      this.build();
    }
    if (!this.turns) this.switchOn();
    this.draw();
    const turn = ++this.turns; // Streamlit also calls what an overtaken run returned
    return () => turn === this.turns && this.switchOff();
  }

  build() {
    this.panels = this.data.models.map(({ title }) => {
      const panel = element("section", "panel");
      if (title) panel.append(element("h3", "", title));
      const label = panel.appendChild(element("p", "label", "\u2013"));
      const list = panel.appendChild(element("div", "bars"));
      const rows = this.data.classes.map((name, index) => {
        const row = list.appendChild(element("div", "row"));
        const bar = element("div", "bar");
        const fill = bar.appendChild(element("div", "fill"));
        fill.style.background = this.data.colours[index];
        const share = element("span", "share", "");
        const title = element("span", "name", name);
        title.title = name;
        row.append(title, bar, share);
        return { row, fill, share };
      });
      const rate = panel.appendChild(element("p", "rate", ""));
      return { label, rows, rate, times: [] };
    });
    this.at.panels.replaceChildren(...this.panels.map(({ label }) => label.parentElement));
  }

  begun() {
    this.run(++this.loops);
  }

  ended() {
    this.loops += 1;
    say(this.at.refusal, "");
  }

  async run(loop) {
    const current = () => loop === this.loops;
    while (current()) {
      const began = performance.now();
      if (this.live && !document.hidden) {
        this.crop(this.sending.getContext("2d"));
        this.at.seen.getContext("2d").drawImage(this.sending, 0, 0, this.side, this.side);
        const picture = await new Promise((done) => this.sending.toBlob(done, "image/jpeg", QUALITY));
        const fine = await Promise.all(this.data.models.map((model, index) => this.ask(model, index, picture, current)));
        if (!current()) return;
        if (!fine.every(Boolean)) await pause(AGAIN_MS);
      }
      await pause(Math.max(0, 1000 / RATE - (performance.now() - began)));
    }
  }

  /** Asks one model; whether all is well. */
  async ask({ url }, index, picture, current) {
    let answer;
    try {
      const asked = { method: "POST", body: picture, headers: { "Content-Type": "image/jpeg" } };
      answer = await fetch(url, { ...asked, signal: AbortSignal.timeout(WAIT_MS) });
      if (answer.status === 429) return true; // another tab asks the same model: this picture is dropped
      const said = answer.ok || answer.status === 422 ? await answer.json() : {};
      if (!current()) return true;
      if (answer.ok) this.show(this.panels[index], said);
      say(this.at.refusal, answer.ok ? "" : said.error || (answer.status === 404 ? OLD : SILENT));
      return answer.ok;
    } catch {
      if (current()) say(this.at.refusal, SILENT);
      return false;
    }
  }

  show(panel, { probabilities, sure }) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    probabilities.forEach((share, index) => {
      const { row, fill, share: words } = panel.rows[index];
      fill.style.transform = `scaleX(${share})`;
      words.textContent = percent(share);
      row.classList.toggle("best", index === best);
    });
    const said = sure ? this.data.classes[best] : `Not sure, perhaps ${this.data.classes[best]}`;
    panel.label.textContent = said;
    const now = performance.now();
    panel.times = [...panel.times.filter((at) => now - at < 2000), now];
    const seconds = (now - panel.times[0]) / 1000;
    if (seconds > 1) panel.rate.textContent = `${((panel.times.length - 1) / seconds).toFixed(0)} answers a second`;
    if (panel === this.panels[0]) this.tell(said, now);
  }

  tell(said, now) {
    if (said !== this.last?.said) this.last = { said, since: now };
    else if (now - this.last.since > SETTLED_MS && this.at.told.textContent !== said) this.at.told.textContent = said;
  }

  draw() {
    this.at.curtain.hidden = this.live;
    this.at.off.hidden = !this.stream;
    if (!this.stream) this.at.camera.hidden = true;
  }
}

const views = new WeakMap();

export default function live({ data, parentElement }) {
  if (!views.has(parentElement)) views.set(parentElement, new Live(parentElement));
  return views.get(parentElement).update(data);
}
