"""Pictures of a project -> tiles of the grid, with what is known of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from core.config.framing import Framing
from core.datasets.catalogue import Picture
from core.inference.decision import decision_of
from core.runs.lifecycle import Run, RunSnapshot
from core.runs.predictions import probabilities
from core.system.errors import FieldguideError
from pages.shared.components.grid.grid import Tile
from pages.shared.http import routes
from pages.shared.ui.page import Here
from pages.shared.ui.text import percent

PARTS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Opinions:
    """What a training says of pictures, by their ids: the part of the split, and (class, probability) for those that it
    was not trained on."""

    parts: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, float]] = field(default_factory=dict)


def opinions_of(run: RunSnapshot | None) -> Opinions:
    """What the chosen training says; nothing if there is none."""
    if run is None:
        return Opinions()
    return _opinions(str(run.run.folder), run.result is not None, decision_of(run.run.folder).temperature)


@lru_cache(maxsize=4)
def _opinions(folder: str, finished: bool, temperature: float) -> Opinions:  # noqa: ARG001 - part of the cache's key
    run = Run(Path(folder))
    plan = run.records.plan()
    answers: dict[str, tuple[str, float]] = {}
    for part in ("val", "test") if finished else ():
        try:
            rows = probabilities(run.records, part)
        except FieldguideError:
            continue
        for picture, row in zip(plan.part(part), rows, strict=True):
            answers[picture.id] = (plan.classes[int(row.argmax())], float(row.max()))
    return Opinions({picture.id: picture.part for picture in plan.pictures}, answers)


class Teller:
    """Makes tiles of some pictures, with what is known of each; what is asked of a database is asked once for all."""

    def __init__(self, here: Here, pictures: Iterable[Picture], framing: Framing | None = None) -> None:
        """`framing`: what a model sees of them; by default as the project says."""
        self._project, self._framing = here.project, framing or here.project.framing()
        self._opinions = opinions_of(here.run)
        self._origins = here.project.journal.origins(picture.id for picture in pictures)

    def tile(
        self,
        picture: Picture,
        *,
        suggestion: tuple[str, float] | None = None,
        said: tuple[str, float] | None = None,
        flag: str = "",
        section: int = 0,
    ) -> Tile:
        """A tile of one picture. `suggestion`, or what a model `said` that stands below it: (class, probability)."""
        sure = (said or suggestion or ("", 0.0))[1]
        return Tile(
            id=picture.path,
            url=routes.picture_url(self._project, picture.id, framing=self._framing),
            picture=routes.picture_url(self._project, picture.id, "picture", self._framing),
            class_name=picture.class_name,
            suggestion=suggestion[0] if suggestion else "",
            sure=percent(sure) if sure else "",
            flag=flag,
            section=section,
            details=tuple(self._details(picture)),
            said=said[0] if said else "",
        )

    def _details(self, picture: Picture) -> Iterable[tuple[str, str]]:
        yield "file", picture.path
        yield "size", f"{picture.width} x {picture.height} pixels, {picture.size / 1000:,.0f} kB"
        if picture.id in self._origins:
            name, source = self._origins[picture.id]
            yield "came from", f"{name} in {source}"
        yield "changed", time.strftime("%d %b %Y %H:%M", time.localtime(picture.modified_ns / 1e9))
        if picture.id in self._opinions.parts:
            yield "used for", PARTS[self._opinions.parts[picture.id]]
        if picture.id in self._opinions.answers:
            name, sure = self._opinions.answers[picture.id]
            yield "the model says", f"{name}, {percent(sure)} sure"
        if picture.note:
            yield "note", picture.note
