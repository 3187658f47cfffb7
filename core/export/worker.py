"""The export process: what was learned -> files, each measured. `python -m core.export.worker RUN_DIR KIND...`"""

from __future__ import annotations

import json
import shutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from core.config.export_formats import ALL, TEACHABLE_PIXELS, Kind
from core.config.framing import Framing
from core.datasets.project import Project
from core.evaluation.model_card import markdown
from core.export.bundle import labels_text, texts, write_zip
from core.export.exports import FAILED, exports_folder, task
from core.export.int8_fallback import POINT, Int8Way, int8_ways, keep_best
from core.export.litert_metadata import with_metadata
from core.export.parity import Measured, ask, input_type, is_integer_only, measure, opens
from core.export.requirements import needs_of
from core.export.web_page import alone, runtime
from core.imaging.decode import open_picture
from core.inference.calibration import cooled
from core.inference.classifier import SPEC_NAME
from core.inference.decision import decision_of
from core.models.frozen import FrozenClassifier
from core.models.litert_weights import with_rounded_weights
from core.models.saved import load_model, softened
from core.runs.lifecycle import Run, open_run
from core.runs.model_spec import make_spec
from core.runs.records import RunPlan
from core.system import disk, signing, storage
from core.system.errors import ModelError, RunError
from core.system.naming import as_text, count, file_stem
from core.system.tasks.job import Stopped, TaskJob, own_state, words_for, work_through
from core.system.tasks.processes import leave
from core.training.features import read_named

if TYPE_CHECKING:
    import keras

EXAMPLES = "test_pictures"
_SHOWN = 3


