"""A whole, checked archive -> a new project in the data home; it appears there only when it is complete."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from core.datasets import importing
from core.datasets.examples.table import Starter
from core.datasets.importing.archives import open_archive
from core.datasets.importing.plan import Entry, Reader
from core.datasets.project import Project
from core.system import disk, storage
from core.system.errors import ProjectError
from core.system.naming import class_key, free_name

CIFAR_EACH = 500
"""How many pictures of each class of CIFAR-10 are taken: the first ones of the training batches."""

ABOUT = "About these pictures.txt"
"""The file of a project that says where it is from and what the licence asks for."""

_CIFAR_SIDE = 32
_CIFAR_RECORD = 1 + 3 * _CIFAR_SIDE**2  # the label, then the red, the green and the blue of all pixels, row by row
Progress = Callable[[int, int], None]


def unpack(starter: Starter, archive: Path, home: Path, chosen: Callable[[Path], None], progress: Progress) -> str:
    """Makes a project named `starter.title`, or "title (2)" where that is taken, in the folder `home`.

    `chosen` is called with its folder just before it appears there; `progress` with (done, total) pictures, and may raise
    to cancel: then no project appears, and what is half made lies in `making_folder`. A text beside the class folders
    says where the pictures are from. Returns a sentence on how many there are. Raises ProjectError if the archive cannot
    be used, OSError if the disk is full or the name was taken in that very moment.
    """
    making = making_folder(starter, home)
    disk.remove_tree(making)
    making.mkdir()
    plan = replace(plan_of(archive), source=starter.title)
    taken = importing.take(Project.open(making), plan, progress).count("taken")
    if not taken:
        raise ProjectError("None of the pictures in the archive can be read.", "Choose another set.")
    storage.write_bytes(making / ABOUT, _about(starter, archive).encode())
    target = home / free_name(starter.title, "", {class_key(path.name) for path in home.iterdir()})
    chosen(target)
    disk.rename(making, target)
    left_out = len(plan.entries) - taken
    return f"{taken:,} pictures" + (f"; {left_out:,} were left out, as doubles or unreadable." if left_out else ".")


def making_folder(starter: Starter, home: Path) -> Path:
    """Where a project lies until it is complete; hidden, and of no use after a crash."""
    return home / f"{storage.HALF_MADE}{starter.name}"


def plan_of(archive: Path) -> importing.Plan:
    """What comes out of an archive: the folder that a picture lies in is its class, with spaces for underscores; the
    records of CIFAR-10, where it holds those."""
    with open_archive(archive) as members:
        cifar = any(PurePosixPath(member.name).name == "data_batch_1.bin" for member in members)
    return _cifar(archive) if cifar else importing.look(archive, class_of=_folder)


def _folder(path: str) -> str | None:
    return PurePosixPath(path).parent.name.replace("_", " ") or None


def _cifar(archive: Path) -> importing.Plan:
    """The first pictures of each class in the binary version, as PNG: https://www.cs.toronto.edu/~kriz/cifar.html"""
    with open_archive(archive) as members:
        contents = {PurePosixPath(member.name).name: member for member in members}
        names = contents["batches.meta.txt"].read().decode("ascii").split()
        records = np.empty((0, _CIFAR_RECORD), np.uint8)
        for name in sorted(name for name in contents if name.startswith("data_batch_")):
            batch = np.frombuffer(contents[name].read(), np.uint8).reshape(-1, _CIFAR_RECORD)
            records = np.concatenate([records, batch])
            if np.bincount(records[:, 0], minlength=len(names)).min() >= CIFAR_EACH:
                break
    rows = np.concatenate([np.flatnonzero(records[:, 0] == label)[:CIFAR_EACH] for label in range(len(names))])
    labels = records[rows, 0]
    pixels = records[rows, 1:].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE).transpose(0, 2, 3, 1)
    entries = tuple(
        Entry(f"{names[label]}-{row:05}.png", names[label], key)
        for key, (row, label) in enumerate(zip(rows.tolist(), labels.tolist(), strict=True))
    )

    @contextmanager
    def opened() -> Iterator[Reader]:
        yield lambda entry: _png(pixels[entry.key])

    return importing.Plan(archive.name, entries, (), (), opened)


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _about(starter: Starter, archive: Path) -> str:
    """Where the pictures are from; the archive's own LICENSE.txt follows, because it may name whom to name."""
    lines = [
        starter.title,
        f"Licence: {starter.licence}",
        f"From: {starter.url}",
        f"SHA-256 of the archive: {starter.sha256}",
        f"Fetched: {time.strftime('%Y-%m-%d')}",
    ]
    with open_archive(archive) as members:
        texts = [
            member.read().decode("utf-8", "replace")
            for member in members
            if not member.refused and PurePosixPath(member.name).name.casefold() == "license.txt"
        ]
    return "\n".join([*lines, "", *texts]) + "\n"
