"""The web page in the zip, in a real browser, against the program beside it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright

from core import Run, export
from core.config.framing import FITS, Framing
from core.imaging import decode
from tests.browser.conftest import ARGUMENTS, PATIENCE
from tests.conftest import CHROMIUM
from tests.pictures import encoded

pytestmark = pytest.mark.browser
PAGE = files("core.export") / "programs" / "web" / "index.html"


@pytest.fixture
def served(trained: Run, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    with zipfile.ZipFile(export(trained, "float32").download) as bundle:
        bundle.extractall(tmp_path)
    program = [sys.executable, str(tmp_path / "web" / "start.py"), "--no-browser"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield tmp_path, next(line.strip() for line in server.stdout if line.startswith("http:"))
        server.terminate()


@pytest.mark.slow
@pytest.mark.network  # it fetches LiteRT.js
def test_the_page_answers_as_the_program_does(served: tuple[Path, str], browser: Browser) -> None:
    folder, address = served
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    elsewhere: list[str] = []
    page.on("request", lambda request: request.url.startswith(address[:21]) or elsewhere.append(request.url[:80]))
    page.goto(address)
    page.wait_for_function("!document.getElementById('file').disabled")
    for one in expected:
        row = page.evaluate(
            "async (name) => { const picture = await createImageBitmap(await (await fetch(name)).blob());"
            " return await classify(picture, picture.width, picture.height) }",
            f"../{one['file']}",
        )
        assert row == pytest.approx(one["probabilities"], abs=1e-3)
        page.set_input_files("#file", folder / one["file"])
        page.wait_for_function(f"document.getElementById('said').textContent.startsWith('{one['label']} (')")
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_function("document.querySelector('video').readyState === 4")
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
    page.close()


@pytest.fixture(scope="module")
def blank(playwright: Playwright) -> Iterator[Page]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser.new_page()
    browser.close()


def function(name: str) -> str:
    """The text of a function of the page."""
    start, end = f"  function {name}(", "\n  }\n"
    _, found, rest = PAGE.read_text(encoding="utf-8").partition(start)
    assert found
    return found + rest.partition(end)[0] + end


# As lists of numbers they would take a second each.
BYTES = """
    const hear = (text) => Uint8ClampedArray.from(atob(text), (one) => one.charCodeAt(0))
    const say = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
"""


def say(content: bytes) -> str:
    return base64.b64encode(content).decode()


def hear(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


REGION = (0.1, 0.0, 0.85, 0.6)
FRAMINGS = [Framing.model_validate({"fit": fit, "region": region}) for fit in FITS for region in ((0, 0, 1, 1), REGION)]


# Where a picture is higher than wide, newer versions of Pillow go down before they go across: the roundings differ.
@pytest.mark.parametrize(
    ("size", "pixels", "framing", "apart"),
    [
        *((size, pixels, Framing(), 0) for size, pixels in (((320, 263), 224), ((640, 481), 96), ((900, 60), 7))),
        *((size, pixels, Framing(), 0) for size, pixels in (((90, 71), 224), ((64, 64), 64), ((3, 1), 8))),
        *((size, pixels, Framing(), 1) for size, pixels in (((263, 320), 224), ((71, 90), 224), ((60, 900), 7))),
        *((size, 64, framing, 1) for size in ((320, 61), (47, 310), (3, 1)) for framing in FRAMINGS),
    ],
)
def test_the_page_scales_as_training_does(
    blank: Page, size: tuple[int, int], pixels: int, framing: Framing, apart: int
) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)
    rgba[..., 3] = 255
    made = blank.evaluate(
        f"([data, ...given]) => {{ {BYTES} {function('place')} {function('square')}"
        " return say(square(hear(data), ...given)) }",
        [say(rgba.tobytes()), *size, pixels, framing.model_dump(mode="json")],
    )
    seen = hear(made).reshape(pixels, pixels, 4)
    assert (seen[..., 3] == 255).all()
    expected = decode.square(Image.fromarray(rgba).convert("RGB"), pixels, framing).astype(int)
    assert np.abs(seen[..., :3] - expected).max() <= apart


@pytest.mark.parametrize("size", [(320, 263), (90, 120)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("framing", [Framing(), Framing(fit="letterbox"), Framing(region=REGION)])
def test_the_numbers_for_the_model_are_those_of_training(
    blank: Page, size: tuple[int, int], mode: str, framing: Framing
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
    content = encoded(Image.fromarray(pixels))
    made = blank.evaluate(
        """async (content) => {
            const canvas = document.createElement("canvas"), whole = document.createElement("canvas")
            const spec = { input: { pixels: 64, framing: FRAMING, range: [0, 255], dtype: "uint8" } }
            FUNCTIONS
            const picture = await createImageBitmap(new Blob([hear(content)], { type: "image/png" }))
            return say(numbers(picture, picture.width, picture.height))
        }""".replace("FUNCTIONS", BYTES + function("place") + function("square") + function("numbers")).replace(
            "FRAMING", framing.model_dump_json()
        ),
        say(content),
    )
    apart = np.abs(hear(made).reshape(64, 64, 3).astype(int) - decode.read_square(content, 64, framing).astype(int))
    assert apart.max() <= 1  # the browser lays it on white with other roundings
