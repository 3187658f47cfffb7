"""Which picture is for training, validation or test."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.config.split import PARTS, SplitConfig
from core.config.training import TrainConfig
from core.datasets import dealing
from core.datasets.catalogue import Catalogue, Picture
from core.datasets.groups import WEBCAM, groups_of, in_time, said_of
from core.datasets.validation import near_groups, why_not_trainable
from core.system.errors import ProjectError
from core.system.naming import count

_LONG = 10
"""A film of fewer frames has no room for a gap, and one of the webcam is not cut unless it must be."""
_GAP = 20
"""One frame of so many is left out where a film is cut, at least one."""
READY_MADE = "The pictures came split already: these parts are used."
_SAYING = {"pattern": "The pattern finds nothing in any path", "table": "No table gives a group to any picture"}
_KEPT = 8
"""So much of what was worked out from a catalogue is kept."""
_NAMED = 3
"""So many classes are named in a sentence."""


@dataclass(frozen=True)
class Split:
    """Three lists of pictures, each sorted by path, and the class names in the order that the model will use.

    `fingerprint` is a hex digest of who is in which part. `groups`: path -> number of its group; pictures of one group are in
    one part, but where a class has too few groups: of a film that was cut, each piece is one. `left_out`: how many "copies",
    "conflicts" (one content in several classes) and frames "between" two pieces of a film are in no part. `shared`: test
    pictures of a film, photo or group that was learned from. `remarks`: sentences on what to know of it.
    """

    train: tuple[Picture, ...]
    val: tuple[Picture, ...]
    test: tuple[Picture, ...]
    classes: tuple[str, ...]
    fingerprint: str
    groups: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    shared: tuple[Picture, ...] = ()
    remarks: tuple[str, ...] = ()

    def part(self, name: str) -> tuple[Picture, ...]:
        """The pictures of "train", "val" or "test"."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def learned_from(self, config: TrainConfig) -> int:
        """How many of the training pictures a training learns from: with under-sampling of each class as many as the smallest
        has."""
        if config.sampling != "under-sampling":
            return len(self.train)
        of_class = Counter(picture.class_name for picture in self.train)
        return min(of_class.values(), default=0) * len(of_class)


def make_split(catalogue: Catalogue, config: SplitConfig, seed: int = 0) -> Split:
    """Stratified by class, decided by the seed and the pictures' own bytes, so that it is stable when others come or go.

    `seed`: for a split that has no seed of its own. Pictures with the same bytes are used once, or not at all when they lie
    in two classes; groups (see core.datasets.groups) stay together. Every class has at least one picture in every part: what a
    ready-made split lacks is dealt from its training part, and of a class with too few groups one is cut, in time. Worked out
    once for each catalogue. Raises ProjectError where a class has too few pictures.
    """
    if config.seed is None:
        config = config.model_copy(update={"seed": seed})
    catalogue = catalogue.in_use
    known: Split | None = catalogue.worked_out.get(config)
    if known is None:
        known = _Splitter(catalogue, config).split()
        _remember(catalogue, config, known)
    return known


def _remember(catalogue: Catalogue, key: Hashable, value: Any) -> None:
    """Keeps what was worked out, but not for ever: someone may try many shares."""
    for old in list(catalogue.worked_out)[: -_KEPT + 1]:  # of several threads, each may come between
        catalogue.worked_out.pop(old, None)
    catalogue.worked_out[key] = value


