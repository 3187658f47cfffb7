"""The webcam burst in a real browser with Chromium's own fake camera, and with every trouble that a camera can make."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from pages.shared.components.webcam import webcam
from tests.browser.conftest import ARGUMENTS
from tests.conftest import CHROMIUM
from tests.serving import ROOT, serving

pytestmark = pytest.mark.browser
TWO_CAMERAS = "--use-fake-device-for-media-stream=device-count=2"
ALLOWED = "--use-fake-ui-for-media-stream"
MARKUP = "<img src=x onerror=alert(1)>"
SENTENCE = "The disk is full. Make room, then save again."
MOST = 6

SCRIPT = f"""
import hashlib, io, json, pathlib
import streamlit as st
from PIL import Image
from pages.shared.components.webcam import webcam

webcam.MOST_FRAMES = {MOST}
log = pathlib.Path(__file__).with_name("got.jsonl")
st.session_state.setdefault("classes", ["oak", "*birch* {MARKUP}"])
answer = st.session_state.setdefault("answer", {{}})
refuse = st.checkbox("Refuse")
silent = st.checkbox("Do not answer")
if st.checkbox("Show", value=True):
    got = webcam.burst(st.session_state.classes, key="cam", **answer)
    if got:
        sizes = [Image.open(io.BytesIO(frame)) for frame in got.frames]
        entry = {{
            "class": got.class_name,
            "sha256": [hashlib.sha256(frame).hexdigest() for frame in got.frames],
            "pictures": [[image.format, *image.size] for image in sizes],
        }}
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\\n")
        st.session_state.answer = {{}} if silent else {{"error": {SENTENCE!r}}} if refuse else {{"saved": got.token}}
        if not refuse and got.class_name and got.class_name not in st.session_state.classes:
            st.session_state.classes.append(got.class_name)
        st.rerun()
st.write("script ended")
"""


@dataclass
class Served:
    """A running script, and what it was given."""

    url: str
    log: Path

    def got(self) -> list[dict[str, Any]]:
        """One entry for each burst that has arrived."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("webcam")
    file = folder / "script.py"
    file.write_text(SCRIPT)
    command = [sys.executable, "-m", "streamlit", "run", str(file), "--server.maxWidgetStateSize=2"]
    with serving(command, cwd=ROOT) as server:
        yield Served(server.url, folder / "got.jsonl")


@pytest.fixture
def served(script: Served) -> Served:
    script.log.unlink(missing_ok=True)
    return script


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, TWO_CAMERAS, ALLOWED])
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script("window.dialogs = 0; window.alert = () => { window.dialogs += 1 }")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    page = context.new_page()
    page.goto(served.url)
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def tiles(page: Page) -> Locator:
    return page.get_by_role("group", name="Pictures taken, not yet saved").get_by_role("button")


def switch_on(page: Page) -> None:
    button(page, "Switch the camera on").click()
    expect(button(page, "Hold to record")).to_be_enabled()


def take(page: Page, number: int) -> None:
    """Takes that many more, one press each, and again where the camera had sent nothing new in between."""
    wanted = tiles(page).count() + number
    for _ in range(100 * number):
        if tiles(page).count() == wanted:
            return
        button(page, "Take one picture").click()
    raise AssertionError("the camera sends nothing new")


def tracks(page: Page) -> list[str]:
    """The state of every camera track that this page was ever given."""
    return page.evaluate("window.tracks.map(track => track.readyState)")


