"""What is taken away, in every kind: by the program in the zip, and by other people's programs for such files."""

from __future__ import annotations

import io
import json
import math
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from core import Classifier, Project, Run, train
from core.config.export_formats import ALL, Kind, possible_kinds
from core.config.recipes import get_recipe
from core.export.exports import Export, export, exports_of, start_exports
from core.system.errors import ModelError
from tests.one_process import one_process

NO_TENSORFLOW = "raise ImportError('this program must run without it')"
ASKED = ["test_pictures", "bad.jpg", "gone.jpg"]
PROGRAMS = {"predict.py", "webcam.py", "README.txt", "MODEL_CARD.md", "labels.txt", "fieldguide.json", "expected.json"}

WITH_TENSORFLOW = """
import json, os, runpy, sys, traceback
import tensorflow  # which takes longer than all the rest: once for all, and each goes on as a process of its own
folders, asked = map(json.loads, sys.argv[1:])
for folder in folders:
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, name in ((1, "said.txt"), (2, "errors.txt")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
        sys.argv, status = ["predict.py", *asked], 0
        try:
            runpy.run_path("predict.py", run_name="__main__")
        except SystemExit as left:
            status = left.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture(scope="module")
def small(colours: Path) -> Run:
    """A network of its own, small enough for a microcontroller, whose pictures are not of Teachable Machine's size; how a
    large one is converted is seen to in other tests."""
    config = get_recipe("tutorial-cnn-improved").config.model_copy(update={"epochs": 6, "pixels": 64})
    with one_process():
        return train(Project.open(colours), config)


@pytest.mark.slow
def test_every_kind_answers_as_trained_here_and_elsewhere(small: Run, tmp_path: Path) -> None:
    kinds = [kind for kind in possible_kinds() if not kind.page]  # those are opened in a browser, see tests/browser
    assert {kind.name for kind in kinds} >= set(ALL) - {"onnx", "web-page"}
    start_exports(small, [kind.name for kind in kinds])
    exact = export(small, "float32")
    for kind in kinds:
        made = export(small, kind.name)
        measured(kind, made, exact)
        folder = tmp_path / kind.name
        unpacked(made, folder)
        (folder / "bad.jpg").write_text("no picture")
        if kind.litert:
            the_program(folder, PYTHONPATH=str(without_tensorflow(tmp_path / "none")))
            our_classifier(kind, made, folder)
            quantisation(kind, folder)
        else:
            with pytest.raises(ModelError, match=r"not a \.tflite file"):
                Classifier.load(made.download)
        if kind.hosted:
            layout_of_teachable_machine(folder)
        elif kind.teachable:
            programs_for_teachable_machine(kind, folder)
        elif kind.litert:
            programs_for_android(folder)
            if kind.integer:
                assert f"= {made.bytes};" in (folder / "model_data.h").read_text()
                assert (folder / "classify.ino").exists() == (kind.name == "int8")
    programs_with_tensorflow([tmp_path / kind.name for kind in kinds if not kind.litert])
    assert set(exports_of(small)) == {kind.name for kind in kinds}


def measured(kind: Kind, made: Export, exact: Export) -> None:
    assert made.good, kind
    assert made.agreement == 1.0, kind
    rough = kind.bar < 0.99 or kind.teachable  # whose pictures are scaled twice
    assert made.max_difference < (0.5 if rough else 0.05 if kind.name == "float16" else 1e-4), kind
    assert made.accuracy >= 0.9
    assert made.integer_only == kind.integer
    assert made.note == ""
    assert (made.differ, made.said) == ((), ())
    share = {"float16": 0.5, "dynamic": 0.25}.get(kind.name, 0.25 if kind.integer else 1.0)
    assert made.bytes == pytest.approx(exact.bytes * share, rel=0.15), kind


def unpacked(made: Export, folder: Path) -> None:
    with zipfile.ZipFile(made.download) as bundle:
        assert bundle.testzip() is None
        assert set(bundle.namelist()) >= PROGRAMS
        bundle.extractall(folder)
    assert "colours" in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    pictures = sorted((folder / "test_pictures").iterdir())
    assert len(pictures) == 3
    assert all(not Image.open(picture).getexif() for picture in pictures)


def without_tensorflow(folder: Path) -> Path:
    """For PYTHONPATH."""
    folder.mkdir(exist_ok=True)
    for name in ("tensorflow", "keras", "core", "streamlit"):
        (folder / f"{name}.py").write_text(NO_TENSORFLOW)
    return folder


def the_program(folder: Path, **changes: str) -> None:
    """`changes`: of the environment."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | changes
    done = subprocess.run(
        [sys.executable, "predict.py", *ASKED], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    answers_as_trained(folder, done.returncode, done.stdout, done.stderr)


def programs_with_tensorflow(folders: list[Path]) -> None:
    """On Linux they share what it takes to load TensorFlow; elsewhere no process can become two."""
    if sys.platform != "linux":
        for folder in folders:
            the_program(folder)
        return
    command = [sys.executable, "-c", WITH_TENSORFLOW, json.dumps(list(map(str, folders))), json.dumps(ASKED)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=folders[0], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    for folder, status in zip(folders, done.stdout.split(), strict=True):
        answers_as_trained(folder, int(status), *((folder / name).read_text() for name in ("said.txt", "errors.txt")))


def answers_as_trained(folder: Path, status: int, said: str, errors: str) -> None:
    """predict.py says what expected.json has, which the trained model says, too; bad pictures do it no harm."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    rows = [json.loads(line) for line in said.splitlines()]
    assert status == 1
    assert "Traceback" not in errors
    assert "bad.jpg: not a picture, or damaged" in errors.splitlines()
    assert "gone.jpg: there is no such file" in errors.splitlines()
    assert [row["file"] for row in rows] == [one["file"] for one in expected]
    for row, one in zip(rows, expected, strict=True):
        assert row["label"] == one["label"] == one["class"]
        assert row["probabilities"] == pytest.approx(one["probabilities"], abs=1e-3)
        assert row["milliseconds"] > 0


def our_classifier(kind: Kind, made: Export, folder: Path) -> None:
    """From the zip, and from the file with its description beside it."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    for source in (made.download, folder / kind.file):
        said = Classifier.load(source).predict([folder / one["file"] for one in expected])
        np.testing.assert_allclose(said.probabilities, [one["probabilities"] for one in expected], atol=1e-5)


def details(model: Path) -> tuple[Interpreter, dict, dict]:
    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    return interpreter, interpreter.get_input_details()[0], interpreter.get_output_details()[0]


def quantisation(kind: Kind, folder: Path) -> None:
    """The bytes of a picture are what goes in, and 256ths come out: what programs take for granted."""
    _, source, target = details(folder / kind.file)
    assert np.dtype(source["dtype"]).name == np.dtype(target["dtype"]).name == kind.input
    expected = {
        "int8": ((1.0, -128), (1 / 256, -128)),
        "uint8": ((1.0, 0), (1 / 256, 0)),
        "teachable-machine-quantized": ((np.float32(1 / 127.5), 127), (1 / 256, 0)),
    }.get(kind.name, ((0.0, 0), (0.0, 0)))
    assert (source["quantization"], target["quantization"]) == expected


def programs_for_teachable_machine(kind: Kind, folder: Path) -> None:
    """What clients of such zips do, after their sources: labels first, then one picture."""
    assert (folder / kind.file).name == ("model.tflite" if kind.integer else "model_unquant.tflite")
    content = (folder / "labels.txt").read_bytes()
    assert content == b"0 blue\n1 green\n2 red\n"
    lines = content.decode().splitlines()
    coral = {int(index): name for index, name in (re.split(r"[:\s]+", line.strip(), maxsplit=1) for line in lines)}
    package = [line.split(maxsplit=1)[1] for line in lines]
    snippet = [line[2:] for line in content.decode().splitlines(keepends=True)]
    assert list(coral.values()) == package == [name.strip() for name in snippet] == ["blue", "green", "red"]

    interpreter, source, target = details(folder / kind.file)
    assert tuple(source["shape"]) == (1, 224, 224, 3)
    assert tuple(target["shape"]) == (1, len(lines))
    for one in json.loads((folder / "expected.json").read_text(encoding="utf-8")):
        pixels = np.asarray(Image.open(folder / one["file"]).convert("RGB"))[None]
        assert pixels.shape == (1, 224, 224, 3)
        # A quantized one is fed the raw bytes; the other x / 127.5 - 1, as the snippet has it.
        interpreter.set_tensor(source["index"], pixels if kind.integer else pixels.astype(np.float32) / 127.5 - 1)
        interpreter.invoke()
        row = interpreter.get_tensor(target["index"])[0].astype(np.float32) / (256 if kind.integer else 1)
        assert package[int(row.argmax())] == one["label"]
        assert row.tolist() == pytest.approx(one["probabilities"], abs=1e-3)


def layout_of_teachable_machine(folder: Path) -> None:
    """What lies in a zip of Teachable Machine for TensorFlow.js; tests/browser has its own programs read it."""
    told = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    assert told["labels"] == ["blue", "green", "red"]
    assert (told["imageSize"], told["packageName"]) == (224, "@teachablemachine/image")
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    [group] = model["weightsManifest"]
    assert group["paths"] == ["weights.bin"]
    assert sum(4 * math.prod(one["shape"]) for one in group["weights"]) == (folder / "weights.bin").stat().st_size
    assert model["modelTopology"]["config"]["layers"][0]["config"]["batch_input_shape"] == [None, 224, 224, 3]
    read_me = (folder / "README.txt").read_text(encoding="utf-8")
    assert "1 x 224 x 224 x 3, RGB, -1 to 1.00787" in read_me
    assert "TensorFlow.js 1.3.1 or later" in read_me


def programs_for_android(folder: Path) -> None:
    """The labels are in a zip behind the model; the description is where the format wants it, at a multiple of 16."""
    model = (folder / "model.tflite").read_bytes()
    with zipfile.ZipFile(io.BytesIO(model)) as bundle:
        assert bundle.read("labels.txt") == (folder / "labels.txt").read_bytes() == b"blue\ngreen\nred\n"
    root = schema.Model.GetRootAs(model, 0)
    entries = {root.Metadata(i).Name(): root.Metadata(i).Buffer() for i in range(root.MetadataLength())}
    described = root.Buffers(entries[b"TFLITE_METADATA"]).DataAsNumpy()
    assert bytes(described[4:8]) == b"M001"
    assert model.index(bytes(described)) % 16 == 0
    for word in (b"labels.txt", b"probability", b"colours"):
        assert word in bytes(described)
