"""From a trained model to a .tflite file that is proven to behave as it did on the screen. Loads no TensorFlow itself.

The conversion and the measuring are done by a process of its own (`core.export.worker`); here it is started, waited for
and its reports are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock

from core import store
from core.config import ExportFormat
from core.errors import ModelError, RunError
from core.prediction import SPEC_NAME
from core.processes import reap, start_worker
from core.records import RunRecords, RunState
from core.runs import Run
from core.sureness import sureness_of

KINDS: tuple[ExportFormat, ...] = get_args(ExportFormat)
GOOD_AGREEMENT = {"float32": 0.99, "float16": 0.99, "dynamic": 0.95, "int8": 0.95}
"""Below this share of equal answers an export is called different from what was trained."""


@dataclass(frozen=True)
class Export:
    """An exported model, and how it compares with the Keras model on the `pictures` of the test part that are still there
    (see core.export.parity.Parity)."""

    kind: str
    file: Path
    zip: Path
    bytes: int
    agreement: float
    max_difference: float
    accuracy: float
    milliseconds: float
    differ: tuple[str, ...]
    integer_only: bool
    pictures: int

    @property
    def good(self) -> bool:
        """Whether it answers as the trained model does."""
        return self.agreement >= GOOD_AGREEMENT[self.kind] and (self.kind != "int8" or self.integer_only)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return vars(self) | {
            "file": str(self.file),
            "zip": str(self.zip),
            "differ": list(self.differ),
            "good": self.good,
        }


def exports_folder(run: Run, kind: str = "") -> Path:
    """Where a run's exports lie, or those of one kind."""
    return run.folder / "exports" / kind


def exports_of(run: Run) -> dict[str, Export]:
    """The exports that are ready, by kind; those made before the model's sureness was changed are not."""
    found: dict[str, Export] = {}
    sureness = asdict(sureness_of(run.folder))
    for kind in KINDS:
        report = store.read_json(exports_folder(run, kind) / "report.json")
        try:
            if report.pop("sureness") != sureness:
                continue
            export = Export(
                **report | {"file": Path(report["file"]), "zip": Path(report["zip"]), "differ": tuple(report["differ"])}
            )
        except (AttributeError, TypeError, KeyError):
            continue
        if export.file.is_file() and export.zip.is_file():
            found[kind] = export
    return found


def export_state(run: Run) -> RunState | None:
    """Where the export process stands, or None if there never was one."""
    folder = exports_folder(run)
    return RunRecords(folder).state() if (folder / "state.json").is_file() else None


def start_exports(run: Run, kinds: Sequence[ExportFormat] = KINDS) -> None:
    """Starts a process that makes those of `kinds` that are not there yet; does nothing while one is at work.

    Raises RunError if the run has no model.
    """
    if not run.records.model.is_file():
        raise RunError("This run has no model to export.", "Train first, and let it finish.")
    missing = [kind for kind in kinds if kind not in exports_of(run)]
    folder = exports_folder(run)
    folder.mkdir(exist_ok=True)
    with FileLock(folder / ".lock", timeout=60):
        state = export_state(run)
        if not missing or (state and not state.ended):
            return
        start_worker(
            "core.export.worker", [str(run.folder), *missing], RunRecords(folder), RunState("running", "loading")
        )


def export(
    run: Run,
    format: ExportFormat = "float32",
    out: Path | str | None = None,
    watch: Callable[[RunState], None] | None = None,
) -> Export:
    """Makes one kind of export, measures it and waits for it.

    `out`: a path that ends in .tflite (its fieldguide.json is written beside it, under the same name) or .zip, to which
    the result is copied. Raises ModelError if the conversion fails, RunError if the run has no model.
    """
    if format not in KINDS:
        raise ModelError(f"There is no format {format!r}.", f"Choose one of: {', '.join(KINDS)}.")
    target = Path(out).expanduser().absolute() if out else None
    if target and target.suffix not in (".tflite", ".zip"):
        raise ModelError(f"{target.name} ends in neither .tflite nor .zip.", "Give the file one of these endings.")
    while format not in exports_of(run):
        start_exports(run, [format])
        while (state := export_state(run)) and not state.ended:
            if watch:
                watch(state)
            reap()
            time.sleep(0.1)
        if state and state.state != "done":
            raise ModelError(state.message or "The export was cut off.", state.hint or "Try again.")
    made = exports_of(run)[format]
    if target and target.suffix == ".zip":
        store.write_bytes(target, made.zip.read_bytes())
        return replace(made, file=target, zip=target)
    if target:
        store.write_bytes(target, made.file.read_bytes())
        store.write_bytes(target.with_suffix(".json"), made.file.with_name(SPEC_NAME).read_bytes())
        return replace(made, file=target)
    return made
