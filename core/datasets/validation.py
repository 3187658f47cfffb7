"""What is worth a look before training: one function a check, each returning the same kind of row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.config.framing import Framing
from core.datasets import unread
from core.datasets.catalogue import Catalogue, Picture
from core.datasets.layout import in_parts, remarks_on

NEAR = 5.0
"""Mean difference of two signatures (0..255) up to which two pictures count as near-duplicates. On flower_photos this
finds re-uploads of one photo and no two photos that a person would call different."""

PLAIN = 0.2
"""Share of a signature's own deviation that the difference may not exceed: drawings on white paper are all nearly white."""

SEEN = 0.6
"""Share of a picture's area under which its centre square leaves out much: that of 4:3 and 3:2 photos is larger."""

MAX_CLASSES = 1000
"""More class folders than this are refused."""


@dataclass(frozen=True)
class Problem:
    """One finding: its `kind`, one sentence, and the paths it is about (relative to the project)."""

    kind: str
    sentence: str
    paths: tuple[str, ...] = ()


def near_groups(pictures: Sequence[Picture]) -> list[int]:
    """For each picture the number of its group; pictures with the same bytes, or nearly the same look, share one.

    Groups are numbered from 0 in order of first appearance. Compares 8 x 8 colour signatures; pictures are sorted by
    mean first, since two signatures can't be nearer than their means.
    """
    count = len(pictures)
    if not count:
        return []
    signatures = np.stack([np.frombuffer(p.signature, np.uint8).reshape(64, 3) for p in pictures]).astype(np.int16)
    order = np.argsort(signatures.mean(axis=(1, 2)), kind="stable")
    signatures = signatures[order]
    means = signatures.mean(axis=(1, 2))
    limits = np.minimum(NEAR, PLAIN * signatures.std(axis=(1, 2)))
    # Means of quarters are nearer to each other than the whole is: most pairs are told apart by 12 numbers.
    quarters = signatures.reshape(count, 2, 4, 2, 4, 3).mean(axis=(2, 4), dtype=np.float32).reshape(count, 12)
    ends = np.searchsorted(means, means + NEAR, side="right")
    group = np.arange(count)
    members = [[row] for row in range(count)]
    for this, end in enumerate(ends):
        close = np.abs(quarters[this + 1 : end] - quarters[this]).mean(axis=1) <= limits[this] + 1e-3
        others = np.flatnonzero(close & (group[this + 1 : end] != group[this])) + this + 1
        apart = np.abs(signatures[others] - signatures[this]).mean(axis=(1, 2))
        for other in np.unique(group[others[apart <= np.minimum(limits[others], limits[this])]]).tolist():
            small, large = sorted((other, int(group[this])), key=lambda number: len(members[number]))
            group[members[small]] = large
            members[large] += members[small]
    found = np.empty(count, int)
    found[order] = group
    numbers: dict[int, int] = {}
    return [numbers.setdefault(number, len(numbers)) for number in found.tolist()]


def is_tiny(width: int, height: int) -> bool:
    """Whether there is hardly anything to see: under 32 pixels on a side, or 20 times as long as wide."""
    return min(width, height) < 32 or max(width, height) > 20 * min(width, height)


def find_problems(catalogue: Catalogue, framing: Framing) -> list[Problem]:
    """What can be said in words, the gravest first; what is wrong with single pictures is in core.quality.findings.
    `framing`: what models see of the project's pictures."""
    return [
        *cut_off(catalogue, framing),
        *_rejected(catalogue),
        *_split(catalogue),
        *_empty(catalogue),
        *_links(catalogue),
        *_passed_over(catalogue),
        *_remarks(catalogue),
    ]


def cut_off(catalogue: Catalogue, framing: Framing) -> list[Problem]:
    """Where the centre square leaves out much of most pictures, one row that says so; a person who chose a region or another
    fit knows."""
    if framing != Framing():
        return []
    pictures = catalogue.in_use.pictures
    wide = [p.height / p.width for p in pictures if p.height < SEEN * p.width]
    high = [p.width / p.height for p in pictures if p.width < SEEN * p.height]
    if 2 * (len(wide) + len(high)) <= len(pictures):
        return []
    words = {"wider than high": wide, "higher than wide": high}
    shapes = [shape for shape, kind in words.items() if 4 * len(kind) > len(wide) + len(high)]
    seen = round(100 * float(np.median([*wide, *high])))
    sentence = (
        f"Most of these pictures are much {' or much '.join(shapes)}: the model sees only the middle {seen} % of them. If what "
        "tells the classes apart may lie outside of that, choose the whole picture: Configure, What the model sees."
    )
    return [Problem("cut off", sentence)]


def why_not_trainable(catalogue: Catalogue) -> str:
    """One sentence on what is missing before training can start, or "" if nothing is."""
    aside = any(catalogue.counts[name] for name in catalogue.aside)
    catalogue = catalogue.in_use
    counts = {name: count for name, count in catalogue.counts.items() if count}
    if not counts and aside:
        return "All classes with pictures are set aside. A model needs at least two: take some back in."
    if not counts:
        return "No class has pictures yet."
    if len(counts) == 1 and aside:
        return f"All classes but {next(iter(counts))} are set aside. A model needs at least two: take one back in."
    if len(counts) == 1:
        others = " with pictures" if len(catalogue.classes) > 1 else ""
        return f"There is only one class{others}, {next(iter(counts))}. A model needs at least two to tell apart."
    if len(counts) > MAX_CLASSES:
        return f"There are {len(counts)} classes; at most {MAX_CLASSES} are supported."
    different = {name: {picture.id for picture in pictures} for name, pictures in catalogue.by_class.items()}
    everywhere = Counter(content for contents in different.values() for content in contents)
    for name, contents in different.items():
        if 0 < len(contents) < 3:
            return f"{name} has too few different pictures ({len(contents)}): each class needs at least 3, better 20."
        own = sum(everywhere[content] == 1 for content in contents)
        if contents and own < 3:
            return (
                f"The pictures of {name} lie in another class, too, all but {own}: decide under Problems which class each is. "
                "At least 3 must be left."
            )
    return ""


def _rejected(catalogue: Catalogue) -> list[Problem]:
    return [Problem("unreadable", f"{r.path} - {r.reason}", (r.path,)) for r in catalogue.rejected]


def _split(catalogue: Catalogue) -> list[Problem]:
    catalogue = catalogue.in_use
    told = in_parts(picture.part for picture in catalogue.pictures)
    found = [Problem("split", f"The pictures came split already: {told}.")] if told else []
    remarks = remarks_on(catalogue.layout, (picture.path for picture in catalogue.pictures))
    return [*found, *(Problem("layout", remark) for remark in remarks)]


def _empty(catalogue: Catalogue) -> list[Problem]:
    return [
        Problem("empty", f"{name} has no pictures: it is left out.") for name, n in catalogue.counts.items() if n == 0
    ]


def _links(catalogue: Catalogue) -> list[Problem]:
    return [Problem("link", f"{path} is a link and is not followed.", (path,)) for path in catalogue.links]


def _passed_over(catalogue: Catalogue) -> list[Problem]:
    found = [Problem("unread", sentence) for sentence in unread.sentences(catalogue.unread)]
    others = catalogue.skipped - sum(catalogue.unread.values())
    if others:
        files = "1 other file is" if others == 1 else f"{others:,} other files are"
        found.append(Problem("skipped", f"{files} passed over: no pictures, or hidden."))
    return found


def _remarks(catalogue: Catalogue) -> list[Problem]:
    return [Problem("note", f"{p.path} - {p.note}", (p.path,)) for p in catalogue.pictures if p.note]
