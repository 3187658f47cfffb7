"""Carrying an import out: every picture is decoded and stored aside first; only when all are ready do they appear, at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.datasets.catalogue import Picture
from core.datasets.division import foremost
from core.datasets.edit_journal import STAGING, TRASH, Edit
from core.datasets.file_index import FileRow
from core.datasets.file_operations import Move, Step
from core.datasets.importing import history
from core.datasets.importing.archives import MAX_FILE, TOO_LARGE
from core.datasets.importing.films import is_film, pictures_of
from core.datasets.importing.plan import Entry, Plan, Reader, Row
from core.datasets.importing.stored import storable
from core.datasets.labels import ClassFolders
from core.datasets.project import Project
from core.datasets.validation import is_tiny
from core.imaging import decode
from core.system import storage
from core.system.errors import FieldguideError, PictureError, ProjectError, as_sentence
from core.system.naming import class_key, file_stem

_BATCH = 16
_UNREADABLE = "this file cannot be read"
_Arrived = tuple[Entry, bytes | str, str]
_BATCH_BYTES = 64_000_000


@dataclass(frozen=True)
class Report:
    """What became of each file of an import, the edit that can be undone (None if nothing was taken), and sentences on what
    the source was taken for and what may not be expected."""

    source: str
    rows: tuple[Row, ...]
    edit: Edit | None
    notes: tuple[str, ...] = ()

    def count(self, outcome: str) -> int:
        """How many files were "taken", "skipped" or "rejected"."""
        return sum(row.outcome == outcome for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as `python -m core import --json` prints them."""
        return {
            "source": self.source,
            **{outcome: self.count(outcome) for outcome in ("taken", "skipped", "rejected")},
            "notes": list(self.notes),
            "files": [
                {"file": row.name, "outcome": row.outcome, "reason": row.reason, "path": row.path} for row in self.rows
            ],
        }


@dataclass(frozen=True)
class _Ready:
    """A picture that lies in the staging folder of its import, under the name `staged`, or the reason why it does not."""

    entry: Entry
    staged: str
    facts: decode.PictureFacts | None
    original: str
    reason: str = ""


@as_sentence(ProjectError)
def take(project: Project, plan: Plan, progress: Callable[[int, int], None] | None = None) -> Report:
    """Adds the pictures of a plan to a project, as one edit. Bad files are rejected one by one, with their reason.

    A content that is in the project already is skipped; one that lies there without a class is moved into its class; one
    that lies in another class is taken, and said. `progress` is called with (done, total) and may raise to cancel: then, as
    after a crash, nothing was added. Raises ProjectError if the folder cannot be written to.
    """
    with project.journal.editing():
        pass  # says at once what would say no after minutes of reading
    with project.journal.staging() as token:
        ready = list(_prepared(project, plan, token, progress))
        with project.journal.editing():
            report = _placed(project, plan, ready, token)
    history.remember(project.home, plan, report.count("taken"))
    return replace(report, notes=(*(each.sentence for each in plan.recognised if each.sentence), *plan.notes))


def _prepared(
    project: Project, plan: Plan, token: str, progress: Callable[[int, int], None] | None
) -> Iterator[_Ready]:
    done, total = 0, len(plan.entries)

    def tell() -> None:
        if progress:
            progress(done, total)

    batch: list[_Arrived] = []
    with plan.opened() as read, ThreadPoolExecutor() as pool:
        for done, entry in enumerate(plan.entries, 1):
            for number, (each, content) in enumerate(_contents(plan, read, entry, tell)):
                batch.append((each, content, f"{token}/{done}-{number}"))
                if len(batch) == _BATCH or sum(len(content) for _, content, _ in batch) >= _BATCH_BYTES:
                    yield from pool.map(lambda one: _prepare(project.root, *one), batch)
                    batch.clear()
                    tell()
        yield from pool.map(lambda one: _prepare(project.root, *one), batch)
        tell()


def _contents(plan: Plan, read: Reader, entry: Entry, tell: Callable[[], None]) -> Iterator[tuple[Entry, bytes | str]]:
    """The picture of an entry, or those of a film; instead of what cannot be read the reason."""
    if not is_film(entry.name):
        yield entry, _content(read, entry)
        return
    try:
        with pictures_of(plan.file_of(entry) or read(entry), entry.name, tell) as frames:
            for name, file in frames:
                yield replace(entry, name=name), file.read_bytes()
    except FieldguideError as error:
        yield entry, error.message
    except OSError:
        yield entry, _UNREADABLE


def _content(read: Reader, entry: Entry) -> bytes | str:
    """The bytes of a file, or the reason why there are none."""
    try:
        content = read(entry)
    except FieldguideError as error:
        return error.message
    except OSError:
        return _UNREADABLE
    return content if len(content) <= MAX_FILE else TOO_LARGE


def _prepare(root: Path, entry: Entry, content: bytes | str, place: str) -> _Ready:
    if isinstance(content, str):
        return _Ready(entry, "", None, "", content)
    try:
        stored, suffix = storable(content)
        facts = decode.inspect(stored)
        if facts.kind == "PNG" and not content.startswith(b"\x89PNG"):  # a converted film has lost its other frames
            facts = replace(facts, note=decode.inspect(content).note)
    except PictureError as error:
        return _Ready(entry, "", None, "", error.message)
    storage.write_bytes(root / STAGING / f"{place}{suffix}", stored)
    return _Ready(entry, f"{place}{suffix}", facts, hashlib.sha256(content).hexdigest())