REMEMBER_TRACKS = """
window.tracks = [];
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await real(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""


@pytest.mark.slow
def test_hold_discard_and_save(page: Page, served: Served) -> None:
    expect(button(page, "Hold to record")).to_be_disabled()
    switch_on(page)
    button(page, "Hold to record").hover()
    page.mouse.down()
    expect(tiles(page).nth(2)).to_be_attached()
    page.mouse.up()
    expect(button(page, "Hold to record")).to_have_attribute("aria-pressed", "false")
    held = tiles(page).count()
    tiles(page).nth(1).click()
    expect(page.get_by_text(f"{held - 1} pictures", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Picture 2: discard")).to_have_count(0)
    button(page, f"Save {held - 1} pictures into oak").click()
    expect(page.get_by_text("No pictures yet")).to_be_visible()
    expect(tiles(page)).to_have_count(0)

    (burst,) = served.got()
    assert burst["class"] == "oak"
    assert len(set(burst["sha256"])) == held - 1
    side = page.evaluate("""() => {
        const video = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot.querySelector('video');
        return Math.min(video.videoWidth, video.videoHeight, 640);
    }""")
    assert side >= 480
    assert burst["pictures"] == [["JPEG", side, side]] * (held - 1)


@pytest.mark.slow
def test_a_refusal_keeps_the_pictures_and_they_can_be_saved_afterwards(page: Page, served: Served) -> None:
    page.get_by_text("Refuse").click()
    switch_on(page)
    take(page, 2)
    page.get_by_role("combobox", name="Class").select_option("without a class")
    button(page, "Save 2 pictures without a class").click()
    expect(page.get_by_role("alert").get_by_text(SENTENCE)).to_be_visible()
    expect(tiles(page)).to_have_count(2)
    page.get_by_text("Refuse").click()
    button(page, "Save 2 pictures without a class").click()
    expect(tiles(page)).to_have_count(0)
    expect(page.get_by_text(SENTENCE)).to_be_hidden()
    first, second = served.got()
    assert first == second
    assert first["class"] is None


@pytest.mark.slow
def test_a_run_that_gives_no_answer_keeps_the_pictures(page: Page, served: Served) -> None:
    page.get_by_text("Do not answer").click()
    switch_on(page)
    take(page, 1)
    button(page, "Save 1 picture into oak").click()
    expect(page.get_by_role("alert").get_by_text("Saving was interrupted")).to_be_visible()
    expect(tiles(page)).to_have_count(1)
    assert len(served.got()) == 1


@pytest.mark.parametrize("name", ["crème rouge", MARKUP], ids=["plain", "markup"])
@pytest.mark.slow
def test_a_new_class_arrives_as_it_was_typed(page: Page, served: Served, name: str) -> None:
    switch_on(page)
    take(page, 1)
    page.get_by_role("combobox", name="Class").select_option("new class ...")
    expect(button(page, "Save 1 picture into a new class")).to_be_disabled()
    page.get_by_role("textbox", name="Name of the new class").press_sequentially(name)
    button(page, f"Save 1 picture into {name}").click()
    expect(tiles(page)).to_have_count(0)
    assert [burst["class"] for burst in served.got()] == [name]
    expect(page.get_by_role("combobox", name="Class")).to_have_value(f"in {name}")  # it is one of the list now
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.dialogs") == 0
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.slow
def test_names_of_classes_are_shown_literally(page: Page) -> None:
    page.get_by_role("combobox", name="Class").select_option(f"*birch* {MARKUP}")
    switch_on(page)
    take(page, 1)
    expect(button(page, f"Save 1 picture into *birch* {MARKUP}")).to_be_enabled()
    assert page.evaluate("window.dialogs") == 0
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.slow
def test_it_all_works_by_keyboard(page: Page, served: Served) -> None:
    button(page, "Switch the camera on").press("Enter")
    hold = page.locator("#hold")
    expect(hold).to_be_enabled()
    for key in ("Space", "Enter"):
        before = tiles(page).count()
        hold.focus()
        page.keyboard.down(key)
        expect(hold).to_have_attribute("aria-pressed", "true")
        expect(tiles(page).nth(before + 1)).to_be_attached()
        page.keyboard.up(key)
        expect(hold).to_have_attribute("aria-pressed", "false")
    number = tiles(page).count()
    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(1)).to_be_focused()
    page.keyboard.press("Delete")
    expect(tiles(page)).to_have_count(number - 1)
    expect(tiles(page).nth(1)).to_be_focused()
    page.keyboard.press("Delete")
    save = button(page, f"Save {number - 2} pictures into oak")
    save.press("Enter")
    expect(tiles(page)).to_have_count(0)
    assert len(served.got()[0]["sha256"]) == number - 2


@pytest.mark.slow
def test_leaving_the_button_ends_the_recording(page: Page) -> None:
    switch_on(page)
    page.locator("#hold").focus()
    page.keyboard.down("Space")
    expect(page.locator("#hold")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    expect(page.locator("#hold")).to_have_attribute("aria-pressed", "false")


@pytest.mark.slow
def test_discard_all_asks_once(page: Page) -> None:
    switch_on(page)
    take(page, 2)
    button(page, "Discard all").click()
    expect(tiles(page)).to_have_count(2)
    button(page, "Really discard 2 pictures?").click()
    expect(tiles(page)).to_have_count(0)


@pytest.mark.slow
def test_the_cap_is_said_and_ends_the_recording(page: Page, served: Served) -> None:
    switch_on(page)
    button(page, "Hold to record").hover()
    page.mouse.down()
    expect(page.get_by_text(f"{MOST} pictures, the most at once: save these first")).to_be_visible()
    expect(page.locator("#hold")).to_be_disabled()
    expect(page.locator("#hold")).to_have_attribute("aria-pressed", "false")
    page.mouse.up()
    expect(button(page, "Take one picture")).to_be_disabled()
    button(page, f"Save {MOST} pictures into oak").click()
    expect(button(page, "Hold to record")).to_be_enabled()
    assert len(served.got()[0]["sha256"]) == MOST


def recording(context: BrowserContext, served: Served) -> Page:
    """A page whose camera is on, with the button held down."""
    page = context.new_page()
    page.goto(served.url)
    switch_on(page)
    button(page, "Hold to record").hover()
    page.mouse.down()
    return page


@pytest.mark.slow
def test_no_more_is_taken_than_one_message_may_carry(context: BrowserContext, served: Served) -> None:
    context.add_init_script("""
        navigator.mediaDevices.getUserMedia = async () => {
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 640;
          const context = canvas.getContext("2d");
          const noise = context.createImageData(640, 640);
          const values = new Uint32Array(noise.data.buffer);
          for (let i = 0; i < values.length; i++) values[i] = (Math.random() * 0xffffff) | 0xff000000;
          let number = 0;
          setInterval(() => context.putImageData(noise, number++ % 7, 0), 20);
          return canvas.captureStream();
        };
    """)
    page = recording(context, served)
    expect(page.get_by_text(", the most at once: save these first")).to_be_visible()
    page.mouse.up()
    number = tiles(page).count()
    assert 1 < number < MOST
    page.get_by_role("button", name="Save").click()
    expect(tiles(page)).to_have_count(0)
    assert len(served.got()[0]["sha256"]) == number


@pytest.mark.slow
def test_a_thumb_holds_on_a_phone(browser: Browser, served: Served) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(served.url)
    switch_on(page)
    hold = page.locator("#hold")
    hold.scroll_into_view_if_needed()
    box = hold.bounding_box()
    assert box
    assert box["height"] >= 44
    touch = context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    scrolled = page.locator("[data-testid=stMain]").evaluate("element => element.scrollTop")
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(tiles(page).nth(1)).to_be_attached()
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point | {"y": point["y"] - 150}]})
    expect(tiles(page).nth(3)).to_be_attached()  # it goes on
    assert page.locator("[data-testid=stMain]").evaluate("element => element.scrollTop") == scrolled
    assert page.evaluate("String(getSelection())") == ""
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(hold).to_have_attribute("aria-pressed", "false")
    prevented = "event => !event.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))"
    assert hold.evaluate(prevented)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0
    context.close()


@pytest.mark.slow
def test_the_chosen_camera_is_remembered(context: BrowserContext, page: Page, served: Served) -> None:
    switch_on(page)
    chooser = page.get_by_role("combobox", name="Camera")
    values = chooser.locator("option").evaluate_all("options => options.map(option => option.value)")
    assert len(values) == 2
    (other,) = set(values) - {chooser.input_value()}
    chooser.select_option(other)
    expect(button(page, "Hold to record")).to_be_enabled()
    expect(chooser).to_have_value(other)
    again = context.new_page()
    again.goto(served.url)
    switch_on(again)
    expect(again.get_by_role("combobox", name="Camera")).to_have_value(other)
    kept = again.evaluate("Object.keys(localStorage).filter(key => key.includes('camera'))")
    assert len(kept) == 1
    again.evaluate("key => localStorage.setItem(key, 'unplugged since')", kept[0])
    again.reload()
    switch_on(again)
    expect(again.get_by_role("combobox", name="Camera")).to_have_value(values[0])


@pytest.mark.parametrize("how", ["Switch off", "Show"])
@pytest.mark.slow
def test_the_camera_is_let_go(context: BrowserContext, served: Served, how: str) -> None:
    context.add_init_script(REMEMBER_TRACKS)
    page = context.new_page()
    page.goto(served.url)
    expect(button(page, "Switch the camera on")).to_be_visible()
    assert tracks(page) == []  # not before somebody asks for it
    switch_on(page)
    take(page, 1)
    page.get_by_text("Refuse").click()  # a new run of the page disturbs nothing
    expect(page.get_by_role("checkbox", name="Refuse")).to_be_checked()
    assert tracks(page) == ["live"]
    expect(tiles(page)).to_have_count(1)
    page.get_by_text(how, exact=True).click()
    page.wait_for_function("window.tracks.every(track => track.readyState === 'ended')")
    if how == "Switch off":
        expect(tiles(page)).to_have_count(1)
        expect(button(page, "Save 1 picture into oak")).to_be_enabled()


@pytest.mark.slow
def test_a_camera_that_comes_too_late_is_let_go(context: BrowserContext, served: Served) -> None:
    context.add_init_script(REMEMBER_TRACKS)
    context.add_init_script("""
        const prompt = navigator.mediaDevices.getUserMedia;
        const allowed = new Promise(resolve => { window.allow = resolve });
        navigator.mediaDevices.getUserMedia = async (wanted) => { await allowed; return prompt(wanted) };
    """)
    page = context.new_page()
    page.goto(served.url)
    button(page, "Switch the camera on").click()
    expect(page.get_by_text("If the browser asks, allow it.")).to_be_visible()
    page.get_by_text("Show", exact=True).click()
    expect(button(page, "Hold to record")).to_have_count(0)
    page.evaluate("window.allow()")
    page.wait_for_function("window.tracks.length === 1 && window.tracks[0].readyState === 'ended'")


def failing(name: str) -> str:
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', {name!r}) }}"


@pytest.mark.parametrize(
    ("initially", "sentence"),
    [
        (failing("NotFoundError"), "No camera was found. Plug one in"),
        (failing("NotAllowedError"), "The browser does not let this page use the camera."),
        (failing("NotReadableError"), "Another program is using the camera. Close it"),
        (failing("constructor"), "The camera could not be started."),
        (
            "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
            "Browsers allow the camera only on this computer itself or over https.",
        ),
    ],
    ids=["missing", "refused", "busy", "unknown", "not secure"],
)
@pytest.mark.slow
def test_each_trouble_has_its_sentence(context: BrowserContext, served: Served, initially: str, sentence: str) -> None:
    context.add_init_script(initially)
    page = context.new_page()
    page.goto(served.url)
    button(page, "Switch the camera on").click()
    expect(page.get_by_role("alert").get_by_text(sentence)).to_be_visible()
    expect(button(page, "Switch the camera on")).to_be_enabled()
    expect(button(page, "Hold to record")).to_be_disabled()


@pytest.mark.slow
def test_a_camera_pulled_out_is_told(context: BrowserContext, served: Served) -> None:
    context.add_init_script(REMEMBER_TRACKS)
    page = context.new_page()
    page.goto(served.url)
    switch_on(page)
    take(page, 1)
    page.evaluate("window.tracks[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert").get_by_text("Is it still plugged in?")).to_be_visible()
    expect(tiles(page)).to_have_count(1)


@pytest.mark.slow
def test_black_pictures_are_told_and_not_taken(context: BrowserContext, served: Served) -> None:
    context.add_init_script("""
        navigator.mediaDevices.getUserMedia = async () => {
          const canvas = document.createElement("canvas");
          canvas.width = 320; canvas.height = 240;
          const context = canvas.getContext("2d");
          window.colour = "black";
          let number = 0;
          const draw = () => {
            context.fillStyle = window.colour;
            context.fillRect(0, 0, 320, 240);
            context.fillStyle = `rgb(${number++ % 200}, 5, 5)`;
            context.fillRect(150, 100, 8, 8);
          };
          setInterval(draw, 20);
          draw();
          return canvas.captureStream();
        };
    """)
    page = recording(context, served)
    expect(page.get_by_role("alert").get_by_text("The camera sends only black")).to_be_visible()
    expect(page.locator("#hold")).to_have_attribute("aria-pressed", "true")
    expect(tiles(page)).to_have_count(0)
    page.evaluate("window.colour = 'seagreen'")
    expect(tiles(page).nth(1)).to_be_attached()
    expect(page.get_by_text("The camera sends only black")).to_be_hidden()
    page.mouse.up()


@pytest.mark.slow
def test_a_real_refusal_by_the_browser(browser: Browser, served: Served) -> None:
    refusing = browser.browser_type.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, TWO_CAMERAS])
    page = refusing.new_page()
    page.goto(served.url)
    button(page, "Switch the camera on").click()
    expect(page.get_by_role("alert").get_by_text("choose Allow")).to_be_visible()
    refusing.close()


@pytest.mark.slow
def test_forged_pictures_are_left_out(context: BrowserContext, served: Served) -> None:
    context.add_init_script("""
        const real = HTMLCanvasElement.prototype.toDataURL;
        const forged = ["data:text/html;base64,PHA+", "data:image/jpeg;base64,PHA+", "data:image/jpeg;base64,%%", "https://example.com/"];
        HTMLCanvasElement.prototype.toDataURL = function (...how) {
          return forged.length ? forged.shift() : real.apply(this, how);
        };
    """)
    page = context.new_page()
    page.goto(served.url)
    switch_on(page)
    take(page, 5)
    button(page, "Save 5 pictures into oak").click()
    expect(tiles(page)).to_have_count(0)
    (burst,) = served.got()
    assert [kind for kind, _, _ in burst["pictures"]] == ["JPEG"]


@pytest.mark.slow
def test_no_answer_within_a_minute_keeps_the_pictures(context: BrowserContext, served: Served) -> None:
    context.add_init_script("crypto.randomUUID = () => ({ forged: true })")  # a token that the server does not take
    page = context.new_page()
    page.goto(served.url)
    switch_on(page)
    take(page, 1)
    page.clock.install()
    button(page, "Save 1 picture into oak").click()
    expect(button(page, "Saving 1 picture ...")).to_be_disabled()
    page.clock.fast_forward(61_000)
    expect(page.get_by_role("alert").get_by_text("No answer after a minute")).to_be_visible()
    expect(button(page, "Save 1 picture into oak")).to_be_enabled()
    assert served.got() == []


TOKEN = "0f8fad5b-d9cb-469f-a165-70867728950e"
JPEG = "data:image/jpeg;base64,/9j/4AAQ"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "text",
        [JPEG],
        {},
        {"token": TOKEN, "class_name": "oak"},
        {"token": TOKEN, "class_name": "oak", "frames": []},
        {"token": TOKEN, "class_name": "oak", "frames": JPEG},
        {"token": TOKEN, "class_name": "oak", "frames": {"0": JPEG}},
        {"token": TOKEN, "class_name": "oak", "frames": [None, 7, [JPEG], {"url": JPEG}]},
        {"token": TOKEN, "class_name": ["oak"], "frames": [JPEG]},
        {"token": "", "class_name": "oak", "frames": [JPEG]},
        {"token": "../" * 12, "class_name": "oak", "frames": [JPEG]},
        {"token": 1, "class_name": "oak", "frames": [JPEG]},
        {"token": TOKEN, "class_name": "oak", "frames": [JPEG + "A" * 4_000_000]},
        {"token": TOKEN, "class_name": "oak", "frames": ["data:image/jpeg;base64,/9j/é"]},
    ],
)
@pytest.mark.slow
def test_a_forged_burst_is_none(sent: object) -> None:
    assert webcam._read(sent) is None


@pytest.mark.slow
def test_a_forged_burst_is_cut_to_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {"token": TOKEN, "class_name": "half \ud800", "frames": [JPEG] * 400}
    burst = webcam._read(sent)
    assert burst is not None
    assert len(burst.frames) == 300
    assert burst.class_name == "half ?"
    assert set(burst.frames) == {b"\xff\xd8\xff\xe0\x00\x10"}
    monkeypatch.setattr(webcam, "_room", lambda: 20)
    assert len(webcam._read(sent).frames) == 3
