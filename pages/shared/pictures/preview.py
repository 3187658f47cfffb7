"""What an import would bring, before anything is taken: what it was taken for, the classes with their first pictures, what is
left out and why; and what a person can choose otherwise."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from PIL import Image

from core.config.framing import Framing
from core.datasets import importing
from core.datasets.importing.choices import ImportChoices, Recognised
from core.datasets.importing.description import ClassToCome, LeftOut
from core.datasets.importing.films import is_film
from core.datasets.importing.plan import Plan
from core.datasets.layout import in_parts
from core.imaging.decode import thumbnail
from core.system.csv_safety import safe_cell
from core.system.errors import FieldguideError
from core.system.naming import as_text
from pages.shared.session import tab
from pages.shared.ui.text import count, literal

NO_CLASS = "without a class"
_MOST_CLASSES = 12
_MOST_NAMES = 500
_SIDE, _GAP = 56, 4
_CHOSEN = "import choices"
_WAYS = {"folders": "the folders", "table": "the table", "names": "how the names begin"}
_QUESTIONS = {
    "classes_from": "The classes come from",
    "label_column": "Column of the classes",
    "file_column": "Column of the pictures",
    "encoding": "Encoding",
}


def choices_of(source: str) -> ImportChoices:
    """What was chosen for a source in this tab."""
    return ImportChoices(**tab.get(_CHOSEN, {}).get(source, {}))


def all_choices() -> dict[str, ImportChoices]:
    """The same for all sources of which something was chosen."""
    return {source: choices_of(source) for source in tab.get(_CHOSEN, {})}


def forget_choices() -> None:
    """Leaves it to be recognised again."""
    tab.take(_CHOSEN)


def show(plan: Plan, stamp: str) -> None:
    """Draws the preview of a plan. `stamp` changes with the content of its source, so that pictures are read once."""
    told = importing.describe(plan)
    sentence = " ".join(each.sentence for each in told.recognised if told.named)
    classes = f" in {count(len(told.named), 'class')}" if told.named else ""
    st.markdown(f"**{literal(plan.source)}**: {told.in_words}{classes}. {literal(sentence)}")
    if told.named:
        _classes(plan, told.classes, stamp)
    if parts := in_parts(part for part, number in told.parts.items() for _ in range(number)):
        st.caption(f"Parts: {parts}.")
    for note in told.notes:
        st.caption(literal(note))
    _left_out(plan, told.left_out)
    for each in told.recognised:
        _choices(each)


def look(path: Path) -> Plan:
    """What is at a place on this computer, as it was chosen in this tab. Raises FieldguideError."""
    try:
        return importing.look(path, choices=choices_of(as_text(path.expanduser().absolute().name)))
    except FieldguideError:
        reset()
        raise


def reset() -> None:
    """Offers to undo what was chosen, also where it led to nothing."""
    if tab.get(_CHOSEN):
        st.button("As it was recognised", icon=":material/undo:", type="tertiary", on_click=forget_choices)


def _classes(plan: Plan, classes: Sequence[ClassToCome], stamp: str) -> None:
    shown = classes[:_MOST_CLASSES]
    strips = _strips(stamp, tuple(entry.name for each in shown for entry in each.first), plan, shown)
    for each, strip in zip(shown, strips, strict=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if strip:
                st.image(strip, width=3 * _SIDE + 2 * _GAP, alt=f"The first pictures of {each.name or NO_CLASS}")
            st.markdown(f"{literal(each.name or NO_CLASS)} · {each.count:,}")
    if len(classes) > len(shown):
        st.markdown(f"and {count(len(classes) - len(shown), 'more class')}")


@st.cache_data(max_entries=16, show_spinner=False)
def _strips(
    stamp: str,  # noqa: ARG001 - with the names it tells all previews apart
    names: tuple[str, ...],  # noqa: ARG001
    _plan: Plan,
    _classes: Sequence[ClassToCome],
) -> list[bytes]:
    """For each class JPEG bytes of its first pictures side by side, none where no file can be shown."""
    with _plan.opened() as read:
        wanted = sorted((entry for each in _classes for entry in each.first), key=lambda entry: entry.key)
        tiles: dict[int, Image.Image] = {}
        for entry in wanted:
            if is_film(entry.name):
                continue
            try:
                tiles[entry.key] = Image.open(io.BytesIO(thumbnail(read(entry), Framing(), _SIDE)))
            except (FieldguideError, OSError):  # it is told when it is added
                continue
    return [_strip([tiles[entry.key] for entry in each.first if entry.key in tiles]) for each in _classes]


def _strip(tiles: Sequence[Image.Image]) -> bytes:
    if not tiles:
        return b""
    sheet = Image.new("RGB", (3 * _SIDE + 2 * _GAP, _SIDE), "#f1ede3")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number * (_SIDE + _GAP), 0))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=88)
    return out.getvalue()


def _left_out(plan: Plan, reasons: Sequence[LeftOut]) -> None:
    if not reasons:
        return
    for each in reasons:
        st.caption(f"Left out: {count(each.count, 'file')}, {literal(each.reason)}.")
    with st.expander("Names of what is left out"):
        rows = [{"file": safe_cell(row.name), "why": safe_cell(row.reason)} for row in plan.rows[:_MOST_NAMES]]
        st.dataframe(rows, hide_index=True)
        if len(plan.rows) > len(rows):
            st.caption(f"and {count(len(plan.rows) - len(rows), 'more file')}")


def _choices(recognised: Recognised) -> None:
    file = recognised.choices.file_column
    options = {
        "classes_from": recognised.options.classes_from,
        "label_column": tuple(title for title in recognised.options.label_columns if title != file),
        "file_column": recognised.options.file_columns,
        "encoding": recognised.options.encodings,
    }
    for name, values in options.items():
        if not values:
            continue
        now = getattr(recognised.choices, name)
        key = f"import {name} {recognised.source} {now}"  # another box where it is recognised otherwise
        st.selectbox(
            _QUESTIONS[name],
            values,
            index=values.index(now) if now in values else None,
            format_func=lambda value: _WAYS.get(value, str(value)),
            placeholder="not recognised: choose one",
            key=key,
            on_change=_choose,
            args=(recognised.source, name, key),
        )


def _choose(source: str, name: str, key: str) -> None:
    chosen = tab.first(_CHOSEN, {}).setdefault(source, {})
    if name == "encoding":  # the titles may be others now
        chosen.clear()
    chosen[name] = tab.get(key)
    if name in ("label_column", "file_column"):
        chosen["classes_from"] = "table"
