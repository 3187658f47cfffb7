"""The export process: Keras model -> .tflite files, each measured. `python -m core.export.worker RUN_DIR KIND...`"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from core import store
from core.config import ExportConfig, ExportFormat
from core.errors import FieldguideError, ModelError
from core.evaluation.calibration import cooled
from core.export import exports_folder
from core.export.bundle import make_zip
from core.export.parity import is_integer_only, measure, opens
from core.prediction import SPEC_NAME, Classifier, make_spec
from core.processes import own_state
from core.records import RunPlan, RunRecords, RunState
from core.runs import Run, open_run
from core.sureness import sureness_of
from core.training.features import read_named
from core.training.saved import load_model, softened


class _Exporter:
    """Exports of one run; the Keras model is loaded once, and predicts the test part once."""

    def __init__(self, run: Run, state: RunState) -> None:
        self.run, self.state = run, state
        self.records = RunRecords(exports_folder(run))
        self.plan: RunPlan = run.records.plan()
        self.result: dict[str, Any] = run.records.result() or {}
        self.sureness = sureness_of(run.folder)
        files = [(p.id, self.plan.file(p), p.label) for p in self.plan.part("test")]
        self.test = [item for item in files if item[1].is_file()]
        if not self.test:
            raise ModelError("None of the test pictures is there any more.", "Put them back, or train again.")
        self._written = 0.0

    def say(self, phase: str, done: int = 0, total: int = 0) -> None:
        now = time.monotonic()
        if 0 < done < total and now - self._written < 0.2:
            return
        self._written = now
        self.state.phase, self.state.done, self.state.total = phase, done, total
        self.records.write_state(self.state)

    def make(self, kinds: list[ExportFormat]) -> None:
        self.say("loading")
        model = load_model(self.run)
        reference = cooled(self._reference(model), self.sureness.temperature)
        model = softened(model, self.sureness.temperature)
        for kind in kinds:
            self.say(f"{kind}: converting")
            self._export(kind, self._convert(model, kind), reference)

    def _reference(self, model: Any) -> np.ndarray:
        """The Keras model's probabilities on the test part: float32 (N, K)."""
        rows = []
        for start in range(0, len(self.test), 32):
            self.say("asking the trained model", start, len(self.test))
            squares = [read_named(path, self.plan.config.input_pixels) for _, path, _ in self.test[start : start + 32]]
            rows.append(model.predict_on_batch(np.stack(squares).astype(np.float32)))
        return np.concatenate(rows)

    def _convert(self, model: Any, kind: ExportFormat) -> bytes:
        from core.export.convert import to_tflite

        if kind == "float32" and self.sureness.temperature == 1 and self.run.records.tflite.is_file():
            made = self.run.records.tflite.read_bytes()
            if opens(made):
                return made
        return to_tflite(model, kind, self._calibration() if kind == "int8" else ())

    def _calibration(self) -> Iterator[np.ndarray]:
        """Training pictures, evenly over the classes (the plan lists them class by class)."""
        train = [path for path in map(self.plan.file, self.plan.part("train")) if path.is_file()]
        wanted = min(ExportConfig().calibration_pictures, len(train))
        for position in np.linspace(0, len(train) - 1, wanted).round().astype(int):
            yield read_named(train[position], self.plan.config.input_pixels)

    def _export(self, kind: ExportFormat, model: bytes, reference: np.ndarray) -> None:
        folder = exports_folder(self.run, kind)
        spec = make_spec(self.plan, self.result, kind, model, self.sureness)
        parity = measure(
            Classifier(model, spec),
            self.test,
            reference,
            lambda done, total: self.say(f"{kind}: checking", done, total),
        )
        spec["parity"] = {name: value for name, value in asdict(parity).items() if name != "differ"} | {
            "pictures": len(self.test)
        }
        store.write_bytes(folder / "model.tflite", model)
        store.write_json(folder / SPEC_NAME, spec)
        bundle = folder / f"{Path(self.plan.project).name[:60]}-{kind}-{self.plan.id}.zip"
        store.write_bytes(bundle, make_zip(model, spec))
        report = asdict(parity) | {
            "kind": kind,
            "sureness": asdict(self.sureness),
            "file": str(folder / "model.tflite"),
            "zip": str(bundle),
            "bytes": len(model),
            "pictures": len(self.test),
            "integer_only": is_integer_only(model),
        }
        store.write_json(folder / "report.json", report)


def main(folder: Path, kinds: list[ExportFormat]) -> int:
    """Makes the exports; returns the exit status."""
    run = open_run(folder)
    records = RunRecords(exports_folder(run))
    state = own_state(records)
    try:
        _Exporter(run, state).make(kinds)
        state.state = "done"
    except FieldguideError as error:
        state.state, state.message, state.hint = "failed", error.message, error.hint
    except Exception as error:  # noqa: BLE001 - the person must hear of whatever it was; the log keeps the details
        traceback.print_exc()
        state.state, state.message = "failed", f"The export failed inside: {type(error).__name__}."
        state.hint = f"Details are in {records.folder / 'worker.log'}."
    state.phase, state.ended = "", True
    records.write_state(state)
    return 0 if state.state == "done" else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), cast("list[ExportFormat]", sys.argv[2:])))
