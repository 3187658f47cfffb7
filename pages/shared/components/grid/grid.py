"""The grid of pictures on a page: the component in grid.js beside it, what it is given, and what it asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pages.shared.components import _outbox
from pages.shared.components._component import component
from pages.shared.session import tab
from pages.shared.ui.palette import colour

_COMPONENT = component("grid")
_LETTERS = "bcdefghijklmnopqrstuvwxyz"  # "a" accepts a suggestion


@dataclass(frozen=True)
class Tile:
    """One picture: `id` is its path, `class_name` its class; `suggestion` a class that is offered, with `sure` in words;
    `details` are (term, value) for the large view; `section` the number of the section that it is in; `said` the class that a
    model gave it, `sure` of that: then it is larger, with what it is and what was said of it in two lines below."""

    id: str
    url: str
    picture: str
    class_name: str | None
    suggestion: str = ""
    sure: str = ""
    flag: str = ""
    section: int = 0
    details: tuple[tuple[str, str], ...] = ()
    said: str = ""

    def as_data(self, sections: Sequence[Section]) -> dict[str, Any]:
        """For the component."""
        values = asdict(self)
        values["class"] = values.pop("class_name")
        values["path"] = self.id
        # A picture may be in several sections, and a section may move up when one before it goes.
        section = hashlib.blake2b(sections[self.section].id.encode(), digest_size=6).hexdigest() if sections else ""
        values["id"] = f"{section}:{self.id}"
        return values


@dataclass(frozen=True)
class Section:
    """A heading over some tiles. `label`: whether a button for each class puts all of them there; `actions` are (id, words);
    `removing`: those of them that move pictures to the bin; `whole`: whether a button always means all of them, and not those
    selected."""

    id: str
    title: str
    note: str = ""
    label: bool = False
    actions: tuple[tuple[str, str], ...] = ()
    removing: tuple[str, ...] = ()
    whole: bool = False

    def as_data(self) -> dict[str, Any]:
        """For the component."""
        return asdict(self) | {"actions": [{"id": name, "label": words} for name, words in self.actions]}


@dataclass(frozen=True)
class Op:
    """What the person asked for: `kind` is "move", "copy", "delete", "undo", "redo" or "act" (a section's action)."""

    kind: str
    paths: tuple[str, ...] = ()
    to: str | None = None
    section: str = ""
    action: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of an op: a sentence, and (from, to) of the pictures that were moved."""

    said: str
    moved: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class View:
    """What a grid shows. `name` changes when it shows something else: then selection and scroll position are given up."""

    name: str
    tiles: Sequence[Tile]
    sections: Sequence[Section] = ()
    tags: bool = False
    accept: bool = False
    empty: str = "No pictures here."
    undo: str = ""
    redo: str = ""


def keys_of(classes: Sequence[str]) -> dict[str, str]:
    """Class -> the key that labels with it: 1 to 9, then letters, one of its own name where it is free."""
    keys = {name: str(number) for number, name in enumerate(classes[:9], 1)}
    free = set(_LETTERS)
    for name in classes[9:]:
        own = next((c for c in name.casefold() if c in free), None) or next(iter(sorted(free)), "")
        if own:
            free.discard(own)
            keys[name] = own
    return keys


def show(view: View, classes: Mapping[str, int], carry_out: Callable[[Op], Outcome], key: str) -> None:
    """Draws the grid. `classes`: class -> number in the palette, in order. `carry_out` does an op, or raises
    FieldguideError; it is called before the page is drawn again, once for each op, in their order."""
    done = _outbox.answers(key, {"moved": {}, "back": []})
    keys = keys_of(list(classes))

    def carry_out_one(raw: Mapping[str, Any]) -> None:
        op = _op(raw, done["moved"])
        done["back"] = []
        outcome = carry_out(op)
        done["said"] = outcome.said
        done["back"] = [new for _, new in outcome.moved] if op.kind in ("undo", "redo") else []
        done["moved"] = after(done["moved"], dict(outcome.moved))

    def answer() -> None:
        _outbox.answer(tab.get(key).get("outbox"), done, carry_out_one)

    _COMPONENT(
        key=key,
        data={
            "view": view.name,
            "items": [tile.as_data(view.sections) for tile in view.tiles],
            "sections": [section.as_data() for section in view.sections],
            "classes": [
                {"name": name, "colour": colour(number), "key": keys.get(name, "")} for name, number in classes.items()
            ],
            "tags": view.tags,
            "accept": view.accept,
            "empty": view.empty,
            "undo": view.undo,
            "redo": view.redo,
            "done": {"mount": done["mount"], "n": done["n"]},
            "back": done["back"],
            "said": done["said"],
            "trouble": done["trouble"],
        },
        default={"outbox": None},
        on_outbox_change=answer,
    )


def after(known: Mapping[str, str], moves: Mapping[str, str]) -> dict[str, str]:
    """Path that the tab knew -> where its picture is now, once pictures were moved; not of what lies where it lay."""
    now = {path: moves.get(place, place) for path, place in known.items()} | dict(moves)
    arrived = set(moves.values()).difference(moves)
    return {path: place for path, place in now.items() if path not in arrived}


def _op(raw: Mapping[str, Any], moved: Mapping[str, str]) -> Op:
    """An op as the browser sent it. Keys come faster than answers: a picture may by now lie elsewhere than the tab knew."""
    given = raw.get("paths")
    paths = [str(path).partition(":")[2] for path in given] if isinstance(given, list) else []
    return Op(
        kind=str(raw.get("kind")),
        paths=tuple(moved.get(path, path) for path in paths),
        to=None if raw.get("to") is None else str(raw["to"]),
        section=str(raw.get("section", "")),
        action=str(raw.get("action", "")),
    )
