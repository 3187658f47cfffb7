"""How groups of pictures (see core.datasets.groups) are dealt, to the parts of a split and to folds alike: in an order that
hangs on the seed and the pictures only, and each group to one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Group = TypeVar("Group", bound=Sequence[object])


def draw(*words: object) -> bytes:
    """A number by chance that is the same whenever it is asked for by these words, as bytes to sort by."""
    return hashlib.sha256(" ".join(map(str, words)).encode()).digest()


def by_class(groups: Iterable[list[Item]], label: Callable[[Item], int]) -> dict[int, list[list[Item]]]:
    """The groups of each class, those with fewest groups first. `label`: what tells the number of an item's class.

    A group that spans classes is dealt with the class that has fewest groups.
    """
    spans = [(group, {label(item) for item in group}) for group in groups]
    number = Counter(each for _, labels in spans for each in labels)
    found: dict[int, list[list[Item]]] = {each: [] for each in sorted(number, key=lambda each: (number[each], each))}
    for group, labels in spans:
        found[min(labels, key=lambda each: (number[each], each))].append(group)
    return found


def take(groups: Sequence[Group], wanted: int, stay: int, had: int = 0) -> tuple[list[Group], list[Group]]:
    """Takes groups, the first ones first, up to `wanted` items of which there are `had`: (taken, left), of which at least
    `stay` are left.

    A large group, such as a burst of one scene, is left: in a small part it would be the whole part. Where nothing else fits,
    it is the smallest that is taken.
    """
    smallest = min(map(len, groups), default=0)
    taken: list[Group] = []
    left: list[Group] = []
    for group in groups:
        fits = had + len(group) <= wanted or (not had and len(group) == smallest)
        if fits and len(groups) - len(taken) > stay:
            taken.append(group)
            had += len(group)
        else:
            left.append(group)
    return taken, left