def _placed(project: Project, plan: Plan, ready: list[_Ready], token: str) -> Report:
    """Decides where each picture goes, and moves all of them in one edit."""
    known: dict[str, list[Picture]] = {}
    for picture in project.scan().pictures:
        known.setdefault(picture.id, []).append(picture)
    folders = ClassFolders(project)
    steps: list[Step] = []
    parts = _parts_of(ready)
    told: dict[int, Row] = {}
    fresh: list[_Ready] = []
    # Those without a class come last: a copy that has one is then there already, and no picture has to go on from where it
    # was just put.
    for number, one in sorted(enumerate(ready), key=lambda pair: pair[1].entry.class_name is None):
        if one.facts is None:
            told[number] = Row(one.entry.name, "rejected", one.reason)
            continue
        if not (project.root / STAGING / one.staged).is_file():
            told[number] = _as_it_came(Row(one.entry.name, "taken"), "")
            continue
        to = one.entry.class_name
        there = known.get(one.facts.sha256) or known.get(one.original) or []
        same = [p for p in there if to is None or (p.class_name and class_key(p.class_name) == class_key(to))]
        if same:
            told[number] = Row(one.entry.name, "skipped", f"the same picture is here already: {same[0].path}")
            continue
        made, folder = folders.of(to, parts.get(one.facts.sha256))
        steps += made
        loose = next((p for p in there if p.class_name is None and p.path), None)
        suffix = Path(one.staged).suffix
        path = folders.place(folder, f"{file_stem(one.entry.name)}{suffix}")
        if loose:
            steps.append(Move(loose.path, path))
            told[number] = Row(one.entry.name, "taken", f"was here without a class: {loose.path}", path)
            there.remove(loose)  # it can go into one class only: what comes into another is a copy
        else:
            steps.append(Move(f"{TRASH}/{one.staged}", path))
            fresh.append(one)
            elsewhere = next((p.class_name for p in there if p.class_name), None)
            told[number] = Row(one.entry.name, "taken", _remark(one.facts, elsewhere), path)
        known.setdefault(one.facts.sha256, []).append(_as_picture(path, to, one.facts))
    _divide(project, ready, parts)
    rows = [told[number] for number in range(len(ready))]
    if not steps:
        return Report(plan.source, (*rows, *plan.rows), None)
    count = sum(row.outcome == "taken" for row in rows)
    sentence = f"{count} picture{'' if count == 1 else 's'} added from {plan.source}"
    project.journal.take_over(token)
    edit = project.edit("import", sentence, steps, token)
    arrived = dict(edit.moved)
    planned = {step.target: step.source for step in steps if isinstance(step, Move)}
    rows = [_as_it_came(row, arrived.get(planned[row.path], "")) if row.outcome == "taken" else row for row in rows]
    _note(project, plan.source, [(place, one) for one in fresh if (place := arrived.get(f"{TRASH}/{one.staged}"))])
    return Report(plan.source, (*rows, *plan.rows), edit)


def _parts_of(ready: Sequence[_Ready]) -> dict[str, str]:
    """Picture id -> the part that it belongs to, where it came in any."""
    parts: dict[str, str] = {}
    for one in ready:
        if one.facts and (part := foremost((one.entry.part, parts.get(one.facts.sha256)))):
            parts[one.facts.sha256] = part
    return parts


def _divide(project: Project, ready: Sequence[_Ready], parts: Mapping[str, str]) -> None:
    """Keeps the parts and groups that pictures came with."""
    groups = {one.facts.sha256: one.entry.group for one in ready if one.facts and one.entry.group}
    if parts or groups:
        project.divide(lambda before: replace(before.with_parts(parts), groups={**before.groups, **groups}))


def _note(project: Project, source: str, arrived: list[tuple[str, _Ready]]) -> None:
    """Tells the index of the files that came, and keeps where they came from."""
    known: list[FileRow] = []
    for place, one in arrived:
        with suppress(OSError):  # someone has moved it already
            status = (project.root / place).stat()
            known.append(FileRow(place, status.st_size, status.st_mtime_ns, one.facts))
    project.know(known)
    project.journal.note_origins((one.facts.sha256, one.entry.name, source) for _, one in arrived if one.facts)


def _as_it_came(row: Row, path: str) -> Row:
    """What is said of a picture that was to be taken, by where it came to lie; "" for nowhere."""
    if not path:
        return Row(row.name, "rejected", "it went missing while it was being added: add it again")
    return replace(row, path=path)


def _as_picture(path: str, to: str | None, facts: decode.PictureFacts) -> Picture:
    return Picture(facts.sha256, path, to, facts.width, facts.height, 0, facts.signature, facts.brightness)


def _remark(facts: decode.PictureFacts, elsewhere: str | None) -> str:
    if elsewhere:
        return f"the same picture is also in {elsewhere}: see the problems"
    if is_tiny(facts.width, facts.height):
        return f"very small: {facts.width} x {facts.height} pixels"
    return facts.note
