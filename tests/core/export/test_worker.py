"""The parts of an export without a conversion: labels, C arrays, metadata, and the comparison with the trained model."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from core import Classifier, Project, Run
from core.config import export_formats
from core.export import bundle, parity
from core.export.exports import export, exports_folder, exports_of, failure_of, task
from core.export.litert_metadata import with_metadata
from core.runs.model_spec import make_spec
from core.runs.records import RunRecords
from core.system import signing
from core.system.errors import ModelError
from core.system.tasks.job import TaskJob
from core.system.tasks.records import TaskState
from tests.pictures import COLOURS, encoded, noise, shaded
from tests.runs import make_run, picture, pictures_for

KIND = export_formats.ALL["int8"]


def a_spec(kind: export_formats.Kind, classes: list[str]) -> dict:
    return {
        "model": kind.file,
        "classes": classes,
        "input": {"pixels": 32, "range": [0, 255], "dtype": kind.input, "crop": "the centre"},
        "output": {"dtype": kind.input},
        "test": {"accuracy": 0.9, "right": 9, "total": 10},
        "parity": {"agreement": 1.0, "accuracy": 0.8, "pictures": 9},
        "needs": {"install": kind.needs, "versions": "LiteRT, or TensorFlow Lite 2.5 or later."},
    }


@pytest.mark.parametrize("numbered", [False, True])
def test_lines_of_labels_stay_in_step_with_classes(numbered: bool) -> None:
    names = ["2 euro", "a\nb", "Ünïcode", "a:b", "#x"]
    lines = bundle.labels_text(names, numbered=numbered).encode().decode("utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(names)
    wanted = [" ".join(name.split("\n")) for name in names]
    assert lines == ([f"{number} {name}" for number, name in enumerate(wanted)] if numbered else wanted)
    if numbered:  # pycoral takes a line that begins with digits for "index name"
        assert [re.split(r"[:\s]+", line, maxsplit=1)[1] for line in lines] == wanted


def test_a_small_model_is_a_c_array_too() -> None:
    model = bytes(range(256)) * 3
    files = bundle.texts(KIND, a_spec(KIND, ["a", "b"]), model, "# card")
    text = files["model_data.h"].decode()
    assert f"model_data_length = {len(model)};" in text
    assert bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})\b", text)) == model
    assert "classify.ino" in files
    large = bundle.texts(KIND, a_spec(KIND, ["a", "b"]), bytes(export_formats.TINY), "# card")
    assert not {"model_data.h", "classify.ino"} & set(large)


@pytest.mark.parametrize("kind", export_formats.ALL.values(), ids=lambda kind: kind.name)
def test_the_read_me_names_what_is_in_the_zip(kind: export_formats.Kind) -> None:
    files = bundle.texts(kind, a_spec(kind, ["a {b}", "c"]), bytes(export_formats.TINY), "# card")
    read_me = files["README.txt"].decode()
    for name in [*files, kind.file]:
        assert name in read_me or name == "README.txt", name
    assert "It tells apart: a {b}, c" in read_me
    assert f"pip install numpy pillow {kind.needs}" in read_me
    assert "Needs\n  LiteRT, or TensorFlow Lite 2.5 or later." in read_me
    assert ("Classifier.kt" in files) == kind.litert
    assert ("curl --data-binary" in read_me) == kind.litert  # serve takes no others


def test_metadata_changes_no_answer(trained: Run, tmp_path: Path) -> None:
    model = trained.records.tflite.read_bytes()
    told = with_metadata(model, "Möwen", "möwe\nente\n")
    assert told != model
    assert with_metadata(told, "again", "x\n") == told
    assert with_metadata(model.replace(b"CONVERSION_METADATA", b"CONVERSION_METADATX"), "x", "x\n") != told
    picture = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    answers = []
    for content in (model, told):
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert np.array_equal(*answers)
    (tmp_path / "model.tflite").write_bytes(told)
    shutil.copy(trained.folder / "fieldguide.json", tmp_path)
    assert Classifier.load(tmp_path / "model.tflite").classes == ("blue", "green", "red")  # not taken for a zip
    with zipfile.ZipFile(tmp_path / "model.tflite") as inside:
        assert inside.read("labels.txt").decode() == "möwe\nente\n"


@pytest.fixture
def beside(trained: Run, tmp_path: Path) -> Path:
    """A model with its program, as the export process lays them out."""
    plan, result = trained.records.plan(), trained.records.result()
    assert result
    model = trained.records.tflite.read_bytes()
    (tmp_path / "model.tflite").write_bytes(model)
    (tmp_path / "fieldguide.json").write_text(json.dumps(make_spec(plan, result, "float32", model)))
    shutil.copy(Path(parity.__file__).with_name("predict.py"), tmp_path)
    return tmp_path


def test_a_file_that_answers_otherwise_is_found_out(beside: Path, trained: Run) -> None:
    plan = trained.records.plan()
    classifier = Classifier.load(trained.folder)
    pictures = [(p.id, plan.file(p), p.label) for p in plan.part("test")]
    reference = classifier.predict([path for _, path, _ in pictures]).probabilities
    same = parity.measure(beside, plan.classes, pictures, reference, lambda *_: None).parity
    assert same.agreement == same.accuracy == 1
    assert same.max_difference < 1e-5
    assert (same.differ, same.said) == ((), ())
    # The trained model is made to say something else of two pictures.
    reference[[0, -1]] = np.roll(reference[[0, -1]], 1, axis=1)
    other = parity.measure(beside, plan.classes, pictures, reference, lambda *_: None).parity
    assert other.agreement == pytest.approx(1 - 2 / len(pictures))
    assert other.differ == (pictures[0][0], pictures[-1][0])
    assert other.said == (plan.classes[pictures[0][2]], plan.classes[pictures[-1][2]])
    assert other.max_difference > 0.5


def test_pictures_of_every_make_are_read_as_in_training(beside: Path, trained: Run) -> None:
    """The program has no part of Fieldguide in it, so its way of decoding is held against ours."""
    pictures = {
        "turned é.jpg": encoded(shaded((200, 50, 40), 1, (90, 60)), "JPEG", exif=turned(6)),
        "clear.png": encoded(half_clear()),
        "grey.png": encoded(noise(3).convert("L")),
        "deep.png": encoded(deep()),
        "palette.gif": encoded(noise(4).convert("P"), "GIF"),
        "large.jpg": encoded(noise(5, (1200, 900)), "JPEG", quality=95),
        "without its end.jpg": encoded(noise(6), "JPEG")[:-2],
        "bad words.png": encoded(noise(7), "PNG", pnginfo=words()).replace(b"Comment", b"Comfort"),
    }
    for name, content in pictures.items():
        (beside / name).write_bytes(content)
    files = [beside / name for name in pictures]
    theirs = np.array([answer["probabilities"] for answer in parity.ask(beside, files, 1)])
    ours = Classifier.load(trained.folder).predict(files).probabilities
    assert np.abs(theirs - ours).max() < 1e-4


def words() -> object:
    from PIL import PngImagePlugin

    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "nice")
    return told


def turned(orientation: int) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def half_clear() -> object:
    image = shaded((40, 70, 200), 2).convert("RGBA")
    image.putalpha(128)
    return image


def deep() -> object:
    from PIL import Image

    return Image.fromarray((np.linspace(0, 65535, 64 * 64).reshape(64, 64)).astype(np.uint16))


@pytest.mark.parametrize(("damage", "words"), [("model.tflite", "cannot be opened"), ("fieldguide.json", "Error")])
def test_a_program_that_fails_is_told_in_one_line(beside: Path, damage: str, words: str) -> None:
    (beside / damage).write_bytes(b"damaged")
    (beside / "a.png").write_bytes(encoded(noise(1)))
    with pytest.raises(ModelError, match=words) as raised:
        parity.ask(beside, [beside / "a.png"], 1)
    assert "\n" not in raised.value.message


def test_a_picture_that_nobody_can_open_is_told(beside: Path) -> None:
    (beside / "a.png").write_bytes(encoded(noise(1)))
    (beside / "b.png").write_bytes(b"no picture")
    with pytest.raises(ModelError, match=r"b\.png: not a picture"):
        parity.ask(beside, [beside / "a.png", beside / "b.png"], 1)


def test_exports_of_an_older_version_are_made_again(trained: Run, tmp_path: Path) -> None:
    copy = Run(tmp_path / "run")
    shutil.copytree(trained.folder, copy.folder, ignore=shutil.ignore_patterns("exports"))
    folder = copy.folder / "exports" / "float32"
    folder.mkdir(parents=True)
    report = {"kind": "float32", "file": "x", "zip": "y", "differ": [], "sureness": {"temperature": 1, "threshold": 0}}
    (folder / "report.json").write_text(json.dumps(report))
    signing.sign_files(*folder.iterdir())
    assert exports_of(copy) == {}


def exporter_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of a run whose pictures are only names."""
    from core.export.worker import _Exporter

    with monkeypatch.context() as patched:
        patched.setattr(Project, "scan", lambda _: run.records.plan())
        return _Exporter(run, TaskJob(task(run).records, TaskState()))