class _Exporter:
    """Exports of one run. Each is compared with what the training wrote down that its model says of the test part: what stood
    on the screen. The Keras model is loaded where a kind is made from it."""

    def __init__(self, run: Run, job: TaskJob) -> None:
        self.run, self.job = run, job
        self.plan: RunPlan = run.records.plan()
        result = run.records.result()
        if result is None:
            raise RunError("This training has no result yet.", "Wait for its end, or train again.")
        self.result = result
        self.decision = decision_of(run.folder)
        project = Project.open(self.plan.project, again=True)
        # By their content: a class may have been renamed since, or another picture lie at the same place.
        self.places = {picture.id: project.path_of(picture.path) for picture in project.scan().pictures}
        part = self.plan.part("test")
        self.test = self._present("test")
        if not self.test:
            raise ModelError("None of the test pictures is there any more.", "Put them back, or train again.")
        gone = len(part) - len(self.test)
        self.gone = (
            f"{gone} of the {count(len(part), 'test picture')} {'is' if gone == 1 else 'are'} not in the project any more."
            if gone
            else ""
        )

    def _present(self, part: str) -> list[tuple[str, Path, int]]:
        """(id, path, label) of a part's pictures that are there."""
        return [(p.id, self.places[p.id], p.label) for p in self.plan.part(part) if p.id in self.places]

    def say(self, phase: str, done: int = 0, total: int = 0, kind: str = "") -> None:
        """Where it stands. Raises Stopped."""
        if self.job.should_stop():
            raise Stopped
        if (phase, kind) != (self.job.state.phase, self.job.state.subject):
            self.job.phase(phase, total, subject=kind)
        elif total:
            self.job.progress(done, total)

    def make(self, kinds: list[str]) -> None:
        """Makes them in this order; what goes wrong with one of them is written down beside where it would be."""
        there = [picture.id in self.places for picture in self.plan.part("test")]
        self.reference = cooled(self.run.records.predictions("test")[there], self.decision.temperature)
        self.accuracy = float((self.reference.argmax(axis=1) == [label for _, _, label in self.test]).mean())
        for kind in kinds:
            try:
                self._export(ALL[kind])
            except Stopped:
                raise
            except Exception as error:  # noqa: BLE001 - the others shall be made all the same
                traceback.print_exc()
                words = words_for(error, "The export", self.job.records)
                storage.write_json(exports_folder(self.run, kind) / FAILED, words)

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model, as it is used."""
        return softened(load_model(self.run.records.model), self.decision.temperature)

    def _export(self, kind: Kind) -> None:
        folder = exports_folder(self.run, kind.name)
        disk.remove_tree(folder)
        folder.mkdir(parents=True)
        if kind.page:
            self._litert_js(kind)  # where it cannot be had, that is said before all the work
        model = folder / kind.file
        note = self._write(kind, model)
        measured = self._measure(kind, model)
        lost = self.accuracy - measured.parity.accuracy
        if kind.integer and lost > POINT:
            note = f"{note} Whole numbers cost {lost * 100:.1f} points of accuracy: take float16 if you can.".strip()
        framing = self.plan.config.input_framing
        if kind.teachable and framing != Framing():
            note = (
                f"{note} Programs for Teachable Machine show a model the centre square. This one must be shown something else: "
                f"{framing.words}."
            ).strip()
        self._pack(kind, model, measured, f"{self.gone} {note}".strip())

    def _write(self, kind: Kind, model: Path) -> str:
        """Writes the model in the way that does best on the validation part, so that the test stays a test; returns what is
        to be said of it."""
        if not kind.integer:
            self.say("converting", kind=kind.name)
            if kind.converted:
                model.write_bytes(self._tflite(kind))
            else:
                self._whole(kind, model)
            return ""

        def convert(way: Int8Way) -> float:
            self.say("converting", kind=kind.name)
            model.write_bytes(self._tflite(kind, way.calibration, inside=way.inside))
            return self._accuracy_when_checked(kind, model)

        ways = int8_ways(len(self.plan.part("train")), teachable=kind.teachable)
        return keep_best(ways, model, convert, wanted=self.checked - POINT)

    @cached_property
    def checked(self) -> float:
        """Accuracy of the trained model on those of the validation part that are there; 0 where none is."""
        there = np.array([picture.id in self.places for picture in self.plan.part("val")])
        truth = np.array([picture.label for picture in self.plan.part("val")])
        right = self.run.records.predictions("val").argmax(axis=1) == truth
        return float(right[there].mean()) if there.any() else 0.0

    def _accuracy_when_checked(self, kind: Kind, model: Path) -> float:
        pictures = self._present("val")
        if not pictures:
            return 1.0
        self._describe(kind, model)
        answers = ask(model.parent, [path for _, path, _ in pictures], 1)
        said = np.array([answer["probabilities"] for answer in answers]).argmax(axis=1)
        return float((said == [label for _, _, label in pictures]).mean())

    def _whole(self, kind: Kind, target: Path) -> None:
        from core.models.flattening import NoSuchLayerError
        from core.models.whole_files import save_whole

        try:
            save_whole(self.model, kind.name, target)
        except Exception as error:
            reason = f": {error}" if isinstance(error, NoSuchLayerError) else "."
            raise ModelError(
                f"This model cannot be written as {kind.title}{reason}", "Choose another kind of file."
            ) from error

    def _tflite(self, kind: Kind, calibration: int = 0, *, inside: bool = False) -> bytes:
        """`inside`: integers throughout, but for the input and output."""
        made = self._joined(kind)
        if not made or not opens(made):
            from core.models.litert_conversion import INSIDE, Refused, to_tflite

            try:
                made = to_tflite(self.model, INSIDE if inside else kind.name, self._calibration(kind, calibration))
            except Refused as error:
                raise ModelError(
                    f"This model cannot be made into {kind.name}.", "Choose another kind of file."
                ) from error
        if kind.teachable:
            return made  # its programs expect none
        if kind.page:
            made = with_rounded_weights(made)
        return with_metadata(made, self._project, labels_text(self.plan.classes))

    def _joined(self, kind: Kind) -> bytes | None:
        """The file, where it is there already, or can be made without TensorFlow."""
        records, temperature = self.run.records, self.decision.temperature
        if kind.plain and temperature == 1 and records.tflite.is_file():
            return records.tflite.read_bytes()
        if kind.integer or kind.teachable or records.model != records.frozen:
            return None
        return FrozenClassifier.read(records.frozen).tflite(kind.weights, temperature)

    def _calibration(self, kind: Kind, most: int) -> Iterator[np.ndarray]:
        """Training pictures, evenly over the classes (the plan lists them class by class)."""
        train = [self.places[picture.id] for picture in self.plan.part("train") if picture.id in self.places]
        for position in np.linspace(0, len(train) - 1, min(most, len(train))).round().astype(int):
            yield self._square(train[position], self._pixels(kind))

    def _square(self, path: Path, pixels: int) -> np.ndarray:
        return read_named(path, pixels, self.plan.config.input_framing)

    @property
    def _project(self) -> str:
        """What the project is called."""
        return as_text(Path(self.plan.project).name)

    def _pixels(self, kind: Kind) -> int:
        return TEACHABLE_PIXELS if kind.teachable else self.run.records.input_pixels()

    def _describe(self, kind: Kind, model: Path) -> None:
        """Writes what the program needs beside the model."""
        content = b"".join(path.read_bytes() for path in kind.files(model))
        spec = make_spec(self.plan, self.result, kind.name, content, self.decision)
        spec |= {"model": kind.file, "project": self._project}
        type_ = input_type(content) if kind.litert else "float32"
        spec["input"] |= {"dtype": type_, "pixels": self._pixels(kind)}
        spec["output"]["dtype"] = type_
        if type_ == "float32":
            spec["input"]["range"] = kind.range
        storage.write_json(model.with_name(SPEC_NAME), spec)
        shutil.copyfile(Path(__file__).with_name("predict.py"), model.with_name("predict.py"))

    def _measure(self, kind: Kind, model: Path) -> Measured:
        """Asks the program that goes along about the test part."""
        self._describe(kind, model)
        return measure(
            model.parent,
            self.plan.classes,
            self.test,
            self.reference,
            lambda done, total: self.say("checking", done, total, kind.name),
            self._examples(kind, model.parent),
        )

    def _examples(self, kind: Kind, folder: Path) -> list[Path]:
        """Writes a few test pictures without what a camera wrote into them: as the model sees them, but for a region, which is
        taken out of the whole picture."""
        storage.make_folder(folder / EXAMPLES)
        targets = []
        for number, (path, _) in enumerate(self._shown(), 1):
            targets.append(folder / EXAMPLES / f"{number}.png")
            framing, pixels = self.plan.config.input_framing, self._pixels(kind)
            seen = (
                Image.fromarray(self._square(path, pixels)) if framing.whole else _whole(path, framing.at_least(pixels))
            )
            seen.save(targets[-1], "PNG")
        return targets

    def _shown(self) -> list[tuple[Path, str]]:
        """The test pictures that go along, and their classes."""
        every = np.unique(np.linspace(0, len(self.test) - 1, _SHOWN).round().astype(int))
        return [(self.test[position][1], self.plan.classes[self.test[position][2]]) for position in every]

    def _pack(self, kind: Kind, model: Path, measured: Measured, note: str) -> None:
        """What is taken away, and at last the report that makes the export known."""
        folder, spec, parity = model.parent, storage.read_json(model.with_name(SPEC_NAME)), asdict(measured.parity)
        shared = {name: value for name, value in parity.items() if name not in ("differ", "said")}
        spec |= {"parity": shared | {"pictures": len(self.test)}} | ({"note": note} if note else {})
        spec["needs"] = dict(zip(("install", "versions"), needs_of(kind, model), strict=True))
        storage.write_json(folder / SPEC_NAME, spec)
        content = model.read_bytes() if kind.litert else b""
        project = file_stem(f"{Path(self.plan.project).name}{kind.ending}")
        download = folder / f"{project}-{kind.name}-{self.plan.id}{kind.ending}"
        if kind.page:
            storage.write_bytes(download, alone(spec, content, self._litert_js(kind)).encode())
        else:
            files = texts(kind, spec, content, markdown(self.run)) | self._tried(folder, measured)
            inside = {path.relative_to(folder).as_posix(): path for path in kind.files(model)}
            storage.write_with(download, lambda target: write_zip(target, inside, files))
        report = parity | {
            "kind": kind.name,
            "sureness": asdict(self.decision),
            "file": model.name,  # without the folder, which may be moved or copied
            "download": download.name,
            "bytes": sum(path.stat().st_size for path in kind.files(model)),
            "pictures": len(self.test),
            "integer_only": kind.litert and is_integer_only(content),
            "note": note,
        }
        signing.sign_files(download, *([] if model.is_dir() else [model]))
        signing.write_signed(folder / "report.json", json.dumps(report).encode())

    def _litert_js(self, kind: Kind) -> Path:
        return runtime(lambda: self.say("browser", kind=kind.name))

    def _tried(self, folder: Path, measured: Measured) -> dict[str, bytes]:
        """The examples, and what must come out of them: name in the zip -> content."""
        files, expected = {}, []
        for number, (answer, (_, name)) in enumerate(zip(measured.examples, self._shown(), strict=True), 1):
            file = f"{EXAMPLES}/{number}.png"
            said = {key: answer[key] for key in ("label", "probability", "sure", "probabilities")}
            expected.append({"file": file, "class": name} | said)
            files[file] = (folder / file).read_bytes()
        return files | {"expected.json": json.dumps(expected, indent=1, ensure_ascii=False).encode()}


def _whole(path: Path, shorter: int) -> Image.Image:
    """A picture no larger than it need be."""
    image = open_picture(path, at_least=shorter)
    return ImageOps.scale(image, min(1.0, 2 * shorter / min(image.size)))


def main(folder: Path, kinds: list[str]) -> int:
    """Makes the exports; returns the exit status."""
    run = open_run(folder)
    records = task(run).records
    job = TaskJob(records, own_state(records))
    return work_through(
        job,
        lambda: _Exporter(run, job).make(kinds),
        what="The export",
        again="try again",
        stopped="Stopped; what was made by then is kept.",
    )


if __name__ == "__main__":
    leave(main(Path(sys.argv[1]), sys.argv[2:]))
