"""An import that has not happened yet, in numbers and words: what it was taken for, what would come in, what would not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from core.datasets.importing.choices import Recognised
from core.datasets.importing.plan import Entry, Plan
from core.datasets.layout import in_parts
from core.system.naming import count

_FIRST = 3
_EXAMPLES = 5
_MOST_CLASSES = 50
_OPTIONS = {
    "label_columns": "label-column",
    "file_columns": "file-column",
    "encodings": "encoding",
    "classes_from": "classes-from",
}


@dataclass(frozen=True)
class ClassToCome:
    """A class of an import, None for no class, how many pictures it would have, and the first of them."""

    name: str | None
    count: int
    first: tuple[Entry, ...]


@dataclass(frozen=True)
class LeftOut:
    """How many files are left out for one reason, and the names of some."""

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """What a plan comes to: single `pictures`, `films`, and both `in_words`. `classes` by name, those without one last;
    `parts`: "train", "val", "test" or None -> pictures, empty where nothing is split; `groups`: how many things that belong
    together are named; `left_out` the most first."""

    source: str
    pictures: int
    films: int
    in_words: str
    recognised: tuple[Recognised, ...]
    classes: tuple[ClassToCome, ...]
    parts: dict[str | None, int]
    groups: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def named(self) -> tuple[ClassToCome, ...]:
        """Without the pictures that have no class."""
        return tuple(each for each in self.classes if each.name is not None)

    def lines(self) -> Iterator[str]:
        """The description in lines of text."""
        yield from (each.sentence for each in self.recognised if each.sentence)
        yield f"{self.in_words} in {count(len(self.named), 'class')}."
        for each in self.classes[:_MOST_CLASSES]:
            some = ", ".join(entry.name for entry in each.first)
            yield f"{each.count:7}  {each.name or 'without a class'} ({some})"
        if len(self.classes) > _MOST_CLASSES:
            yield f"         and {len(self.classes) - _MOST_CLASSES:,} more"
        if told := in_parts(part for part, number in self.parts.items() for _ in range(number)):
            yield f"Parts: {told}."
        if self.groups:
            yield f"{count(self.groups, 'group')} of pictures that belong together."
        for left in self.left_out:
            more = ", ..." if left.count > len(left.examples) else ""
            yield f"Left out, {left.reason}: {count(left.count, 'file')} ({', '.join(left.examples)}{more})"
        yield from self.notes
        for recognised in self.recognised:
            for option, values in asdict(recognised.options).items():
                if values:
                    yield f"Can be chosen, --{_OPTIONS[option]}: {', '.join(values)}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as `python -m core import --dry-run --json` prints them."""
        return {
            "source": self.source,
            "pictures": self.pictures,
            "films": self.films,
            "recognised": [asdict(each) for each in self.recognised],
            "classes": [
                {"class": each.name, "pictures": each.count, "first": [entry.name for entry in each.first]}
                for each in self.classes
            ],
            "parts": {part or "none": number for part, number in self.parts.items()},
            "groups": self.groups,
            "left_out": [asdict(each) for each in self.left_out],
            "notes": list(self.notes),
        }


def describe(plan: Plan) -> Description:
    """What a plan comes to."""
    of_class: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in sorted(plan.entries, key=lambda entry: (entry.class_name is None, entry.class_name, entry.name)):
        of_class[entry.class_name].append(entry)
    parts = Counter(entry.part for entry in plan.entries)
    reasons: dict[str, list[str]] = defaultdict(list)
    for row in plan.rows:
        reasons[row.reason.partition(": ")[0].rstrip(".")].append(row.name)
    left_out = (LeftOut(reason, len(names), tuple(names[:_EXAMPLES])) for reason, names in reasons.items())
    return Description(
        plan.source,
        len(plan.entries) - plan.films,
        plan.films,
        plan.in_words,
        plan.recognised,
        tuple(ClassToCome(name, len(entries), tuple(entries[:_FIRST])) for name, entries in of_class.items()),
        dict(parts) if parts.keys() - {None} else {},
        len({entry.group for entry in plan.entries} - {None}),
        tuple(sorted(left_out, key=lambda each: -each.count)),
        plan.notes,
    )