def test_a_kind_that_fails_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(Project.open(tmp_path), "run", pictures=pictures_for(test=4))
    exporter = exporter_of(run, monkeypatch)
    done: list[str] = []

    def make(kind: export_formats.Kind) -> None:
        exports_folder(run, kind.name).mkdir(parents=True)
        if kind.name == "int8":
            raise ModelError("It cannot be.", "Choose another.")
        if kind.name == "uint8":
            raise KeyError("x")
        done.append(kind.name)

    monkeypatch.setattr(exporter, "_export", make)
    exporter.make(["int8", "float32", "uint8", "float16"])
    exporter.job.records.write_state(TaskState("done", "", ended=True))  # as the process does at its end
    assert done == ["float32", "float16"]
    failures = {kind: failure_of(run, kind) for kind in ("int8", "uint8", "float16")}
    assert str(failures["int8"]) == "It cannot be. Choose another."
    assert failures["uint8"]
    assert failures["uint8"].message == "The export failed inside: KeyError."
    assert failures["float16"] is None


@pytest.mark.slow
def test_what_a_kind_has_nothing_for_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    exporter = exporter_of(make_run(Project.open(tmp_path), "run", pictures=pictures_for(test=4)), monkeypatch)
    picture = keras.Input((8, 8, 3))
    exporter.model = keras.Model(picture, keras.layers.LeakyReLU(name="leaky")(picture))
    with pytest.raises(ModelError) as raised:
        exporter._whole(export_formats.ALL["teachable-machine-js"], tmp_path / "model.json")
    assert raised.value.message == (
        "This model cannot be written as Teachable Machine (TensorFlow.js): TensorFlow.js has nothing for its step leaky "
        "(LeakyReLU)."
    )