class _Splitter:
    """Deals the pictures of one catalogue."""

    def __init__(self, catalogue: Catalogue, config: SplitConfig) -> None:
        if reason := why_not_trainable(catalogue):
            raise ProjectError(reason, "Add pictures, then try again.")
        self.config = config
        self.classes = tuple(name for name, found in catalogue.by_class.items() if found)
        self.number = {name: number for number, name in enumerate(self.classes)}
        self.keep = config.ready_made == "keep" and any(p.part == "train" and p.class_name for p in catalogue.pictures)
        known = (self.keep, config.together, config.pattern)  # who belongs together does not hang on shares and seed
        found = catalogue.worked_out.get(known)
        if found is None:
            pictures, left_out = _unambiguous(catalogue, keep=self.keep)
            numbers = groups_of(pictures, config, catalogue.layout)
            found = pictures, left_out, {p.path: number for p, number in zip(pictures, numbers, strict=True)}
            _remember(catalogue, known, found)
        self.pictures: list[Picture] = found[0]
        self.left_out: Counter[str] = Counter(found[1])
        self.group: dict[str, int] = found[2]
        self.parts: dict[str, list[Picture]] = {part: [] for part in PARTS}
        self.held: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
        self.cut: dict[str, int] = {}  # path -> a number of its own for each piece of a group that was cut

    def split(self) -> Split:
        """Who is in which part."""
        for picture in filter(self._given, self.pictures):
            self._put(str(picture.part), [picture])
        pool = [picture for picture in self.pictures if not self._given(picture)]
        groups: dict[int, list[Picture]] = defaultdict(list)
        for picture in pool:
            groups[self.group[picture.path]].append(picture)
        dealt = dealing.by_class(groups.values(), lambda picture: self.number[str(picture.class_name)])
        self.total = Counter(str(picture.class_name) for picture in pool)
        for name, number in self.number.items():
            if number not in dealt:
                self._deal(name, [])
        for number, its in dealt.items():
            self._deal(self.classes[number], its)
        for part in PARTS:
            self.parts[part].sort(key=lambda p: p.path)
        digest = hashlib.sha256()
        for part in PARTS:
            digest.update("".join(f"{part} {p.id} {p.class_name}\n" for p in self.parts[part]).encode())
        learned = {self.group[picture.path] for picture in self.parts["train"]}
        shared = tuple(picture for picture in self.parts["test"] if self.group[picture.path] in learned)
        return Split(
            tuple(self.parts["train"]),
            tuple(self.parts["val"]),
            tuple(self.parts["test"]),
            self.classes,
            digest.hexdigest()[:16],
            self.group | self.cut,
            self.left_out,
            shared,
            tuple(self._remarks(shared)),
        )

    def _given(self, picture: Picture) -> bool:
        """Whether a picture stays in the part that it came in. Training pictures are dealt where another part lacks some."""
        return self.keep and picture.part in ("val", "test")

    def _put(self, part: str, piece: Sequence[Picture]) -> None:
        self.parts[part] += piece
        self.held[part].update(str(picture.class_name) for picture in piece)

    def _put_piece(self, part: str, piece: Sequence[Picture]) -> None:
        self._put(part, piece)
        number = len(self.group) + len(self.cut)
        self.cut.update((picture.path, number) for picture in piece)

    def _deal(self, name: str, groups: list[list[Picture]]) -> None:
        """Deals one class's groups to the parts that have none of it yet, in an order that hangs on the seed and the pictures
        only; what is left is for training."""
        dealt = [part for part in ("test", "val") if part in self._lacking(name) or not self.keep]
        whole = []
        for group in groups:
            if len(group) >= _LONG and any(WEBCAM.match(p.path.rpartition("/")[2].rpartition(".")[0]) for p in group):
                self._cut(group, dealt)
            else:
                whole.append(group)
        if len(whole) < len(self._lacking(name)):
            self._cut_for(name, whole if self._enough(name, whole) else self._alone(name, whole))
            return
        order = sorted(whole, key=lambda group: dealing.draw(self.config.seed, min(p.id for p in group)), reverse=True)
        for part in dealt:
            order = self._filled(part, name, order)
        for group in order:
            self._put("train", group)

    def _filled(self, part: str, name: str, order: list[list[Picture]]) -> list[list[Picture]]:
        """Takes groups for a part, up to its share; gives the others. Some stay for the parts that lack one."""
        wanted = max(1, round(self.total[name] * (self.config.test if part == "test" else self.config.validation)))
        stay = sum(not self.held[other][name] for other in PARTS if other != part)
        taken, left = dealing.take(order, wanted, stay, self.held[part][name])
        for group in taken:
            self._put(part, group)
        return left

    def _alone(self, name: str, groups: list[list[Picture]]) -> list[list[Picture]]:
        """Takes a class out of groups that span classes, where these leave a part without it: one group of its own."""
        mine = [picture for group in groups for picture in group if picture.class_name == name]
        self._put("train", [picture for group in groups for picture in group if picture.class_name != name])
        for part, pictures in self.parts.items():
            back = [picture for picture in pictures if picture.class_name == name and not self._given(picture)]
            self.parts[part] = [picture for picture in pictures if picture.class_name != name or self._given(picture)]
            self.held[part][name] -= len(back)
            mine += back
        if len(mine) < len(self._lacking(name)):
            if self.keep:
                raise ProjectError(
                    f'The ready-made training part has too few pictures of "{name}".',
                    "Put some there, or let the parts be dealt anew (Configure).",
                )
            raise ProjectError(f'"{name}" has too few different pictures.', "Add other pictures of it.")
        return [mine]

    def _cut_for(self, name: str, groups: list[list[Picture]]) -> None:
        """Of a class with fewer groups than parts that lack it: the smaller ones whole, the test first, and pieces of the
        largest."""
        lacking = self._lacking(name)
        *small, largest = sorted(groups, key=lambda group: sum(p.class_name == name for p in group))
        for group in small:
            self._put(lacking.pop(), group)
        self._cut(largest, [part for part in ("test", "val") if part in lacking])

    def _lacking(self, name: str) -> list[str]:
        """The parts without a picture of a class."""
        return [part for part in PARTS if not self.held[part][name]]

    def _enough(self, name: str, groups: list[list[Picture]]) -> bool:
        """Whether the largest of a class's groups has a picture of it for each part that the others leave without one."""
        most = max((sum(p.class_name == name for p in group) for group in groups), default=0)
        return most >= len(self._lacking(name)) - len(groups) + 1 and most > 0

    def _cut(self, film: list[Picture], parts: list[str]) -> None:
        """Cuts a group in time, each class for itself: first what is learned from, then what is checked with, then what is
        tested with, and a gap between them, because neighbours are all but the same."""
        by_class: dict[str | None, list[Picture]] = defaultdict(list)
        for picture in in_time(film):
            by_class[picture.class_name].append(picture)
        shares = {"test": self.config.test, "val": self.config.validation}
        for name, frames in by_class.items():
            room = len(frames) - (not self.held["train"][str(name)])
            sizes = {part: max(1, round(len(frames) * shares[part])) for part in parts}
            if sum(sizes.values()) > room:
                sizes = dict.fromkeys(parts[:room], 1)
            gap = max(1, len(frames) // _GAP) if len(frames) >= _LONG else 0
            if sum(sizes.values()) + gap * len(sizes) > room:
                gap = 0
            end = len(frames)
            for part, size in sizes.items():
                self._put_piece(part, frames[end - size : end])
                end -= size + gap
            self._put_piece("train", frames[:end])
            self.left_out["between"] += gap * len(sizes)

    def _remarks(self, shared: tuple[Picture, ...]) -> list[str]:
        """What to know of the split, in sentences."""
        found = [READY_MADE] if self.keep else []
        if self.config.ready_made == "keep" and not self.keep and any(picture.part for picture in self.pictures):
            found.append("The pictures came split already, but none of them is to learn from: all are dealt anew.")
        if self.config.together in _SAYING and not any(said_of(picture, self.config) for picture in self.pictures):
            found.append(f"{_SAYING[self.config.together]}: by it, nothing stays together.")
        alike = []
        by_class: dict[str, list[Picture]] = defaultdict(list)
        for picture in self.pictures:
            by_class[str(picture.class_name)].append(picture)
        for name in sorted({str(picture.class_name) for picture in shared}):
            if len(set(near_groups(by_class[name]))) == 1:
                alike.append(name)
        for name in alike[:_NAMED]:
            found.append(
                f'All {len(by_class[name])} pictures of "{name}" look almost the same. It can train, but record again with '
                "movement for a better one."
            )
        if len(alike) > _NAMED:
            found.append(f"The same is true of {count(len(alike) - _NAMED, 'more class')}.")
        if shared:
            found.append(
                f"{len(shared)} of {count(len(self.parts['test']), 'test picture')} {'is' if len(shared) == 1 else 'are'} of a "
                "film, photo or group that is learned from, too: the test may look better than it is. "
                + ("Let the parts be dealt anew." if self.keep else "Add pictures from another time and place.")
            )
        return found


def _unambiguous(catalogue: Catalogue, *, keep: bool) -> tuple[list[Picture], Counter[str]]:
    """One picture for each content, and how many are left out: copies, and contents that lie in two classes. `keep`: of copies
    in several ready-made parts the one in the test stays, so that the test is the same and nothing of it is learned."""
    classes: dict[str, set[str]] = defaultdict(set)
    first: dict[str, Picture] = {}
    rank = {"test": 0, "val": 1} if keep else {}
    for found in catalogue.by_class.values():
        for picture in found:
            classes[picture.id].add(str(picture.class_name))
            known = first.setdefault(picture.id, picture)
            if rank.get(str(picture.part), 2) < rank.get(str(known.part), 2):
                first[picture.id] = picture
    total = sum(map(len, catalogue.by_class.values()))
    kept = [picture for picture in first.values() if len(classes[picture.id]) == 1]
    conflicts = sum(len(classes[p.id]) > 1 for found in catalogue.by_class.values() for p in found)
    return kept, Counter({"conflicts": conflicts, "copies": total - conflicts - len(kept), "between": 0})
