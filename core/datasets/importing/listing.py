"""What is in a source, by name: pictures, tables among them, and what is passed over. No picture is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from core.datasets import unread
from core.datasets.importing import archives, arrangement, tables
from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.films import is_film
from core.datasets.importing.plan import FileOf, Opened, Reader, Row, opened_pictures
from core.datasets.importing.sheets import Sheet
from core.datasets.layout import Layout, find_parts, layout_of, with_those_above
from core.datasets.scanner import ignored, is_picture_name, may_be_picture, unwrapped, walk_folders
from core.imaging.decode import begins_like_picture
from core.system.errors import ProjectError
from core.system.naming import as_text

_KEPT = 64_000_000
"""Bytes of the tables in an archive that are kept while it is looked at."""


@dataclass(frozen=True)
class Listing:
    """The names of what is in a source. `pictures`: paths, without what only wraps them, and `keys`, by which `opened` reads
    them; `wrapped`: a note on what wraps the class folders; `names_read_as`: the encoding of names that do not say it;
    `main`: the table that was chosen; `may_be_empty`: that nothing can be taken is told by its rows."""

    source: str
    pictures: Sequence[str]
    keys: Sequence[int]
    layout: Layout
    opened: Opened
    sheets: Sequence[Sheet] = ()
    rows: Sequence[Row] = ()
    wrapped: Sequence[str] = ()
    notes: Sequence[str] = ()
    names_read_as: str = ""
    main: str | None = None
    may_be_empty: bool = False
    file_of: FileOf | None = None


def can_be_taken(name: str, content: bytes = b"") -> bool:
    """Whether a file is a picture or a film, by its ending; where its name has none, by its content."""
    return is_picture_name(name) or is_film(name) or (may_be_picture(name) and begins_like_picture(content))


def _is_picture(member: archives.Member) -> bool:
    try:
        return begins_like_picture(member.read())
    except ProjectError:
        return False


def of_files(files: Sequence[tuple[str, bytes]]) -> Listing:
    """Loose pictures that came with tables, (name, content) each."""
    places: dict[str, int] = {}
    rows = []
    for number, (name, content) in enumerate(files):
        if can_be_taken(name, content):
            if name in places:
                rows.append(Row(name, "skipped", "another file of this name came along"))
            places.setdefault(name, number)
    sheets = [Sheet(name, partial(bytes, content)) for name, content in files if name.lower().endswith(tables.SUFFIXES)]
    return Listing(
        "files", list(places), list(places.values()), Layout(), opened_pictures(files), sheets, rows, may_be_empty=True
    )


def of_folder(root: Path) -> Listing:
    """A folder, seen through folders that only wrap others."""
    inner = unwrapped(root)
    walk = walk_folders(inner)
    rows = [Row(r.path, "rejected", r.reason) for r in walk.unusable]
    rows += [Row(path, "rejected", "a link, which is not followed") for path in walk.links]
    rows += [_passed_over(path) for path in walk.others if not is_film(path)]
    pictures = [*walk.files, *filter(is_film, walk.others)]
    wrapped = [f"The classes are the folders in {inner.name}."] if inner != root else []
    sheets = _sheets_in(inner, walk.others)
    while inner != root:  # a table may lie beside the folder that wraps the others
        inner = inner.parent
        sheets += _sheets_in(inner, [file.name for file in sorted(inner.iterdir()) if file.is_file()])
    base = unwrapped(root)
    return Listing(
        root.name, pictures, range(len(pictures)), walk.layout(), _reading(base), sheets, rows, wrapped,
        file_of=lambda entry: base / entry.name,
    )  # fmt: skip


def _sheets_in(folder: Path, paths: Sequence[str]) -> list[Sheet]:
    return [
        Sheet(as_text(path), partial(content_of, folder / path))
        for path in paths
        if path.lower().endswith(tables.SUFFIXES) and not ignored(path.rpartition("/")[2]) and (folder / path).is_file()
    ]


def of_table(table: Path) -> Listing:
    """A table and the pictures in its folder; the other tables there may say what it leaves open."""
    walk = walk_folders(table.parent)
    others = [path for path in walk.others if "/" not in path and path != table.name]
    main = Sheet(as_text(table.name), partial(content_of, table))
    sheets = [main, *_sheets_in(table.parent, others)]
    reading = _reading(table.parent)
    pictures = list(walk.files)
    return Listing(table.name, pictures, range(len(pictures)), walk.layout(), reading, sheets, main=main.path)


def of_archive(source: Path | bytes, name: str, choices: ImportChoices) -> Listing:
    """A zip or tar. Raises ProjectError for what cannot be opened."""
    encoding = choices.encoding or ""
    rows: list[Row] = []
    pictures: dict[int, str] = {}
    found: dict[int, str] = {}
    with archives.open_archive(source, encoding) as members:
        for number, member in enumerate(members):
            parts = [part for part in member.name.replace("\\", "/").split("/") if part not in ("", ".")]
            path = "/".join(parts)
            if member.refused:
                rows.append(Row(member.name, "rejected", member.refused))
            elif not parts or any(ignored(part) for part in parts):
                rows.append(Row(member.name, "skipped", "hidden, or a system's own file"))
            elif can_be_taken(path) or (may_be_picture(parts[-1]) and _is_picture(member)):
                pictures[number] = path
            elif path.lower().endswith(archives.SUFFIXES):
                rows.append(Row(member.name, "rejected", "a zip in a zip: unpack it first"))
            else:
                if path.lower().endswith(tables.SUFFIXES):
                    found[number] = path
                rows.append(_passed_over(path))
        reading = next((member.reading for member in members if member.reading), "")

    @contextmanager
    def opened() -> Iterator[Reader]:
        with archives.open_archive(source, encoding) as again:
            yield lambda entry: again[entry.key].read()

    @cache
    def small() -> dict[int, bytes]:
        """The content of the tables, as far as it can be kept: to open an archive for each of many takes minutes."""
        kept: dict[int, bytes] = {}
        with archives.open_archive(source, encoding) as again:
            left = _KEPT
            for number in found:
                if again[number].size <= left:
                    left -= again[number].size
                    with suppress(ProjectError):  # which is told when it is read for itself
                        kept[number] = again[number].read()
        return kept

    def content(number: int) -> bytes:
        if number in small():
            return small()[number]
        with archives.open_archive(source, encoding) as again:
            return again[number].read()

    inner, depth = arrangement.stripped(list(pictures.values()))
    wrapped, notes = [], []
    if depth:
        wrapped.append(f"The classes are the folders in {next(iter(pictures.values())).split('/')[depth - 1]}.")
    if reading:
        notes.append(
            f"The names in {as_text(name)} do not say in which encoding they are: they were read as {reading}. If they look "
            "wrong, choose another encoding."
        )
    top = "/".join(next(iter(pictures.values())).split("/")[:depth]) + "/" if depth else ""
    sheets = [Sheet(path.removeprefix(top), partial(content, number)) for number, path in found.items()]
    folders = {above for path in inner for above in with_those_above(path.rpartition("/")[0])}
    layout = layout_of(folders, find_parts(folders, inner))
    return Listing(name, inner, list(pictures), layout, opened, sheets, rows, wrapped, notes, reading)


def _passed_over(path: str) -> Row:
    table = path.lower().endswith(tables.SUFFIXES)
    return Row(path, "skipped", "a table, not used" if table else unread.reason(path.rpartition("/")[2]))


def _reading(root: Path) -> Opened:
    return lambda: nullcontext(lambda entry: content_of(root / entry.name))


def content_of(file: Path) -> bytes:
    """The bytes of a file. Raises ProjectError for one that is too large, OSError."""
    if file.stat().st_size > archives.MAX_FILE:
        raise ProjectError(archives.TOO_LARGE)
    return file.read_bytes()
