"""Studies that several machines share: begun on one, joined by others, each with its own copy of the same pictures.

What was asked lies in the storage beside the tries: who joins takes the settings from there, and compares its pictures and
their parts. From then on all machines do the same, and whichever is left completes the study: see
core.training.experiments.claims.
"""

from __future__ import annotations

import hashlib
import socket
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.config.training import TrainConfig, make_config
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.runs.lifecycle import settled
from core.runs.records import RunPicture, RunPlan
from core.runs.result import Shape, Whole
from core.system.errors import ConfigError, RunError
from core.system.naming import count
from core.training.experiments import Kind, Shared, Study, start_study
from core.training.experiments.found import CurveOptions, FoldsOptions, SearchOptions, SeedsOptions
from core.training.experiments.storages import Place, opened, place_of

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

_ASKED = "fieldguide"
_OPTIONS: dict[Kind, type[Shape]] = {
    "search": SearchOptions,
    "cross-validation": FoldsOptions,
    "learning-curve": CurveOptions,
    "seeds": SeedsOptions,
}
_TRIES = 100
_AGAIN = "Begin the study again, in a storage that all machines can write to."


class _Asked(Shape):
    """What the storage keeps of a study. `pictures` and `parts`: see `_digests`."""

    version: str
    kind: Kind
    config: dict[str, Any]
    options: dict[str, Any]
    classes: list[str]
    number: Whole
    pictures: str
    parts: str
    patience: float


def lead(
    project: Project,
    kind: Kind,
    config: TrainConfig,
    options: Shape,
    where: str,
    catalogue: Catalogue | None = None,
    patience: float = 60.0,
) -> Study:
    """Begins a study in the storage at an address, and takes part in it; does not wait. `Study.shared` has the name by which
    others join. `patience`: see Shared. Raises as start_study, and RunError with what is wrong with the storage."""
    place = place_of(where)
    config = settled(project, config)

    def publish(study: Study, plan: RunPlan) -> Shared:
        asked = _Asked(
            version=version("fieldguide"),
            kind=kind,
            config=config.model_dump(mode="json"),
            options=options.model_dump(mode="json"),
            classes=list(plan.classes),
            number=len(plan.pictures),
            patience=patience,
            **_digests(plan.pictures),
        )
        return _shared(place, _written(storage, study.folder.name, asked), patience, leads=True)

    with opened(place) as storage:
        return start_study(project, kind, config, options, catalogue, publish)


def begin(
    project: Project,
    kind: Kind,
    config: TrainConfig,
    options: Shape,
    catalogue: Catalogue | None = None,
    storage: str | None = None,
) -> Study:
    """Starts a study of this machine alone, or of several where `storage` is the address of one: see start_study and `lead`."""
    if storage is None:
        return start_study(project, kind, config, options, catalogue)
    return lead(project, kind, config, options, storage, catalogue)


def join(project: Project, kind: Kind, name: str, where: str, catalogue: Catalogue | None = None, **own: Any) -> Study:
    """Takes part in the study of a name in the storage at an address; does not wait. `own`: options that are this machine's own
    (workers). Raises as start_study, and RunError where there is no such study, of this kind and version, of these pictures."""
    place = place_of(where)
    with opened(place) as storage:
        asked = _read(storage, name, place)
    if asked.kind != kind:
        raise RunError(
            f"{name} is a study of another kind: {asked.kind}.", f"Join it by: python -m core {_COMMANDS[asked.kind]}"
        )
    here = version("fieldguide")
    if asked.version != here:
        raise RunError(
            f"{name} was begun by Fieldguide {asked.version}, and this is {here}.",
            "Install the same version everywhere.",
        )
    try:
        config = make_config(asked.config)
        options = _OPTIONS[kind].model_validate({**asked.options, **own})
    except (ConfigError, ValidationError):
        raise RunError(f"What {name} was asked cannot be read.", _AGAIN) from None

    def compare(study: Study, plan: RunPlan) -> Shared:  # noqa: ARG001
        _require_same(asked, plan, name)
        return _shared(place, name, asked.patience, leads=False)

    return start_study(project, kind, config, options, catalogue, compare)


_COMMANDS: dict[Kind, str] = {
    "search": "search",
    "cross-validation": "cross-validate",
    "learning-curve": "learning-curve",
    "seeds": "seeds",
}


def invitation(study: Study) -> str:
    """The command by which another machine takes part, "" for a study of this machine alone; without the password."""
    shared = study.shared
    if shared is None:
        return ""
    return (
        f"python -m core {_COMMANDS[study.kind]} FOLDER --join {shared.name} --storage {place_of(shared.storage).shown}"
    )


def _shared(place: Place, name: str, patience: float, *, leads: bool) -> Shared:
    member = f"{socket.gethostname()} {uuid.uuid4().hex[:8]}"
    return Shared(storage=place.address, name=name, member=member, leads=leads, patience=patience)


def _written(storage: BaseStorage, name: str, asked: _Asked) -> str:
    """Makes the study, and gives its name: others may have taken that."""
    from optuna.exceptions import DuplicatedStudyError
    from optuna.study import StudyDirection

    for number in range(1, _TRIES):
        free = name if number == 1 else f"{name}-{number}"
        try:
            study = storage.create_new_study([StudyDirection.MINIMIZE], free)
        except DuplicatedStudyError:
            continue
        storage.set_study_user_attr(study, _ASKED, asked.model_dump(mode="json"))
        return free
    raise RunError("There are too many studies of this name.", "Wait a second, and start it again.")


def _read(storage: BaseStorage, name: str, place: Place) -> _Asked:
    try:
        value = storage.get_study_user_attrs(storage.get_study_id_from_name(name)).get(_ASKED)
    except KeyError:
        known = [study.study_name for study in storage.get_all_studies() if _ASKED in study.user_attrs]
        there = (
            f"There {'is' if len(known) == 1 else 'are'}: {', '.join(known[-5:])}." if known else "There is none yet."
        )
        raise RunError(f"There is no study {name} in {place.shown}.", there) from None
    try:
        return _Asked.model_validate(value)
    except (ValidationError, RecursionError):
        raise RunError(f"{name} is no study that Fieldguide of this version began.", _AGAIN) from None


def _digests(pictures: tuple[RunPicture, ...]) -> dict[str, str]:
    """Of which pictures are in which classes, and of who is in which part and belongs together, in the order of the plan."""
    first: dict[int, int] = {}
    rows = [(p.id, p.label, p.part, first.setdefault(p.group, row)) for row, p in enumerate(pictures)]
    what = "\n".join(sorted(f"{one} {label}" for one, label, _, _ in rows))
    who = "\n".join(f"{one} {label} {part} {group}" for one, label, part, group in rows)
    return {"pictures": hashlib.sha256(what.encode()).hexdigest(), "parts": hashlib.sha256(who.encode()).hexdigest()}


def _require_same(asked: _Asked, plan: RunPlan, name: str) -> None:
    copy = "Copy the folder from where the study was begun, with the hidden folder .fieldguide in it."
    if tuple(asked.classes) != plan.classes or asked.number != len(plan.pictures):
        raise RunError(
            f"These are not the pictures of {name}: {count(len(plan.pictures), 'picture')} in "
            f"{count(len(plan.classes), 'class')} here, and {asked.number:,} in {len(asked.classes):,} there.",
            copy,
        )
    digests = _digests(plan.pictures)
    if digests["pictures"] != asked.pictures:
        raise RunError(f"These are not the pictures of {name}: some are others, or lie in other classes.", copy)
    if digests["parts"] != asked.parts:
        raise RunError(f"These are the pictures of {name}, but divided into other parts.", copy)
