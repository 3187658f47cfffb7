"""The pictures of a project as one look at its folders found them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from core.datasets.edit_journal import HIDDEN
from core.datasets.layout import Layout


@dataclass(frozen=True, slots=True)
class Picture:
    """One usable picture: `id` is the SHA-256 of the file's bytes (hex), `path` is relative to the project, `size` in bytes,
    `kind` Pillow's name of the format; the others are those of `images.PictureFacts`.

    `part`: "train", "val" or "test" where the pictures came split already; `group`: what a person's table says that it
    belongs to. None where nothing is said.
    """

    id: str
    path: str
    class_name: str | None
    width: int
    height: int
    size: int
    signature: bytes
    brightness: float
    sharpness: float = 1.0
    kind: str = ""
    note: str = ""
    modified_ns: int = 0
    part: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class ClassChoices:
    """The order that a person gave to the classes, which of them are set aside, and class -> number in the palette."""

    order: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    colours: dict[str, int] = field(default_factory=dict)


def class_order(names: Iterable[str], choices: ClassChoices) -> list[str]:
    """Class names in the order that a person chose; those that came later by name at the end."""
    place = {name: number for number, name in enumerate(choices.order)}
    return sorted(names, key=lambda name: (place.get(name, len(place)), name))


@dataclass(frozen=True)
class Rejected:
    """A file that looked like a picture and cannot be used; `reason` is short."""

    path: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """What a look at the folders found. `classes` also names folders without a usable picture, in the order that the
    person chose, else by name; those in `aside` are not trained on; `colours` are numbers of a palette; `layout` says where
    the class folders lie; `unread`: kind of file, such as "TIFF picture" -> how many of those `skipped` are of it."""

    pictures: tuple[Picture, ...]
    classes: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    links: tuple[str, ...]
    skipped: int = 0
    aside: frozenset[str] = frozenset()
    colours: dict[str, int] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    unread: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_class(self) -> dict[str, list[Picture]]:
        """Class name -> its pictures, by path. Empty classes have an empty list."""
        found: dict[str, list[Picture]] = {name: [] for name in self.classes}
        for picture in self.pictures:
            if picture.class_name is not None:
                found[picture.class_name].append(picture)
        return found

    @cached_property
    def unlabelled(self) -> list[Picture]:
        """Pictures that lie in no class folder."""
        return [picture for picture in self.pictures if picture.class_name is None]

    @cached_property
    def by_path(self) -> dict[str, Picture]:
        """Path -> picture."""
        return {picture.path: picture for picture in self.pictures}

    @cached_property
    def in_use(self) -> Catalogue:
        """The same without the classes that are set aside: what is trained on and checked."""
        if not self.aside:
            return self
        kept = tuple(picture for picture in self.pictures if picture.class_name not in self.aside)
        classes = tuple(name for name in self.classes if name not in self.aside)
        return replace(self, pictures=kept, classes=classes, aside=frozenset())

    def after(self, moved: Iterable[tuple[str, str]]) -> Catalogue | None:
        """The catalogue once pictures were moved, (from, to) each, without another look at the folders.

        None where that takes a look: a move of a folder, from outside, or into a folder that was no class.
        """
        pictures = dict(self.by_path)
        for old, new in moved:
            picture, hidden = pictures.pop(old, None), new.startswith(f"{HIDDEN}/")
            part, folder = self.layout.place(new)
            known = folder or new.rpartition("/")[0] in {"", *self.layout.roots}
            if picture is None or not (known or hidden):
                return None
            if not hidden:
                if part is None and self.layout.place(old)[0] is None:
                    part = picture.part  # as an import said
                pictures[new] = replace(picture, path=new, class_name=self.layout.classes.get(folder), part=part)
        return replace(self, pictures=tuple(pictures[path] for path in sorted(pictures)))

    @cached_property
    def worked_out(self) -> dict[Any, Any]:
        """What others have worked out from it, by keys of theirs, so that it is done once."""
        return {}

    @property
    def counts(self) -> dict[str, int]:
        """Class name -> number of usable pictures."""
        return {name: len(pictures) for name, pictures in self.by_class.items()}
