"""The web page that needs nothing, in a real browser without any network, against the program beside its model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from core import Run, export
from core.export import litert_js, web_page
from core.export.parity import ask
from tests.browser.conftest import ARGUMENTS, FAKE_CAMERA
from tests.conftest import CHROMIUM
from tests.core.imaging.test_profiles import DISPLAY_P3, profile
from tests.pictures import COLOURS, shaded

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not litert_js.PACKED.is_dir(), reason="LiteRT.js is not packed: pip install -e . does it, with internet"
    ),
]
NAMES = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{model}} <!-- &amp; \u2028"]


@pytest.fixture(scope="module")
def cut_off(playwright: Playwright) -> Iterator[BrowserContext]:
    """A browser without network."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS + FAKE_CAMERA)
    context = browser.new_context()
    context.set_offline(True)
    yield context
    browser.close()


@pytest.fixture
def asked() -> list[str]:
    """What the page asked for, dialogs that it opened, and errors of its scripts."""
    return []


@pytest.fixture
def page(cut_off: BrowserContext, asked: list[str]) -> Iterator[Page]:
    page = cut_off.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("dialog", lambda dialog: asked.append(f"dialog: {dialog.message}"))
    page.on("pageerror", lambda error: asked.append(f"error: {error}"))
    page.route("**/*", lambda route: route.continue_() if len(asked) == 1 else route.abort())
    yield page
    page.close()


def answer(page: Page, picture: Path) -> list[float]:
    """What the page says of a picture that is chosen by hand."""
    page.evaluate("() => document.getElementById('bars').replaceChildren()")
    page.set_input_files("#file", picture)
    expect(page.locator("meter").first).to_be_visible()
    return [float(value) for value in page.locator("meter").evaluate_all("(all) => all.map((one) => one.value)")]


def pictures(folder: Path) -> list[Path]:
    """Of every shape, one that is half transparent, and two in the colours of a phone's screen."""
    wide, high, whole = (
        shaded(COLOURS["red"], 1, (400, 90)),
        shaded(COLOURS["blue"], 2, (90, 400)),
        shaded((90, 90, 90), 3),
    )
    clear = Image.merge("RGBA", (*shaded(COLOURS["green"], 4).split(), Image.linear_gradient("L").resize((72, 64))))
    named = {"wide.png": wide, "high.png": high, "</script>.png": whole, "clear.png": clear}
    files = [folder / name.replace("/", "|") for name in named]
    for file, picture in zip(files, named.values(), strict=True):
        picture.save(file)
    for kind in ("png", "jpeg"):
        files.append(folder / f"phone.{kind}")
        shaded((170, 110, 60), 5).save(files[-1], icc_profile=profile(DISPLAY_P3))
    return files


def test_it_answers_as_the_program_does_and_asks_for_nothing(
    trained: Run, page: Page, asked: list[str], tmp_path: Path
) -> None:
    made = export(trained, "web-page")
    assert made.good
    assert made.download.suffix == ".html"
    files = pictures(tmp_path)
    expected = [one["probabilities"] for one in ask(made.file.parent, files, 1)]
    page.goto(made.download.as_uri())
    expect(page.get_by_text("Show it something")).to_be_visible()
    for file, row in zip(files, expected, strict=True):
        rounding = 1e-2 if file.stem == "phone" else 1e-3  # colours that are brought to sRGB are off by one in places
        said = answer(page, file)
        assert said == pytest.approx(row, abs=rounding)
        best = trained.records.plan().classes[int(np.argmax(row))]
        expect(page.get_by_role("status")).to_have_text(f"{best} ({round(max(said) * 100)} %)")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("video")).to_be_visible()
    expect(page.locator("meter")).to_have_count(3)
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("video")).to_be_hidden()
    assert asked == [made.download.as_uri()]


@pytest.fixture(scope="module")
def odd(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose classes are called like markup, and that is never sure."""
    spec = json.loads((trained.folder / "fieldguide.json").read_text(encoding="utf-8"))
    spec |= {"project": NAMES[1], "classes": NAMES, "not_sure_below": 1.1, "parity": {"accuracy": 2 / 3, "pictures": 3}}
    file = tmp_path_factory.mktemp("odd") / "page.html"
    model = trained.records.tflite.read_bytes()
    file.write_text(web_page.alone(spec, model, litert_js.PACKED), encoding="utf-8")
    return file


def test_names_are_words_and_what_is_not_sure_is_said(odd: Path, page: Page, asked: list[str], tmp_path: Path) -> None:
    page.goto(odd.as_uri())
    expect(
        page.get_by_text(f"It tells apart: {', '.join(NAMES)}. Of the test pictures, which it had never seen, 2 of 3")
    ).to_be_visible()
    expect(page).to_have_title(f"{NAMES[1]}: what is it?")
    answer(page, pictures(tmp_path)[0])
    expect(page.get_by_role("status")).to_contain_text(f"not sure, perhaps {NAMES[2]} (")
    assert page.locator("li span").all_text_contents() == NAMES
    (tmp_path / "<img src=x>.png").write_text("no picture")
    page.set_input_files("#file", tmp_path / "<img src=x>.png")
    expect(page.get_by_role("status")).to_have_text(
        "<img src=x>.png cannot be opened as a picture. Choose a JPEG or PNG."
    )
    assert page.locator("img, script:text('alert(1)')").count() == 0
    assert asked == [odd.as_uri()]


def test_the_licence_of_what_is_inside_is_told(odd: Path, page: Page) -> None:
    page.goto(odd.as_uri())
    page.get_by_text("Apache License 2.0").click()
    expect(page.locator("pre")).to_contain_text("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION")


def test_a_browser_that_is_too_old_is_told(odd: Path, page: Page) -> None:
    page.add_init_script("delete window.DecompressionStream")
    page.goto(odd.as_uri())
    expect(page.get_by_role("status")).to_contain_text("take a current Chrome, Edge, Firefox or Safari")
    expect(page.get_by_label("Choose a picture")).to_be_disabled()


def test_a_browser_that_gives_no_camera_to_a_file_offers_none(odd: Path, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.goto(odd.as_uri())
    expect(page.get_by_role("status")).to_have_text("Choose a picture.")
    expect(page.get_by_role("button", name="Use the camera")).to_be_hidden()
