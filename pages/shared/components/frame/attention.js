// Where the keyboard goes after a page has changed, what is read aloud, and names for what Streamlit gives none.

import { make } from "../_common.js";
import { findPhase } from "./words.js";

const PAUSE_MS = 100; // between two looks at the page
const HANDED_ON = ["link-color", "text-color", "background-color", "border-color"];
const NARROW = 768; // pixels, up to which Streamlit lays the side bar over the page

/**
 * @template {HTMLElement} Kind
 * @param {string} selector
 */
function find(selector) {
  return /** @type {Kind | null} */ (document.querySelector(selector));
}

export class Attention {
  /** @type {string | null} */
  page = null;
  /** @type {string | null} */
  news = null;
  /** @type {Element | null} the heading of the page before, where the keyboard still has to go to that of this one */
  before = null;
  turning = false;
  working = false; // whether the page had a bar since its last download
  phase = "";
  numbered = 0;
  region = make("p", "fg-heard");
  /** @type {ReturnType<typeof setTimeout> | null} */
  timer = null;
  changes = new MutationObserver(() => this.look());
  /** @type {HTMLElement | null} */
  frame = null;

  constructor() {
    this.region.setAttribute("role", "status");
    this.region.dataset.liveAnnouncer = "true"; // so an open dialog does not silence it
  }

  /**
   * @param {HTMLElement} frame where the links are
   * @param {string} page that is shown
   * @param {string} news
   */
  update(frame, page, news) {
    this.frame = frame;
    if (!this.region.isConnected) document.body.append(this.region);
    if (this.page !== null && page !== this.page) this.turn();
    this.page = page;
    if (this.news !== null && news && news !== this.news) this.say(news);
    this.news = news;
    this.paint();
    this.changes.observe(document.body, {
      attributeFilter: ["data-collapsed", "data-test-script-state"],
      characterData: true,
      childList: true,
      subtree: true,
    });
    this.look();
  }

  rest() {
    this.changes.disconnect();
  }

  /** Another page comes: the side bar makes room where it lies over it, and the keyboard is to go to its heading. */
  turn() {
    this.turning = true;
    this.working = false;
    if (window.innerWidth <= NARROW) find("[data-testid=stSidebarCollapseButton] button")?.click();
  }

  /** @param {string} words */
  say(words) {
    this.region.textContent = words;
  }

  /** Hands on the colours of the page to what lies outside of it, such as dialogs, and to our styles for Streamlit's elements. */
  paint() {
    const app = find(".stApp");
    if (!app || !this.frame) return;
    const { style } = document.documentElement;
    style.colorScheme = getComputedStyle(app).colorScheme;
    const theme = getComputedStyle(this.frame);
    for (const name of HANDED_ON) style.setProperty(`--fg-${name}`, theme.getPropertyValue(`--st-${name}`));
  }

  /** Looks at the page soon, if that is not to happen anyway. */
  look() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.hideWhatIsAside();
      this.nameBars();
      this.followBars();
      if (this.turning) this.goToHeading();
      else this.goToDownload();
    }, PAUSE_MS);
  }

  /** A side bar that is folded away lies outside of the window: the keyboard is not to go there. */
  hideWhatIsAside() {
    const bar = find("[data-testid=stSidebar]");
    const content = find("[data-testid=stSidebarContent]");
    if (bar && content) content.inert = bar.dataset.collapsed === "true";
  }

  nameBars() {
    for (const bar of document.querySelectorAll(".stProgress [role=progressbar]:not([aria-labelledby])")) {
      const words = bar.closest(".stProgress")?.firstElementChild;
      if (!words || words.contains(bar)) continue;
      words.id ||= `fg-bar-${++this.numbered}`;
      bar.setAttribute("aria-labelledby", words.id);
    }
  }

  /** Reads aloud what a bar is about, once for each phase and not for each step of it. */
  followBars() {
    const bars = [...document.querySelectorAll(".stProgress")];
    this.working ||= bars.length > 0;
    const phase = findPhase(bars.at(-1)?.textContent ?? "");
    if (phase && phase !== this.phase) this.say(phase);
    this.phase = phase;
  }

  /** Whether the keyboard may be led elsewhere: it is nowhere, or still on the link that was followed. */
  get idle() {
    const { activeElement } = document;
    return !activeElement || activeElement === document.body || Boolean(this.frame?.contains(activeElement));
  }

  goToHeading() {
    const heading = find("main h1");
    const settled = find(".stApp")?.dataset.testScriptState === "notRunning";
    if (!heading || heading.closest("[data-stale=true]") || !settled) return;
    this.turning = false;
    if (!this.idle) return;
    heading.tabIndex = -1;
    heading.focus();
  }

  /** What was waited for: the button that was pressed is gone, and this one is there in its place. */
  goToDownload() {
    if (!this.working) return;
    const button = find("main [data-testid=stDownloadButton] [data-testid=stBaseButton-primary]");
    if (!button) return;
    this.working = false;
    if (document.activeElement === document.body) button.focus();
  }
}
