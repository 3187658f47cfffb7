"""Rows 42 and 52 of the fault list: a file that answers differently, and models from strangers. (Row 55: the Test page.)"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from core import Run
from core.config.export_formats import ALL
from core.export.exports import export, exports_folder, exports_of
from core.inference import sandbox
from core.inference.classifier import Classifier
from core.inference.http_service import make_app
from core.inference.sandbox import ForeignModel, open_model
from core.system import signing, storage
from core.system.errors import ModelError
from pages.shared.http import routes
from tests.asgi import ask
from tests.pages.test_pages import visit, words
from tests.pages.test_test_page import Slow, asking, given, plain, post
from tests.pictures import COLOURS, encoded, shaded, zipped
from tests.serving import ROOT

HEAD = np.array([[4.0, -1.0, 0.5], [-2.0, 3.0, 0.0], [0.0, 0.5, -3.0]], np.float32)
LABELS = b"0 red thing\n1 green: thing\n2 third\n"


def teachable(*, quantized: bool) -> bytes:
    """A model as Teachable Machine exports it: float32 in -1..1, or bytes in and out."""
    import tensorflow as tf

    function = tf.function(
        lambda picture: tf.nn.softmax(tf.matmul(tf.reduce_mean(picture, [1, 2]), HEAD)),
        input_signature=[tf.TensorSpec((1, 224, 224, 3), tf.float32)],
    ).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        corners = [np.full((1, 224, 224, 3), corner, np.float32) for corner in product((-1, 1), repeat=3)]
        converter.representative_dataset = lambda: ([corner] for corner in corners)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return bytes(converter.convert())


@pytest.mark.slow
@pytest.mark.parametrize(("file", "near"), [("model_unquant.tflite", 1e-4), ("model.tflite", 0.05)])
def test_a_teachable_machine_zip_answers_as_it_does_there(file: str, near: float) -> None:
    content = zipped({file: teachable(quantized=file == "model.tflite"), "labels.txt": LABELS})
    square = np.asarray(shaded(COLOURS["red"], 5, (224, 224)))
    logits = (square.astype(np.float32) / 127.5 - 1).mean(axis=(0, 1)) @ HEAD
    expected = np.exp(logits) / np.exp(logits).sum()
    model = open_model(content, "tm.zip")
    assert model.classes == ("red thing", "green: thing", "third")
    assert np.abs(model.probabilities(square) - expected).max() < near
    assert model.predict([encoded(shaded(COLOURS["red"], 5, (224, 224)))], ["x"]).labels == ["red thing"]


@pytest.fixture(scope="module")
def own_zip(trained: Run) -> bytes:
    return zipped({name: (trained.folder / name).read_bytes() for name in ("model.tflite", "fieldguide.json")})


@pytest.fixture
def opened(own_zip: bytes) -> Iterator[ForeignModel]:
    model = open_model(own_zip, "own.zip")
    yield model
    model.close()


def square_for(model: Classifier, colour: str = "red") -> np.ndarray:
    return np.asarray(shaded(COLOURS[colour], 9, (model.pixels, model.pixels)))


def test_row_52_it_answers_as_here_from_a_process_of_its_own(opened: ForeignModel, trained: Run) -> None:
    own = Classifier.load(trained.folder)
    for colour in COLOURS:
        square = square_for(own, colour)
        assert np.array_equal(opened.probabilities(square), own.probabilities(square))
    assert (opened.classes, opened.pixels, opened.threshold) == (own.classes, own.pixels, own.threshold)
    assert not hasattr(opened, "_interpreter")


def test_row_52_no_keras_file_is_ever_opened(tmp_path: Path, trained: Run) -> None:
    mark = tmp_path / "ran"
    trap = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    trap.save(tmp_path / "model.keras")
    evil = (tmp_path / "model.keras").read_bytes()
    code = f"import pathlib; pathlib.Path({str(mark)!r}).touch()".encode()
    spec = json.loads((trained.folder / "fieldguide.json").read_text()) | {"model": "model.keras"}
    for files in (
        {"model.keras": evil, "fieldguide.json": json.dumps(spec).encode()},
        {"saved_model.pb": b"x", "variables/variables.index": b"x", "labels.txt": LABELS},
        {"model.keras": evil, "labels.txt": LABELS, "__main__.py": code, "sitecustomize.py": code},
    ):
        with pytest.raises(ModelError, match="no model in it that can be opened here"):
            open_model(zipped(files), "evil.zip")
    assert not mark.exists()


def broken(content: bytes) -> dict[str, bytes]:
    return {"model_unquant.tflite": content, "labels.txt": LABELS}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        zipped({}),
        zipped(broken(b"")),
        zipped(broken(b"TFL3" * 5000)),
        zipped(broken(bytes(range(256)) * 40)),
        zipped({"model.tflite": b"x", "labels.txt": b""}),
        zipped({"model.tflite": b"x", "fieldguide.json": b"[1]"}),
        zipped({"model.tflite": b"x", "fieldguide.json": b"[" * 100_000}),
        zipped({"model.tflite": b"x", "fieldguide.json": b'{"model": "../../../etc/passwd.tflite"}'}),
    ],
)
def test_row_52_a_bad_file_is_one_plain_sentence(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"^bad\.zip") as caught:
        open_model(content, "bad.zip")
    assert caught.value.hint.endswith(".")


def test_row_52_the_parts_of_a_model_that_were_swapped_are_refused(trained: Run) -> None:
    content = zipped(broken((trained.folder / "model.tflite").read_bytes())).replace(b"2 third\n", b"2 3\n3 4\n")
    with pytest.raises(ModelError):
        open_model(content, "bad.zip")


@pytest.mark.skipif(os.name != "posix", reason="signals are a matter of POSIX")
def test_row_52_a_crash_of_the_engine_is_a_sentence(opened: ForeignModel) -> None:
    square = square_for(opened)
    before = opened.probabilities(square)
    crashing = np.zeros((2, 2, 3), np.uint8)  # not what the process reads: it ends over it
    with pytest.raises(ModelError, match=r"runs own\.zip ended while it looked at this picture"):
        opened.probabilities(crashing)
    assert not opened.alive
    with pytest.raises(ModelError, match="ended while"):
        opened.probabilities(crashing)
    assert np.array_equal(opened.probabilities(square), before)


@pytest.mark.skipif(os.name != "posix", reason="signals are a matter of POSIX")
def test_row_52_a_process_that_was_killed_is_started_again(opened: ForeignModel) -> None:
    """Also while it is asked, and behind HTTP, where a picture is never blamed for it."""
    square = square_for(opened)
    before = opened.probabilities(square)
    for number in (signal.SIGKILL, signal.SIGSEGV):
        os.kill(opened._worker.process.pid, number)
        assert np.array_equal(opened.probabilities(square), before)
        assert opened.alive
    app, content = make_app(opened, "x"), encoded(shaded(COLOURS["red"], 9))
    os.kill(opened._worker.process.pid, signal.SIGKILL)
    status, _, said = ask(app, "POST", "/predict", content)
    assert (status, json.loads(said)["label"]) == (200, "red")
    opened.close()
    opened._content = b"no zip any more"
    status, _, said = ask(app, "POST", "/predict", content)
    assert status == 503
    assert "own.zip: This is not a whole zip file" in json.loads(said)["error"]
    assert ask(app, "POST", "/predict", b"no picture")[0] == 422


def test_the_model_asked_longest_ago_makes_room(own_zip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST", 2)
    first, second = open_model(own_zip, "first.zip"), open_model(own_zip, "second.zip")
    square = square_for(first)
    expected = first.probabilities(square)
    third = open_model(own_zip, "third.zip")
    assert (first.alive, second.alive, third.alive) == (True, False, True)
    assert np.array_equal(second.probabilities(square), expected)
    assert (first.alive, second.alive, third.alive) == (False, True, True)
    with third._lock:  # one that is answering is left alone
        assert np.array_equal(first.probabilities(square), expected)
        assert (first.alive, second.alive, third.alive) == (True, True, True)
    for model in (first, second, third):
        model.close()


def test_labels_of_one_name_are_told_apart(trained: Run) -> None:
    files = broken((trained.folder / "model.tflite").read_bytes()) | {"labels.txt": b"0 cat\n1 cat\n2 Cat\n"}
    model = open_model(zipped(files), "tm.zip")
    [said] = model.predict([encoded(shaded(COLOURS["red"], 5))]).as_dicts()
    assert list(said["probabilities"]) == ["cat", "cat (2)", "Cat"]
    assert sandbox._unique(["a", "a (2)", "a", "a", "a (2)"]) == ("a", "a (2)", "a (3)", "a (4)", "a (2) (2)")
    model.close()


def odd(shape: tuple[int, ...], dtype: str) -> bytes:
    """A model of three classes that takes no pictures."""
    import tensorflow as tf

    function = tf.function(
        lambda entry: tf.ones((1, 3)) * tf.reduce_sum(tf.cast(entry, tf.float32)),
        input_signature=[tf.TensorSpec(shape, dtype)],
    ).get_concrete_function()
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module()).convert())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "dtype"), [((), "float32"), ((1, 224), "float32"), ((1, 224, 224, 1), "float32"), ((1, 224, 224, 3), "int64")]
)  # fmt: skip
def test_row_52_a_model_that_takes_no_pictures_is_a_sentence(
    shape: tuple[int, ...], dtype: str, trained: Run, tmp_path: Path
) -> None:
    (tmp_path / "model.tflite").write_bytes(odd(shape, dtype))
    (tmp_path / "fieldguide.json").write_bytes((trained.folder / "fieldguide.json").read_bytes())
    with pytest.raises(ModelError, match="does not take the pictures"):
        Classifier.load(tmp_path / "model.tflite")
    files = {name: (tmp_path / name).read_bytes() for name in ("model.tflite", "fieldguide.json")}
    with pytest.raises(ModelError, match=r"^odd\.zip: This model does not take"):
        open_model(zipped(files), "odd.zip")


def test_a_model_file_that_was_put_away_is_opened_again_on_the_test_page(
    trained: Run, colours: Path, own_zip: bytes
) -> None:
    at = given(asking(colours), {"own.zip": own_zip}, "model file")
    assert "## red" in plain(at)
    at.toggle(key="asking").set_value(False).run()
    *_, model = at.session_state["opened model"]
    model.close()
    at.run()
    assert not at.exception
    assert not at.error
    assert "This is a model from a file: **own.zip**" in plain(at)
    assert "## red" in plain(at)
    assert model.alive


def test_the_live_view_keeps_few_models_and_those_in_use() -> None:
    picture = encoded(shaded(COLOURS["red"], 9), "JPEG")
    urls = [routes.live_url(Slow(), f"few {number}") for number in range(6)]
    assert post(urls[0], picture)[0] == 200
    urls += [routes.live_url(Slow(), f"few {number}") for number in range(6, 8)]
    assert [post(url, picture)[0] for url in urls] == [200, 404, 404, 200, 200, 200, 200, 200]


@pytest.mark.skipif(os.name != "posix", reason="signals are a matter of POSIX")
def test_row_52_a_model_that_never_answers_is_given_up(opened: ForeignModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "ANSWER_SECONDS", 0.2)
    os.kill(opened._worker.process.pid, signal.SIGSTOP)
    with pytest.raises(ModelError, match="did not answer within"):
        opened.probabilities(square_for(opened))
    assert not opened.alive
    monkeypatch.undo()
    assert opened.probabilities(square_for(opened)).shape == (3,)


def test_row_52_its_process_ends_with_it(own_zip: bytes) -> None:
    model = open_model(own_zip, "own.zip")
    pid = model._worker.process.pid
    assert psutil.pid_exists(pid)
    del model
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit holds on Linux")
def test_row_52_endless_memory_is_refused() -> None:
    code = "from core.inference import sandbox_worker as w; w.limit_memory(); bytearray(w.MEMORY)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "MemoryError" in found.stderr


@pytest.mark.slow
def test_row_42_a_file_that_answers_differently_is_told_in_red(trained: Run, colours: Path) -> None:
    made = export(trained)
    assert made.good
    report = exports_folder(trained, "float32") / "report.json"
    before = storage.read_json(report)
    try:
        signing.write_signed(report, json.dumps(before | {"agreement": ALL["float32"].bar - 0.01}).encode())
        assert not exports_of(trained)["float32"].good
        at = visit("pages/6_Export.py", colours, run=trained.id)
        assert any("differently" in str(error.value) for error in at.error), words(at)
        signing.write_signed(report, json.dumps(before).encode())
        at = visit("pages/6_Export.py", colours, run=trained.id)
        assert not any("differently" in str(error.value) for error in at.error)
    finally:
        signing.write_signed(report, json.dumps(before).encode())
