"""A model card: what a trained model is, how good, and what it is not for, after Mitchell et al. 2019 ("Model cards for
model reporting"). The same content as Markdown and as one HTML page without scripts, links or anything from elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from core.config.framing import Framing
from core.config.recipes import title_of
from core.config.training import TrainConfig
from core.datasets.edit_journal import HIDDEN
from core.datasets.project import Project
from core.datasets.splits import READY_MADE
from core.evaluation import robustness
from core.evaluation.model_card import learning
from core.evaluation.model_card.render import Block, Section, Shown, Table, as_html, as_markdown
from core.imaging import decode
from core.inference.classifier import SPEC_NAME
from core.inference.decision import NOT_SURE, decision_of
from core.inference.metrics import Evaluation
from core.runs.film import read_film
from core.runs.lifecycle import Run, RunSnapshot, evaluate
from core.runs.notes import about, title
from core.runs.pictures import find_file
from core.runs.predictions import probabilities
from core.runs.records import RunPicture, RunPlan
from core.runs.result import RunResult
from core.system import storage
from core.system.errors import FieldguideError, RunError
from core.system.naming import count, percent
from core.system.statistics import FEW, in_words, wilson

MOST_ERRORS = 6
_THUMBNAIL = 160
_FEW_TESTED = 10
_FEW_LEARNED = 20
_WEAK = 0.7
_MANY = 30
"""A matrix of more classes than this would be too wide; the largest confusions are listed instead."""


def markdown(run: Run) -> str:
    """The card as Markdown text; of the sample errors it gives the file names.

    Raises RunError if the run has no result, or its record is damaged.
    """
    return as_markdown(*_content(run, thumbnails=False))


def html(run: Run) -> str:
    """The card as one HTML page, the sample errors as small pictures in it. Raises RunError as `markdown` does."""
    return as_html(*_content(run, thumbnails=True))


def _content(run: Run, *, thumbnails: bool) -> tuple[str, list[Section]]:
    snapshot = run.snapshot()
    result = snapshot.result
    if result is None:
        raise RunError("This training has no result yet.", "Wait for its end, or train again.")
    plan, added = snapshot.plan, about(run)
    test = evaluate(run)
    limits = limits_of(plan, test)
    sections: list[Section] = [
        ("What it is", [_what(plan, test), *([added.notes] if added.notes else [])]),
        ("What it is for, and its limits", [tuple(limits)]),
        ("Numbers", [_numbers(snapshot, result, test), _by_class(test), _confusion(test)]),
        ("Pictures it learned from", _data(plan)),
    ]
    found = robustness.read(run)
    if found:
        told = robustness.in_words(found, len(plan.classes), plan.config.augment)
        sections.insert(3, ("Harder pictures", [told, _harder(found)]))
    if film := read_film(run.records):
        sections.append(("How it learned", learning.blocks(film, plan.classes, result.best_epoch)))
    mistakes = _mistakes(run, plan, thumbnails=thumbnails)
    if mistakes:
        sections.append(("Some of its mistakes", ["The surest first.", tuple(mistakes)]))
    sections.append(("How it was made", [_settings(plan, result)]))
    sections.append(("Versions", [_versions(run)]))
    return f"Model card: {title(plan, added)}", sections


def _what(plan: RunPlan, test: Evaluation) -> str:
    return (
        f"An image classifier. It says which of these {len(plan.classes)} classes a picture shows: "
        f"{', '.join(plan.classes)}. On {count(test.total, 'picture')} that it had never seen it was right on {test.right}."
    )


def limits_of(plan: RunPlan, test: Evaluation) -> list[str]:
    """What the model is for and what it is not, as plain sentences that follow from the numbers."""
    learned = np.bincount([p.label for p in plan.part("train")], minlength=len(plan.classes)).tolist()
    said = [
        "Meant for pictures like those it learned from: of the same things, taken in the same way. It is worse on others.",
        "It knows only its classes. Whatever else is on a picture, it names one of them all the same.",
        "Do not let it decide alone where a mistake could hurt someone.",
    ]
    if test.total < FEW:
        said.append(
            f"It was tested on {count(test.total, 'picture')} only. On many more such pictures it would be right on "
            f"{in_words(test.right, test.total)} of them."
        )
    few = [f"{name} ({number})" for name, number in zip(plan.classes, learned, strict=True) if number < _FEW_LEARNED]
    if few:
        said.append(f"It learned from fewer than {_FEW_LEARNED} pictures of: {_listed(few)}.")
    if max(learned) > 3 * max(min(learned), 1):
        most, least = plan.classes[int(np.argmax(learned))], plan.classes[int(np.argmin(learned))]
        said.append(f"It saw far more of {most} ({count(max(learned), 'picture')}) than of {least} ({min(learned)}).")
    weak = [f"{s.name} ({s.right} of {s.total} right)" for s in test.classes if s.total and s.recall < _WEAK]
    if weak:
        said.append(f"It misses many of: {_listed(weak)}.")
    unsure = [f"{score.name} ({score.total})" for score in test.classes if score.total < _FEW_TESTED]
    if unsure:
        said.append(f"So few test pictures that the class's own numbers are mostly chance: {_listed(unsure)}.")
    return said


def _listed(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _numbers(snapshot: RunSnapshot, result: RunResult, test: Evaluation) -> Table:
    val = result.val
    low, high = wilson(test.right, test.total)
    threshold = decision_of(snapshot.run.folder).threshold
    rows = [
        ("accuracy", f"{percent(test.accuracy, 1)} ({test.right} of {test.total} right)"),
        ("95 % interval (Wilson)", f"{percent(low, 1)} to {percent(high, 1)}"),
        ("macro F1", f"{test.macro_f1:.3f}"),
        ("log-loss", f"{test.log_loss:.3f}"),
        ("validation accuracy", f"{percent(val.accuracy, 1)} ({val.right} of {val.total} right)"),
    ]
    if threshold:
        rows.append((f'says "{NOT_SURE}"', f"below a confidence of {percent(threshold)}; not counted in these numbers"))
    return Table("On the test part", ("what", "value"), tuple(rows))


def _by_class(test: Evaluation) -> Table:
    rows = tuple(
        (s.name, f"{s.right} of {s.total}", f"{s.recall:.2f}", f"{s.precision:.2f}", f"{s.f1:.2f}")
        for s in test.classes
    )
    return Table("Class by class", ("class", "right", "recall", "precision", "F1"), rows)


def _confusion(test: Evaluation) -> Table:
    names = [score.name for score in test.classes]
    counts = test.confusion.tolist()
    if len(names) <= _MANY:
        rows = tuple((name, *map(str, row)) for name, row in zip(names, counts, strict=True))
        return Table("Confusion matrix: rows are the true classes, columns what it said", ("true class", *names), rows)
    pairs = [(n, names[i], names[j]) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    worst = tuple((true, said, str(n)) for n, true, said in sorted(pairs, reverse=True)[:_MANY])
    return Table("What is taken for what most often", ("true class", "said", "pictures"), worst)


def _data(plan: RunPlan) -> list[Block]:
    parts = ("train", "val", "test")
    counts = {part: np.bincount([p.label for p in plan.part(part)], minlength=len(plan.classes)) for part in parts}
    rows = tuple((name, *(str(counts[part][k]) for part in parts)) for k, name in enumerate(plan.classes))
    total = ("all", *(str(int(counts[part].sum())) for part in parts))
    split = plan.config.dealing
    parted = (
        f"Of each class about {percent(split.validation)} were kept for checking while it learned (validation) and "
        f"{percent(split.test)} for the test, by chance with seed {split.seed}; what belongs together by looks or name stays "
        "in one part, where that can be."
    )
    told = plan.remarks if READY_MADE in plan.remarks else (parted, *plan.remarks)
    return [
        f"The pictures of the folder {Path(plan.project).name} as they were on {_when(plan.created)}. {' '.join(told)}",
        Table("Pictures in each part", ("class", "to learn", "to check", "to test"), (*rows, total)),
    ]


def _looks_by(config: TrainConfig, result: RunResult) -> list[tuple[str, str]]:
    """What looks at a picture: networks, what a search kept, or the members of an ensemble."""
    if result.ensemble:
        parts = (one.run if one.weight is None else f"{one.run} (weight {one.weight:.2f})" for one in result.ensemble)
        return [("trainings that it was joined from (ensemble)", ", ".join(parts))]
    if result.chosen:
        return [("what the search kept", result.chosen)]
    return [("network (backbone)", " + ".join(config.backbones))]


def _settings(plan: RunPlan, result: RunResult) -> Table:
    config, side = plan.config, result.input_pixels(plan.config)
    rows = [
        ("recipe", title_of(config.recipe)),
        *_looks_by(config, result),
        ("weights (parameters)", f"{result.parameters:,}"),
        ("picture size", f"{side} x {side} pixels, RGB"),
        ("what it sees of a picture (framing)", config.input_framing.words),
        ("time", f"{result.seconds.get('total', 0):.0f} s"),
    ]
    if not config.pretrained:
        rows.insert(2, ("layers, without the last one", config.architecture.words))
    if result.ensemble:  # each of its members was trained with settings of its own
        return Table("Settings", ("setting", "value"), tuple(rows))
    named = {"recipe", "backbone", "second_backbone", "network", "framing", "split", "augment"}
    if result.chosen:  # what the search tried says how it looks and learns
        named |= {"pixels", "mirrored", "deviations", "fine_tune", "epochs"}
    rows += [(key, str(value)) for key, value in config.model_dump(exclude=named).items()]
    changes = ", ".join(f"{name} {value}" for name, value in config.augment.switched_on.items())
    rows.append(("changes at random (augmentation)", changes or "none"))
    return Table("Settings", ("setting", "value"), tuple(rows))


def _harder(found: robustness.Robustness) -> Table:
    rows = tuple((o.change.words, percent(found.share(o))) for o in found.outcomes)
    head = (f"{found.pictures} of the {found.of} test pictures", "right")
    return Table(
        "Changed copies of test pictures", head, (("as they are", percent(found.plain / found.pictures)), *rows)
    )


def _mistakes(run: Run, plan: RunPlan, *, thumbnails: bool) -> list[Shown]:
    rows, pictures = probabilities(run.records, "test"), plan.part("test")
    wrong = [at for at, picture in enumerate(pictures) if int(rows[at].argmax()) != picture.label]
    wrong.sort(key=lambda at: -float(rows[at].max()))
    return [
        Shown(
            _thumbnail(plan, pictures[at]) if thumbnails else b"",
            pictures[at].path,
            f"is {plan.classes[pictures[at].label]}, taken for {plan.classes[int(rows[at].argmax())]} "
            f"({percent(float(rows[at].max()))} sure)",
        )
        for at in wrong[:MOST_ERRORS]
    ]


def _thumbnail(plan: RunPlan, picture: RunPicture) -> bytes:
    """JPEG bytes of what the model saw; where the picture was moved since, it is found by its content. b"" if it is gone."""
    framing = plan.config.input_framing
    try:
        if (Path(plan.project) / HIDDEN).is_dir():
            kept = Project.open(plan.project, again=True).thumbnail(picture.id, framing)
            return decode.thumbnail(kept, Framing(), _THUMBNAIL)
        return decode.thumbnail(find_file(plan, picture), framing, _THUMBNAIL)
    except (FieldguideError, OSError):
        return b""


def _versions(run: Run) -> Table:
    spec = storage.read_json(run.folder / SPEC_NAME)
    found = spec.get("versions") if isinstance(spec, dict) else None
    known = found if isinstance(found, dict) else {"fieldguide": version("fieldguide")}
    rows = [(str(name), str(number)) for name, number in known.items()]
    digest = [("SHA-256 of model.tflite", str(spec["sha256"]))] if isinstance(spec, dict) and spec.get("sha256") else []
    return Table("Made with", ("what", "version"), (*rows, *digest, ("card written", _when(time.time()))))


def _when(seconds: float) -> str:
    return time.strftime("%d %B %Y", time.localtime(seconds))
