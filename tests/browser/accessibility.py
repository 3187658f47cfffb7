"""Looks at what a page shows as axe-core does, in light, in dark and on a phone, without loading it anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.conftest import PATIENCE

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ON_A_PHONE = ["target-size", "scrollable-region-focusable"]
"""What can be another on a phone; the rest is the same elements again."""

STREAMLITS = {
    (
        "presentation-role-conflict",
        "[data-testid=stFileUploaderDropzone]",
    ): "the area of st.file_uploader has a name, too",
}
"""What Streamlit's own elements break, by rule and selector, and why we leave it. One that no longer occurs must go."""

_LOOK = """async ([tags, only, known]) => {
    const rules = { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } };
    const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: tags };
    const asked = { runOnly, resultTypes: ["violations"], elementRef: true, preload: false };
    const found = await axe.run(document, only ? asked : { ...asked, rules });
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ element, html, any, all, none }) => ({
        rule: id,
        known: known.findIndex(([rule, selector]) => rule === id && element.matches(selector)),
        told: `${id}: ${html.slice(0, 160)} ${[...any, ...all, ...none][0]?.message ?? ""}`,
    })));
}"""

_AT_REST = """() => document.querySelector(".stApp")?.dataset.testScriptState === "notRunning"
    && !document.querySelector("[data-stale=true]")"""

_NO_FADING = """document.addEventListener("DOMContentLoaded", () => {
    const style = document.createElement("style");
    style.textContent = "[data-stale=true] { opacity: 1 !important }";
    document.head.append(style);
})"""
"""While a page is drawn anew Streamlit lets what is old fade; a look at it may last longer than that."""

_WIDER = """() => {
    const pages = [".stApp", "[data-testid=stAppViewContainer]", "[data-testid=stMain]", "[role=dialog]"];
    const wide = [];
    const look = (node) => {
        for (const one of node.children) {
            if (one.matches("[data-testid=stSidebar], .stSidebar, [aria-hidden=true], script, style")) continue;
            if (!one.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })) continue;
            const { overflowX, clipPath } = getComputedStyle(one);
            if (clipPath !== "none") continue;
            const { right, width } = one.getBoundingClientRect();
            if (width > 0 && right > innerWidth + 1) wide.push(one.outerHTML.slice(0, 140));
            const scrolls = overflowX !== "visible" && !pages.some((page) => one.matches(page));
            if (one.shadowRoot) look(one.shadowRoot);
            if (!scrolls) look(one);
        }
    };
    look(document.body);
    const main = document.querySelector("[data-testid=stMain]");
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) wide.push(`the page: ${scrollWidth}`);
    if (main && main.scrollWidth > main.clientWidth) wide.push(`its main part: ${main.scrollWidth}`);
    return wide;
}"""


@dataclass
class Walk:
    """What was found on the way through the pages. `states`: how many were looked at; `known`: positions in STREAMLITS that
    occurred."""

    page: Page
    states: int = 0
    found: list[str] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    dark: bool = False

    def begin(self) -> None:
        """Brings axe-core along, and does without motion: nothing is looked at while it moves."""
        self.page.emulate_media(reduced_motion="reduce", color_scheme="light")
        self.page.add_init_script(AXE_SCRIPT)
        self.page.add_init_script(_NO_FADING)
        self.page.reload()

    def look(self, name: str) -> None:
        """Looks at the page as it is, in both themes and on a phone: all that matters in one theme, what depends on colours in
        the other, and what depends on the width on the phone."""
        self.settle()
        self._ask(name, None)
        self._turn()
        self._ask(f"{name}, {'dark' if self.dark else 'light'}", ["color-contrast"])
        self.narrow()
        self._ask(f"{name}, on a phone", ON_A_PHONE)
        self.found += [f"{name}, on a phone, wider than the screen: {each}" for each in self.page.evaluate(_WIDER)]
        self.page.set_viewport_size(WIDE)

    def narrow(self) -> None:
        """Makes the window that of a phone, and waits until the page has taken that in."""
        self.page.set_viewport_size(PHONE)
        self.page.wait_for_function("document.querySelector('.stSidebar').dataset.collapsed === 'true'")

    def settle(self) -> None:
        """Waits until the script of the page has ended and nothing is under way."""
        self.page.wait_for_load_state("networkidle", timeout=PATIENCE)

    def _turn(self) -> None:
        self.dark = not self.dark
        scheme = "dark" if self.dark else "light"
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function("(it) => document.documentElement.style.colorScheme === it", arg=scheme)

    def _ask(self, name: str, rules: list[str] | None) -> None:
        self.states += 1
        self.page.wait_for_function(_AT_REST)
        for node in self.page.evaluate(_LOOK, [TAGS, rules, [list(each) for each in STREAMLITS]]):
            if node["known"] < 0:
                self.found.append(f"{name}: {node['told']}")
            else:
                self.known.add(node["known"])
