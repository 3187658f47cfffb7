"""Pictures that a person brings to the test, and what the model says of each, worked out once."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.typing import UploadedFile

from core.datasets import importing
from core.datasets.importing.plan import Plan, Row
from core.datasets.scanner import unwrapped, walk_folders
from core.imaging.decode import read_square
from core.inference.classifier import Classifier, Predictions
from core.inference.own_test import digests
from core.system.errors import FieldguideError
from core.system.naming import as_text
from pages.shared.predict.model import Tested

MOST = 2000
"""Pictures at once; more are left out, and said."""
_EVERY = importing.ImportChoices(classes_from="folders")
"""Also the pictures that a table beside them does not name."""
_SMALL = 72
_NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True)
class Look:
    """One picture: `source` and `number` say where its content is; `shown` is a small JPEG as a data URL, or "" with the
    `reason`; `row` is float32 (K,); `ids` are those under which a project may know it."""

    name: str
    source: int
    number: int
    shown: str
    row: np.ndarray
    reason: str = ""
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Looked:
    """All pictures of a test. `left_out` is how many there were beyond MOST."""

    plans: Sequence[Plan]
    good: Sequence[Look]
    bad: Sequence[Row]
    left_out: int

    def predictions(self, tested: Tested) -> Predictions:
        """What the model says of the good ones."""
        classes = tested.classifier.classes
        rows = np.stack([look.row for look in self.good]) if self.good else np.empty((0, len(classes)), np.float32)
        return Predictions(tuple(look.name for look in self.good), rows, classes, tested.classifier.threshold)

    def truth(self, look: Look) -> str | None:
        """The class of a picture, as its folder or table says; None where nothing does."""
        return self.plans[look.source].entries[look.number].class_name

    def content(self, look: Look) -> bytes:
        """The file of a picture. Raises FieldguideError or OSError if it is gone."""
        plan = self.plans[look.source]
        with plan.opened() as read:
            return read(plan.entries[look.number])


def look_at(tested: Tested, plans: Sequence[Plan], keys: Sequence[str], refused: Sequence[Row] = ()) -> Looked:
    """Asks the model about every picture of the plans; `keys` tell the plans from others, so that each picture is asked
    about once. Raises ModelError if the model breaks down."""
    bad = [*refused, *(row for plan in plans for row in plan.rows if row.outcome == "rejected")]
    total = sum(len(plan.entries) for plan in plans)
    good: list[Look] = []
    place = st.empty()
    for done, look in enumerate(_looks(tested, plans, keys), 1):
        if done % 20 == 0:
            place.progress(done / min(total, MOST), f"Looking at the pictures: {done:,} of {min(total, MOST):,}")
        if look.reason:
            bad.append(Row(look.name, "rejected", look.reason))
        else:
            good.append(look)
    place.empty()
    return Looked(plans, good, bad, max(0, total - MOST))


def plans_of(files: Sequence[UploadedFile]) -> tuple[list[Plan], list[str], list[Row]]:
    """Plans of pictures and zips as a browser sends them, their keys, and a row for each file that is neither. Each file is
    a plan of its own, so that when one is added only that one is looked at."""
    plans: list[Plan] = []
    keys: list[str] = []
    rows: list[Row] = []
    for file in files:
        every = {as_text(file.name): _EVERY}
        found, refused = importing.from_files([(file.name, file.getvalue())], every)
        plans += [plan.of_pictures() for plan in found]
        keys += [str(file.file_id)] * len(found)
        rows += refused
    return plans, keys, rows


def place_of(typed: str) -> tuple[Plan, str]:
    """The plan of a folder or zip on this computer, and a key that changes with it. Raises FieldguideError."""
    path = Path(typed).expanduser().absolute()
    plan = importing.look(path, choices=_EVERY).of_pictures()
    if path.is_dir():
        files = walk_folders(unwrapped(path)).files
        return plan, f"{path} {hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()}"
    return plan, f"{path} {path.stat().st_mtime_ns}"


def _looks(tested: Tested, plans: Sequence[Plan], keys: Sequence[str]) -> Iterator[Look]:
    left = MOST
    for source, (plan, key) in enumerate(zip(plans, keys, strict=True)):
        with plan.opened() as read:
            for number, entry in enumerate(plan.entries[:left]):
                try:
                    shown, row, reason, ids = _answer(
                        tested.identity, f"{key} {number} {entry.name}", tested.classifier, partial(read, entry)
                    )
                except OSError:
                    shown, row, reason, ids = "", _NOTHING, "this file cannot be read", frozenset()
                yield Look(entry.name, source, number, shown, row, reason, ids)
        left -= len(plan.entries[:left])


@st.cache_data(max_entries=2 * MOST, show_spinner=False)
def _answer(
    identity: str,  # noqa: ARG001 - with the key it tells all questions apart
    key: str,  # noqa: ARG001
    _model: Classifier,
    _read: Callable[[], bytes],
) -> tuple[str, np.ndarray, str, frozenset[str]]:
    content = b""
    try:
        content = _read()
        square = read_square(content, _model.pixels, _model.framing)
    except FieldguideError as error:
        return "", _NOTHING, error.message, frozenset()
    out = io.BytesIO()
    Image.fromarray(square).resize((_SMALL, _SMALL), Image.Resampling.BOX).save(out, "JPEG", quality=80)
    return (
        f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}",
        _model.probabilities(square),
        "",
        frozenset(digests(content)),
    )
