"""Which picture is for training, validation or test."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from core.catalogue import Catalogue, Picture
from core.checks import near_groups, why_not_trainable
from core.config import SplitConfig
from core.errors import ProjectError

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """Three lists of pictures, each sorted by path, and the class names in the order that the model will use.

    `fingerprint` is a hex digest of who is in which part.
    """

    train: tuple[Picture, ...]
    val: tuple[Picture, ...]
    test: tuple[Picture, ...]
    classes: tuple[str, ...]
    fingerprint: str

    def part(self, name: str) -> tuple[Picture, ...]:
        """The pictures of "train", "val" or "test"."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]


def make_split(catalogue: Catalogue, config: SplitConfig, seed: int) -> Split:
    """Stratified by class, decided by `seed` and the pictures' own bytes, so that it is stable when others come or go.

    Pictures with the same bytes are used once, or not at all when they lie in two classes; near-duplicates go to the
    same part. Every class has at least one picture in every part. Raises ProjectError where that cannot be.
    """
    catalogue = catalogue.in_use
    reason = why_not_trainable(catalogue)
    if reason:
        raise ProjectError(reason, "Add pictures, then try again.")
    pictures = _unambiguous(catalogue)
    group_of = dict(zip((p.path for p in pictures), near_groups(pictures), strict=True))
    groups: dict[int, list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups[group_of[picture.path]].append(picture)

    by_class: dict[str, list[list[Picture]]] = defaultdict(list)
    for group in groups.values():
        # A group of near-duplicates that spans classes follows its first picture's class as one piece.
        by_class[str(group[0].class_name)].append(group)
    parts: dict[str, list[Picture]] = {part: [] for part in PARTS}
    classes = tuple(name for name, found in catalogue.by_class.items() if found)
    for name in classes:
        _deal(name, by_class[name], config, seed, parts)
    for part in PARTS:
        parts[part].sort(key=lambda p: p.path)
    digest = hashlib.sha256()
    for part in PARTS:
        digest.update("".join(f"{part} {p.id} {p.class_name}\n" for p in parts[part]).encode())
    return Split(tuple(parts["train"]), tuple(parts["val"]), tuple(parts["test"]), classes, digest.hexdigest()[:16])


def _unambiguous(catalogue: Catalogue) -> list[Picture]:
    """One picture for each content; a content that lies in two classes is left out."""
    classes: dict[str, set[str]] = defaultdict(set)
    first: dict[str, Picture] = {}
    for found in catalogue.by_class.values():
        for picture in found:
            classes[picture.id].add(str(picture.class_name))
            first.setdefault(picture.id, picture)
    return [picture for picture in first.values() if len(classes[picture.id]) == 1]


def _deal(
    name: str, groups: list[list[Picture]], config: SplitConfig, seed: int, parts: dict[str, list[Picture]]
) -> None:
    """Deals one class's groups to the parts, in an order that hangs on the seed and the pictures only."""
    if len(groups) < len(PARTS):
        raise ProjectError(
            f"{name} has only {len(groups)} pictures that really differ; each class needs at least 3.",
            "Add other pictures of it: copies do not help.",
        )
    order = sorted(groups, key=lambda g: hashlib.sha256(f"{seed} {min(p.id for p in g)}".encode()).digest())
    total = sum(len(group) for group in order)
    wanted = {"test": max(1, round(total * config.test)), "val": max(1, round(total * config.validation))}
    for part, count in wanted.items():
        taken, still_needed = 0, len(PARTS) - 1 if part == "test" else 1
        # A large group, such as a burst of one scene, goes to training: in a small part it would be the whole part.
        smallest = min(len(group) for group in order)
        for group in reversed(order.copy()):
            if len(order) > still_needed and (taken + len(group) <= count or (not taken and len(group) == smallest)):
                order.remove(group)
                parts[part] += group
                taken += len(group)
    for group in order:
        parts["train"] += group
