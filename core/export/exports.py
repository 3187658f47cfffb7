"""From a trained model to a file that is proven to behave as it did on the screen. Loads no TensorFlow itself.

The conversion and the measuring are done by a process of its own (`core.export.worker`); here it is started, waited for
and its reports are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.config.export_formats import ALL, can_be_made, possible_kinds
from core.export.parity import Parity
from core.inference.classifier import SPEC_NAME
from core.inference.decision import decision_of
from core.models.saved import why_not_loaded
from core.runs.lifecycle import Run
from core.system import signing, storage
from core.system.errors import ModelError, RunError, as_sentence
from core.system.tasks.handle import TaskHandle
from core.system.tasks.records import AGAIN, TaskState

FAILED = "failed.json"
"""In the folder of a kind that could not be made: what happened, and what to do."""


@dataclass(frozen=True)
class Export(Parity):
    """An exported model, and how it compares with the trained model on the `pictures` of the test part that are still there.

    `file`: the model, a folder for a SavedModel; `bytes`: its size; `integer_only`: whether it has no floating-point number
    in it; `download`: what is taken away, a zip or a web page; `note`: what had to be done differently than usual, a
    sentence, or "".
    """

    kind: str
    file: Path
    download: Path
    bytes: int
    integer_only: bool
    pictures: int
    note: str

    @property
    def good(self) -> bool:
        """Whether it answers as the trained model does."""
        return self.agreement >= ALL[self.kind].bar

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return vars(self) | {
            "file": str(self.file),
            "download": str(self.download),
            "differ": list(self.differ),
            "said": list(self.said),
            "good": self.good,
        }


def exports_folder(run: Run, kind: str = "") -> Path:
    """Where a run's exports lie, or those of one kind."""
    return run.folder / "exports" / kind


def exports_of(run: Run) -> dict[str, Export]:
    """The exports that are ready, by kind; not those made before the model's decision was changed, or on another computer:
    what was measured there is not known here."""
    found: dict[str, Export] = {}
    decision = asdict(decision_of(run.folder))
    for kind in ALL:
        file = exports_folder(run, kind) / "report.json"
        report: Any = storage.read_json(file) if signing.made_here(file) else None
        try:
            if report.pop("sureness") != decision:
                continue
            export = Export(
                **report
                | {name: exports_folder(run, kind) / report[name] for name in ("file", "download")}
                | {name: tuple(report[name]) for name in ("differ", "said")}
            )
        except (AttributeError, TypeError, KeyError):
            continue
        if export.file.exists() and signing.made_here(export.download):
            found[kind] = export
    return found


def task(run: Run) -> TaskHandle:
    """The process that makes exports."""
    return TaskHandle(exports_folder(run), ("The export", AGAIN))


def failure_of(run: Run, kind: str) -> ModelError | None:
    """Why a kind could not be made when that was tried last, or None."""
    if kind in exports_of(run):
        return None
    words = storage.read_json(exports_folder(run, kind) / FAILED)
    state = task(run).state()
    if not words and state and state.ended and state.state != "done":  # before it came to any kind
        words = [state.message, state.hint]
    told = isinstance(words, list) and len(words) == 2 and all(isinstance(one, str) for one in words)
    return ModelError(*words) if told else None


@as_sentence(RunError)
def start_exports(run: Run, kinds: Sequence[str] | None = None) -> bool:
    """Starts a process that makes those of `kinds`, or of all that can be made, that are not there yet, in that order; does
    nothing while one is at work, and says whether it was started.

    Raises RunError if the run has no model, ModelError if it came from elsewhere, or what makes a kind is not installed.
    """
    if not run.records.model.is_file():
        raise RunError("This training has no model to export.", "Train first, and let it finish.")
    reason = why_not_loaded(run.records.model)
    if reason:
        raise reason
    wanted = [kind.name for kind in possible_kinds()] if kinds is None else kinds
    for kind in wanted:
        if not can_be_made(kind):
            raise ModelError(
                f"{ALL[kind].title} files are made by a package that is not installed.",
                f"Run: python -m pip install {' '.join(ALL[kind].made_by)}",
            )
    missing = [kind for kind in wanted if kind not in exports_of(run)]
    return bool(missing) and task(run).start("core.export.worker", [str(run.folder), *missing], phase="loading")


def export(
    run: Run,
    format: str = "float32",
    out: Path | str | None = None,
    watch: Callable[[TaskState], None] | None = None,
) -> Export:
    """Makes one kind of export, measures it and waits for it.

    `out`: a path to which the result is copied, that ends in .zip (.html for a web page), or as the model's own file does
    (.tflite; its fieldguide.json is written beside it, under the same name). Raises ModelError if the conversion fails,
    RunError if the run has no model.
    """
    if format not in ALL:
        raise ModelError(f"There is no format {format!r}.", f"Choose one of: {', '.join(ALL)}.")
    target = Path(out).expanduser().absolute() if out else None
    kind = ALL[format]
    whole, own = kind.ending, "" if kind.parts else Path(kind.file).suffix
    if target and target.suffix.lower() not in (whole, own or whole):
        words = f"ends in neither {own} nor {whole}" if own else f"does not end in {whole}"
        raise ModelError(f"{target.name} {words}.", "Give the file another ending.")
    while format not in exports_of(run):
        started = start_exports(run, [format])
        task(run).wait(watch)
        failure = failure_of(run, format) if started else None  # else others were made meanwhile
        if failure:
            raise failure
    made = exports_of(run)[format]
    if target and target.suffix.lower() == whole:
        storage.write_bytes(target, made.download.read_bytes())
        return replace(made, file=target, download=target)
    if target:
        storage.write_bytes(target, made.file.read_bytes())
        storage.write_bytes(target.with_suffix(".json"), made.file.with_name(SPEC_NAME).read_bytes())
        return replace(made, file=target)
    return made
