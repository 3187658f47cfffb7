"""All trainings of a project in one table, how the settings of two differ, and deleting one. No TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.config.recipes import all_recipes, title_of
from core.config.training import TrainConfig
from core.datasets.edit_journal import TRASH, Edit, new_token
from core.datasets.file_operations import Move
from core.datasets.project import Project
from core.inference.decision import decision_of
from core.runs.lifecycle import Run, evaluate, list_runs
from core.runs.notes import About, about, gone, title, usual_title
from core.runs.records import RunRecords
from core.runs.result import RunResult
from core.system import csv_safety, storage
from core.system.errors import RunError
from core.system.statistics import wilson


@dataclass(frozen=True)
class Difference:
    """One setting that two trainings do not share; `key` has dots, as in `augment.flip`."""

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.key}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Row:
    """One run in the table. Shares are 0..1, `created` in seconds since 1970, `seconds` of the whole training; None where
    there is none (yet). `low` and `high`: the 95 % interval of the test accuracy. `differs`: from its recipe's
    settings; empty where the recipe is not on this machine. `problem`: why the rest is missing, for a damaged record."""

    run: Run
    title: str
    about: About
    recipe: str = ""
    backbone: str = ""
    state: str = ""
    created: float = 0.0
    seconds: float | None = None
    classes: int = 0
    pictures: int = 0
    right: int | None = None
    total: int | None = None
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    val_accuracy: float | None = None
    log_loss: float | None = None
    macro_f1: float | None = None
    config: TrainConfig | None = None
    differs: tuple[Difference, ...] = ()
    problem: str = ""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.id


def distinct(titles: Sequence[str]) -> list[str]:
    """Titles as they are, but the second of one kind with " (2)" after it, and so on."""
    return [f"{one} ({before + 1})" if (before := titles[:at].count(one)) else one for at, one in enumerate(titles)]


def differences(before: TrainConfig, after: TrainConfig) -> list[Difference]:
    """The settings that differ, but for the recipe's name, in the order of the form."""
    first, second = (
        _flat(config.model_dump() | {"framing": config.input_framing.model_dump(), "network": _layers(config)})
        for config in (before, after)
    )
    return [Difference(key, first[key], second[key]) for key in first if first[key] != second[key] and key != "recipe"]


def history(project: Project) -> list[Row]:
    """All runs, the newest first, each with a title of its own. Only small numbers are read, no predictions and no list of
    pictures; a damaged one is a row that says so."""
    recipes = {name: (recipe.title, recipe.config) for name, recipe in all_recipes().items()}
    rows = [_row(run, recipes) for run in list_runs(project)][::-1]
    usual = distinct([row.title for row in rows])  # among all, so that a number stays when another one gets a name
    titles = distinct([row.about.name or one for row, one in zip(rows, usual, strict=True)])
    return [replace(row, title=title) for row, title in zip(rows, titles, strict=True)][::-1]


def as_csv(rows: Sequence[Row]) -> str:
    """The table for a spreadsheet: one line a run, with everything that `history` tells."""
    header = (
        "id", "name", "star", "notes", "recipe", "backbone", "state", "created", "seconds", "classes", "pictures",
        "test right", "test total", "test accuracy", "95 % from", "95 % to", "validation accuracy", "log-loss",
        "macro F1", "differs from recipe",
    )  # fmt: skip
    return csv_safety.as_csv(
        header,
        (
            (
                row.id, row.about.name, int(row.about.star), row.about.notes, row.recipe, row.backbone,
                row.state or row.problem, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.created)), row.seconds,
                row.classes, row.pictures, row.right, row.total, row.accuracy, row.low, row.high, row.val_accuracy,
                row.log_loss, row.macro_f1, "; ".join(map(str, row.differs)),
            )
            for row in rows
        ),
    )  # fmt: skip


def why_not_deleted(project: Project, run: Run) -> str:
    """Why a run cannot be deleted, as a sentence, or "" if it can."""
    if run.folder.parent != project.runs_dir:
        return f"It lies outside of this project, in {run.folder}: delete that folder yourself."
    if not run.records.state().ended:
        return "It is under way: stop it first, on the Train page."
    if any(not RunRecords(file.parent).state().ended for file in run.folder.glob("*/state.json")):
        return "Something is being made from it at the moment: wait for its end."
    return ""


def delete(project: Project, run: Run) -> Edit:
    """Moves a run, with its model and all that was made from it, to the project's bin; `labels.undo` brings it back.

    Raises RunError if the run is gone, under way, or outside of the project, ProjectError if the folder cannot be written.
    """
    reason = why_not_deleted(project, run)
    if reason:
        raise RunError("This training cannot be deleted.", reason)
    with storage.lock_of(run.folder.parent), project.journal.editing():
        try:
            called = title(run.records.plan(), about(run))
        except RunError:
            called = run.id
        if not run.folder.is_dir():
            raise gone()
        place = f"{TRASH}/{new_token()}"
        step = Move(run.folder.relative_to(project.root).as_posix(), f"{place}/{run.id}")
        return project.edit("delete run", f"training {called} to the bin", [step], place.rpartition("/")[2])


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def _layers(config: TrainConfig) -> str:
    return "" if config.pretrained else config.architecture.words


def _row(run: Run, recipes: Mapping[str, tuple[str, TrainConfig]]) -> Row:
    added = about(run)
    try:
        head = run.records.head()
    except RunError as error:
        return Row(run, run.id, added, problem=error.message)
    numbers = _numbers_of(run.folder, storage.stamp(run.folder / "result.json"), decision_of(run.folder).temperature)
    recipe, settings = recipes.get(head.config.recipe) or (title_of(head.config.recipe), None)
    return Row(
        run,
        usual_title(recipe, head.created),
        added,
        recipe,
        " + ".join(head.config.backbones),
        run.records.state().state,
        head.created,
        classes=len(head.classes),
        pictures=sum(head.counts.values()),
        config=head.config,
        differs=_differs(settings, head.config) if settings else (),
        **numbers,
    )


@lru_cache(maxsize=1024)
def _differs(recipe: TrainConfig, config: TrainConfig) -> tuple[Difference, ...]:
    """What was set differently from the recipe; the split is the project's, unless the recipe's own was asked for."""
    return tuple(differences(recipe if config.own_split else recipe.model_copy(update={"split": config.split}), config))


@lru_cache(maxsize=1024)
def _numbers_of(folder: Path, result: tuple[int, ...], temperature: float) -> Mapping[str, Any]:  # noqa: ARG001 - the key
    """The numbers of a run's result; empty where there is none, or it is damaged."""
    found = RunRecords(folder).result()
    if not found:
        return {}
    numbers = _numbers(found)
    if temperature != 1:  # the only one of them that a temperature changes
        with suppress(RunError):
            numbers["log_loss"] = evaluate(Run(folder)).log_loss
    return numbers


def _numbers(result: RunResult) -> dict[str, Any]:
    test = result.test
    low, high = wilson(test.right, test.total)
    return {
        "right": test.right,
        "total": test.total,
        "low": low,
        "high": high,
        "accuracy": test.accuracy,
        "log_loss": test.log_loss,
        "macro_f1": test.macro_f1,
        "val_accuracy": result.val.accuracy,
        "seconds": result.seconds.get("total", 0.0),
    }
