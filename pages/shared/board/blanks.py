"""Cards of classes that are not there yet: nothing is written for them before they have a picture or a name."""

from __future__ import annotations

from collections.abc import Sequence

from core.system.naming import class_key
from pages.shared.session import tab

_KEY, _ORDER = "blank cards", "order of the cards"
_LEAST = 2
"""Cards on a board: as many as a model needs to tell apart."""


def with_blanks(classes: Sequence[str]) -> list[str]:
    """The names of all cards, the classes and those that are not there yet; each in the place that it had, and new ones last,
    unless somebody has given the classes another order."""
    there = {class_key(name) for name in classes}
    blanks = [name for name in tab.get(_KEY, []) if class_key(name) not in there]
    before, given = tab.get(_ORDER, ([], []))
    if [name for name in given if name in classes] != [name for name in classes if name in given]:
        before = []
    taken = there | {class_key(name) for name in blanks}
    number = 0
    while len(classes) + len(blanks) < _LEAST:
        number += 1
        if class_key(name := f"Class {number}") not in taken:
            blanks.append(name)
    tab.put(_KEY, blanks)
    every = [*classes, *blanks]
    kept = [name for name in before if name in every]
    cards = [*kept, *(name for name in every if name not in kept)]
    tab.put(_ORDER, (cards, list(classes)))
    return cards


def add(name: str) -> None:
    """One more."""
    tab.put(_KEY, [*tab.get(_KEY, []), name])


def is_blank(name: str) -> bool:
    """Whether a card is of no class yet."""
    return name in tab.get(_KEY, [])


def remove(name: str) -> None:
    """It is not wanted any more, or a class now."""
    tab.put(_KEY, [other for other in tab.get(_KEY, []) if other != name])


def forget() -> None:
    """Classes have come from elsewhere: cards that wait for a first picture are not wanted any more."""
    tab.put(_KEY, [])


def renamed(old: str, new: str) -> None:
    """A card keeps its place under its new name."""
    before, given = tab.get(_ORDER, ([], []))
    tab.put(_ORDER, ([new if name == old else name for name in before], [name for name in given if name != old]))