def test_an_export_that_was_cut_off_is_called_one(tmp_path: Path) -> None:
    run = make_run(Project.open(tmp_path), "run", pictures=pictures_for(test=4))
    assert failure_of(run, "float32") is None
    exports_folder(run).mkdir()
    RunRecords(exports_folder(run)).write_state(TaskState("running", "float32: converting", pid=2**22 + 1))
    failure = failure_of(run, "float32")
    assert failure
    assert failure.message.startswith("The export was cut off")
    assert "rain" not in failure.hint


@pytest.mark.parametrize(
    ("accuracies", "kept", "words"),
    [
        ([0.895], 0, ""),
        ([0.80, 0.90], 1, "up to 1,000"),
        ([0.80, 0.70, 0.90], 2, "input and output are floating point"),
        ([0.80, 0.85, 0.82], 1, "up to 1,000 were used. Whole numbers cost 5.0 points"),
        ([0.80, 0.80, 0.80], 0, "cost 10.0 points"),
    ],
)
def test_integers_that_cost_more_than_a_point_are_made_another_way(
    accuracies: list[float], kept: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.export.parity import Measured, Parity

    pictures = pictures_for(test=10) + [picture(1000 + n, n % 2, "train") for n in range(300)]
    run = make_run(Project.open(tmp_path), "run", pictures=pictures)
    exporter = exporter_of(run, monkeypatch)
    exporter.accuracy = exporter.checked = 0.9
    made = [f"way {number}".encode() for number in range(len(accuracies))]
    forms: list[tuple[int, bool]] = []
    packed: list[tuple[bytes, float, str]] = []

    def convert(_: object, calibration: int = 0, *, inside: bool = False) -> bytes:
        forms.append((calibration, inside))
        return made[len(forms) - 1]

    def checked(_: object, model: Path) -> float:
        return accuracies[made.index(model.read_bytes())]

    def measured(_: object, model: Path) -> Measured:
        return Measured(Parity(1.0, 0.0, accuracies[made.index(model.read_bytes())], 1.0, 1.0, 2, (), ()), [])

    def pack(_: object, model: Path, result: Measured, note: str) -> None:
        packed.append((model.read_bytes(), result.parity.accuracy, note))

    monkeypatch.setattr(exporter, "_tflite", convert)
    monkeypatch.setattr(exporter, "_accuracy_when_checked", checked)
    monkeypatch.setattr(exporter, "_measure", measured)
    monkeypatch.setattr(exporter, "_pack", pack)
    exporter._export(KIND)
    assert forms == [(200, False), (1000, False), (1000, True)][: len(accuracies)]
    [(content, accuracy, note)] = packed
    assert (content, accuracy) == (made[kept], accuracies[kept])
    assert words in note
    assert bool(words) == bool(note)


def test_integers_are_chosen_on_validation_and_told_by_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.export import worker
    from core.export.parity import Measured, Parity

    pictures = pictures_for(test=10) + [picture(1000 + n, n % 2, "train") for n in range(300)]
    exporter = exporter_of(make_run(Project.open(tmp_path), "run", pictures=pictures), monkeypatch)
    exporter.accuracy = 1.0
    assert exporter.checked == 1.0  # the run's own answers
    asked: list[list[str]] = []
    packed: list[tuple[bytes, str]] = []

    def ask(folder: Path, files: list[Path], _: int) -> list[dict[str, Any]]:
        """The first way has one of four wrong, the second none."""
        asked.append([str(file) for file in files])
        truth = np.array([p.label for p in exporter.plan.part("val")])
        if (folder / KIND.file).read_bytes() == b"1":
            truth[0] = 1 - truth[0]
        return [{"probabilities": row.tolist()} for row in np.eye(2)[truth]]

    written = iter([b"1", b"2"])
    monkeypatch.setattr(worker, "ask", ask)
    monkeypatch.setattr(exporter, "_describe", lambda *_: None)
    monkeypatch.setattr(exporter, "_tflite", lambda *_, **__: next(written))
    monkeypatch.setattr(exporter, "_measure", lambda *_: Measured(Parity(0.8, 0.5, 0.8, 1.0, 1.0, 2, (), ()), []))
    monkeypatch.setattr(exporter, "_pack", lambda _, model, __, note: packed.append((model.read_bytes(), note)))
    exporter._export(KIND)
    held_out = {p.path for p in exporter.plan.part("val")}
    assert [{Path(file).relative_to(tmp_path).as_posix() for file in files} for files in asked] == [held_out, held_out]
    [(content, note)] = packed
    assert content == b"2"
    assert "Whole numbers cost 20.0 points" in note


CAMERA = """
import numpy as np
from PIL import Image
COLOR_BGR2RGB, FONT_HERSHEY_SIMPLEX = 4, 0
class VideoCapture:
    def __init__(self, number): assert number == 1
    def isOpened(self): return True
    def read(self): return True, np.asarray(Image.open("seen.png"))[:, :, ::-1]  # blue first, as OpenCV has it
def cvtColor(frame, _): return frame[:, :, ::-1]
def putText(frame, words, *_): print(words)
def imshow(*_): pass
waits = iter([0, ord("q")])
def waitKey(_): return next(waits)
"""


def test_the_webcam_program_says_what_it_sees(beside: Path) -> None:
    (beside / "cv2.py").write_text(CAMERA)
    shaded(COLOURS["blue"], 1).save(beside / "seen.png")
    program = shutil.copy(bundle._PROGRAMS / "webcam.py", beside)
    done = subprocess.run([sys.executable, program, "1"], cwd=beside, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["blue", "blue"]


def test_a_kind_that_needs_more_than_is_installed_is_a_sentence(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_formats, "find_spec", lambda _: None)
    assert "onnx" not in {kind.name for kind in export_formats.possible_kinds()}
    with pytest.raises(ModelError, match="pip install tf2onnx"):
        export(trained, "onnx")
