"""What past imports of a project were taken for, and what was chosen: `imports.json` in its home, the last twenty.

All of it is text that is only shown; a file that is damaged, or of a later version, counts as empty.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.plan import Plan
from core.system import storage

FILE = "imports.json"
_VERSION = 1
_MOST = 20
_MOST_NOTES = 20
_LONGEST = 500
"""Characters of a text that is kept."""


@dataclass(frozen=True)
class PastImport:
    """One source of an import: what it was taken for, in a sentence, by which choices, and what was noted."""

    source: str
    taken: int
    sentence: str = ""
    choices: ImportChoices = field(default_factory=ImportChoices)
    notes: tuple[str, ...] = ()


_PAST = TypeAdapter(list[PastImport])


def past_imports(home: Path) -> list[PastImport]:
    """The imports that are remembered, the oldest first."""
    return _valid(storage.read_json(home / FILE))


def remember(home: Path, plan: Plan, taken: int) -> None:
    """Keeps what an import was taken for; on a full disk it is forgotten."""
    if not plan.recognised:
        return
    notes = tuple(note[:_LONGEST] for note in plan.notes[:_MOST_NOTES])
    sentence = " ".join(each.sentence for each in plan.recognised)[:_LONGEST]
    new = PastImport(plan.source[:_LONGEST], taken, sentence, plan.recognised[0].choices, notes)
    with suppress(OSError):
        storage.update_json(home / FILE, lambda before: _plain([*_valid(before), new]))


def _plain(imports: list[PastImport]) -> dict[str, Any]:
    return {"version": _VERSION, "imports": [asdict(each) for each in imports[-_MOST:]]}


def _valid(value: Any) -> list[PastImport]:
    if isinstance(value, dict) and value.get("version") == _VERSION:
        with suppress(ValidationError):
            return _PAST.validate_python(value.get("imports"))
    return []
