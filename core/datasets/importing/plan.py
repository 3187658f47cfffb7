"""What an import would do, before anything is written: which pictures, into which classes, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from core.datasets.importing.choices import Recognised
from core.datasets.importing.films import is_film
from core.system.naming import class_name, count


@dataclass(frozen=True)
class Entry:
    """One picture to come: its name in the source, the class it will be in, or None, the part that it comes in, and what it
    belongs to, as a table says."""

    name: str
    class_name: str | None = None
    key: int = 0
    part: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Row:
    """What became of one file: `outcome` is "taken", "skipped" or "rejected"; `reason` is short, or ""; `path` where it is
    now in the project, or ""."""

    name: str
    outcome: str
    reason: str = ""
    path: str = ""


Reader = Callable[[Entry], bytes]
FileOf = Callable[[Entry], Path | None]
Opened = Callable[[], AbstractContextManager[Reader]]


_ONLY_PICTURES = "a film: only single pictures are looked at here"


def _no_file(_: Entry) -> None:
    return None


@dataclass(frozen=True)
class Plan:
    """An import that has not happened yet. `rows` are the files that are left out already, `notes` sentences on what the
    person may not expect; `opened` gives a reader of entries for as long as its block lasts; `recognised`: what was taken
    for what, one for each source; `file_of`: where an entry lies, if it is a file of its own."""

    source: str
    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    opened: Opened
    recognised: tuple[Recognised, ...] = ()
    file_of: FileOf = _no_file

    @cached_property
    def counts(self) -> dict[str | None, int]:
        """Class -> number of pictures that would come into it."""
        return dict(Counter(entry.class_name for entry in self.entries))

    @cached_property
    def films(self) -> int:
        """How many of the entries are films, out of which pictures are taken."""
        return sum(is_film(entry.name) for entry in self.entries)

    @property
    def in_words(self) -> str:
        """For instance "12 pictures", "12 pictures and 1 film"."""
        pictures = len(self.entries) - self.films
        told = [count(pictures, "picture")] if pictures or not self.films else []
        return " and ".join([*told, *([count(self.films, "film")] if self.films else [])])

    def of_pictures(self) -> Plan:
        """Without the films, for who asks about single pictures; each is told."""
        if not self.films:
            return self
        told = [Row(e.name, "rejected", _ONLY_PICTURES) for e in self.entries if is_film(e.name)]
        return replace(self, entries=tuple(e for e in self.entries if not is_film(e.name)), rows=(*self.rows, *told))

    @property
    def hidden(self) -> int:
        """How many files are passed over because they are no pictures, or a system's own."""
        return sum(row.outcome == "skipped" for row in self.rows)

    def into(self, name: str | None) -> Plan:
        """The same pictures, those without a class into `name`. Raises ProjectError for a name that no class can have."""
        chosen = class_name(name) if name is not None else None
        return replace(self, entries=tuple(replace(e, class_name=e.class_name or chosen) for e in self.entries))

    def into_one(self, name: str) -> Plan:
        """The same pictures, all of them into the class `name`, whatever their folders or tables say. Raises ProjectError for a
        name that no class can have."""
        chosen = class_name(name)
        return replace(self, entries=tuple(replace(e, class_name=chosen) for e in self.entries))


def from_pictures(pictures: Sequence[tuple[str, bytes]], source: str = "files") -> Plan:
    """An import of (name, content) each, as a browser sends them; zips and tables among them are not looked into."""
    entries = tuple(Entry(name, key=number) for number, (name, _) in enumerate(pictures))
    return Plan(source, entries, (), (), opened_pictures(pictures))


def opened_pictures(pictures: Sequence[tuple[str, bytes]]) -> Opened:
    """Reads pictures that are in memory, by the number of each."""
    return lambda: nullcontext(lambda entry: pictures[entry.key][1])


def together(plans: Sequence[Plan]) -> Plan:
    """Several imports as one, which is undone by one step."""
    pairs = [(number, entry) for number, plan in enumerate(plans) for entry in plan.entries]

    @contextmanager
    def opened() -> Iterator[Reader]:
        with ExitStack() as stack:
            readers = [stack.enter_context(plan.opened()) for plan in plans]

            def read(entry: Entry) -> bytes:
                number, original = pairs[entry.key]
                return readers[number](original)

            yield read

    return Plan(
        ", ".join(plan.source for plan in plans),
        tuple(replace(entry, key=key) for key, (_, entry) in enumerate(pairs)),
        tuple(row for plan in plans for row in plan.rows),
        tuple(note for plan in plans for note in plan.notes),
        opened,
        tuple(each for plan in plans for each in plan.recognised),
        lambda entry: plans[pairs[entry.key][0]].file_of(pairs[entry.key][1]),
    )
