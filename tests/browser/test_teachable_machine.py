"""A model in Teachable Machine's layout, read in a real browser by TensorFlow.js, of today and as Teachable Machine's own
program brings it, and by that program, @teachablemachine/image: all from npm."""

from __future__ import annotations

import base64
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from playwright.sync_api import Browser, Playwright

from core import Classifier, Run, export
from core.export import litert_js
from tests.browser.conftest import ARGUMENTS, PATIENCE
from tests.conftest import CHROMIUM
from tests.core.models.test_keras_hdf5 import LARGE, MODELS
from tests.pictures import COLOURS, shaded

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PACKAGES = {
    "@tensorflow/tfjs@4.22.0": (
        "56505c191e24116787477b3bb5bb1cc0cf1c2bdce8112b9c402a8a2d31cf2f00",
        {"package/dist/tf.min.js": "tf-4.22.0.js"},
    ),
    "@tensorflow/tfjs@1.3.1": (
        "5b07c26688441c08f8f801a0c8bb3fec549bb7bdac284c1eecd37212944142b0",
        {"package/dist/tf.min.js": "tf-1.3.1.js"},
    ),
    "@teachablemachine/image@0.8.5": (
        "dfaaedb6dc8729238f2d514fd8fffaf719efdfc261d55d2308bb1fa83ea8fd83",
        {"package/dist/teachablemachine-image.min.js": "image-0.8.5.js"},
    ),
}
"""As core.export.litert_js.FILES has them."""
VERSIONS = ("1.3.1", "4.22.0")
PLAIN = """async ([model, backend, square, side]) => {
    await tf.setBackend(backend)
    const network = await tf.loadLayersModel(`${model}/model.json`)
    const bytes = Uint8Array.from(atob(square), (one) => one.charCodeAt(0))
    const pictures = tf.tensor(new Float32Array(bytes), [bytes.length / (side * side * 3), side, side, 3])
    return [tf.getBackend(), await network.predict(pictures.div(tf.scalar(127)).sub(tf.scalar(1))).array()]
}"""
ITS_OWN = """async ([model, pictures]) => {
    await tf.setBackend("cpu")
    const network = await tmImage.load(`${model}/model.json`, `${model}/metadata.json`), rows = []
    for (const picture of pictures) {
        const image = new Image()
        image.src = `data:image/png;base64,${picture}`
        await image.decode()
        rows.push(await network.predict(image))
    }
    return [network.getTotalClasses(), network.getClassLabels(), rows]
}"""


class _Quiet(SimpleHTTPRequestHandler):
    """A web site that other pages may read."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """The address of a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def programs(pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of a site with the programs; for each version of TensorFlow.js a page with both."""
    assert pytestconfig.cache
    folder = pytestconfig.cache.mkdir("teachable-machine")
    with FileLock(folder / "lock"), pytest.MonkeyPatch.context() as patched:
        patched.setattr(litert_js, "FILES", PACKAGES)
        try:
            litert_js.fetch(folder, seconds=200)
        except litert_js.FetchError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"TensorFlow.js and @teachablemachine/image cannot be fetched from npm. {error.args[1]}")
    for version in VERSIONS:
        scripts = "".join(f"<script src={name}.js></script>" for name in (f"tf-{version}", "image-0.8.5"))
        (folder / f"{version}.html").write_text(f"<!doctype html>{scripts}")
    with site(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


def said(browser: Browser, page: str, script: str, given: list[Any]) -> list[Any]:
    """What a script on a page answers."""
    tab = browser.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.goto(page)
    answer: list[Any] = tab.evaluate(script, given)
    tab.close()
    return answer


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty squares of 224 pixels, of colours between those of the classes."""
    folder = tmp_path_factory.mktemp("squares")
    files = [folder / f"{number:02}.png" for number in range(20)]
    shares = np.random.default_rng(5).dirichlet([0.2] * 3, len(files))
    for number, colour in enumerate((shares @ list(COLOURS.values())).astype(int).tolist()):
        shaded(colour, number, (224, 224)).save(files[number])
    return files


@pytest.mark.slow
def test_pictures_are_answered_as_by_the_tflite_file(
    trained: Run, pictures: list[Path], programs: str, browser: Browser, tmp_path: Path
) -> None:
    wanted = Classifier.load(trained.records.tflite.parent).predict(pictures).probabilities
    assert 0.2 < np.median(wanted.max(axis=1)) < 0.98  # else all would be 0 or 1
    assert len(set(wanted.argmax(axis=1))) == 3
    with zipfile.ZipFile(export(trained, "teachable-machine-js").download) as bundle:
        bundle.extractall(tmp_path)
    few = pictures[:2]  # both programs compute alike, and in JavaScript alone each picture takes a second
    squares = as_text(b"".join(np.asarray(Image.open(file)).tobytes() for file in few))
    with site(tmp_path) as model:
        backend, rows = said(browser, f"{programs}/4.22.0.html", PLAIN, [model, "cpu", squares, 224])
        assert backend == "cpu"
        np.testing.assert_allclose(rows, wanted[: len(few)], atol=1e-5)
        one = as_text(np.asarray(Image.open(pictures[0])).tobytes())
        backend, rows = said(browser, f"{programs}/4.22.0.html", PLAIN, [model, "webgl", one, 224])
        assert backend == "webgl"
        np.testing.assert_allclose(rows, wanted[:1], atol=1e-3)
        given = [model, [as_text(file.read_bytes()) for file in pictures]]
        total, labels, answers = said(browser, f"{programs}/1.3.1.html", ITS_OWN, given)
    assert total == 3
    assert labels == ["blue", "green", "red"]
    assert [[one["className"] for one in answer] for answer in answers] == [labels] * len(pictures)
    np.testing.assert_allclose([[one["probability"] for one in answer] for answer in answers], wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("models", [MODELS, pytest.param(LARGE, marks=pytest.mark.thorough)], ids=["small", "large"])
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_networks_of_every_make_are_read(
    models: dict[str, Any], programs: str, browser: Browser, tmp_path: Path
) -> None:
    import keras

    from core.models import tensorflow_js
    from core.models.flattening import NoSuchLayerError

    keras.utils.set_random_seed(3)
    noise = np.random.default_rng(2).integers(0, 256, (2, 224, 224, 3), np.uint8)
    for name, make in models.items():
        model = make()
        model.run_eagerly = True
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        if name == "layer scale":
            with pytest.raises(NoSuchLayerError, match=r"TensorFlow\.js has nothing for its step"):
                tensorflow_js.write(model, folder / "model.json")
            continue
        tensorflow_js.write(model, folder / "model.json")
        shares = tensorflow_js.shares(224, model.input_shape[1])
        seen = np.einsum("nhwc,hi,wj->nijc", noise, shares, shares).astype(np.float32)
        wanted = model.predict(seen, verbose=0)
        assert wanted.std(axis=0).max() > 1e-4, name
        with site(folder) as address:
            for version in VERSIONS:
                given = [address, "cpu", as_text(noise.tobytes()), 224]
                _, rows = said(browser, f"{programs}/{version}.html", PLAIN, given)
                np.testing.assert_allclose(rows, wanted, atol=1e-5, err_msg=f"{name}, {version}")
