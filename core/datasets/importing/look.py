"""What a source is: class folders, a split of them, a table, names that begin alike, or loose pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from core.datasets import unread
from core.datasets.importing import archives, arrangement, tables
from core.datasets.importing.choices import ClassesFrom, ImportChoices, ImportOptions, LayoutKind, Recognised
from core.datasets.importing.labelling import Labelling, Sheet, label_pictures
from core.datasets.importing.plan import Entry, Opened, Plan, Reader, Row, from_pictures, opened_pictures
from core.datasets.importing.readings import NAME_ENCODINGS, TABLE_ENCODINGS
from core.datasets.layout import Layout, find_parts, layout_of, with_those_above
from core.datasets.scanner import ignored, is_picture_name, unwrapped, walk_folders
from core.datasets.validation import MAX_CLASSES
from core.system.errors import ProjectError
from core.system.naming import as_text, count

ClassOf = Callable[[str], str | None]


@dataclass(frozen=True)
class _Listing:
    """The names of what is in a source. `pictures`: paths, without what only wraps them, and `keys`, by which `opened` reads
    them; `names_read_as`: the encoding of names that do not say it; `main`: the table that was chosen; `may_be_empty`: that
    nothing can be taken is told by its rows."""

    source: str
    pictures: Sequence[str]
    keys: Sequence[int]
    layout: Layout
    opened: Opened
    sheets: Sequence[Sheet] = ()
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    names_read_as: str = ""
    main: str | None = None
    may_be_empty: bool = False


@dataclass(frozen=True)
class _Outcome:
    """Entries by one way to tell classes, and what is said of it."""

    layout: LayoutKind
    sentence: str
    entries: list[Entry]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    choices: ImportChoices = field(default_factory=ImportChoices)


def look(
    source: Path | bytes, name: str = "", class_of: ClassOf | None = None, choices: ImportChoices | None = None
) -> Plan:
    """Lists a folder of class folders, a zip or tar of them, a table of files and labels, or one picture.

    `name`: what a file given by its content is called. `class_of`: path in the source -> class or None, where neither folders
    nor tables say it. `choices`: what a person decided otherwise than it was recognised. Raises ProjectError, with what to
    do, for anything else, for archives outside the limits, and for choices that there are not.
    """
    choices = choices or ImportChoices()
    if isinstance(source, Path):
        source = source.expanduser().absolute()
        name = name or as_text(source.name)
        if source.is_dir():
            return _recognise(_folder(source), choices, class_of)
        if not source.is_file():
            raise ProjectError(f"There is no file or folder {source}.", "Check the spelling.")
    lower = name.lower()
    if lower.endswith(archives.SUFFIXES):
        return _recognise(_archive(source, name, choices), choices, class_of)
    if lower.endswith(tables.SUFFIXES):
        if isinstance(source, bytes):
            raise ProjectError(
                "A table alone has no pictures in it.", "Put it into one zip with them, or choose their folder."
            )
        return _recognise(_beside(source), replace(choices, classes_from="table"), class_of)
    if is_picture_name(lower):
        content = source
        return from_pictures([(name, content if isinstance(content, bytes) else _content(content))], name)
    hint = unread.sentences(unread.tally([lower]))
    raise ProjectError(
        f"{name} is neither pictures nor a zip nor a table.",
        hint[0] if hint else "Choose pictures, a zip, a folder, a CSV or JSON Lines.",
    )


def from_files(
    files: Sequence[tuple[str, bytes]], choices: Mapping[str, ImportChoices] | None = None
) -> tuple[list[Plan], list[Row]]:
    """Imports of a mixture, as a browser sends it: loose pictures, with their labels where a table comes with them, and
    archives each for itself. `choices`: source of a plan -> what a person decided. Also returns a row for each file that is
    none of these, or holds nothing that can be taken."""
    chosen = choices or {}
    plans: list[Plan] = []
    rows: list[Row] = []
    loose = any(is_picture_name(name) for name, _ in files)
    if loose:
        listing = _loose(files)
        try:
            plans.append(_recognise(listing, chosen.get(listing.source, ImportChoices()), None))
        except ProjectError as error:
            first = listing.sheets[0].path if listing.sheets else listing.source
            rows.append(Row(first, "rejected", f"{error.message} {error.hint}"))
    for name, content in files:
        if is_picture_name(name) or (loose and name.lower().endswith(tables.SUFFIXES)):
            continue
        try:
            plans.append(look(content, name, choices=chosen.get(as_text(name))))
        except ProjectError as error:
            rows.append(Row(name, "rejected", f"{error.message} {error.hint}"))
    return plans, rows


def _loose(files: Sequence[tuple[str, bytes]]) -> _Listing:
    places: dict[str, int] = {}
    rows = []
    for number, (name, _) in enumerate(files):
        if is_picture_name(name):
            if name in places:
                rows.append(Row(name, "skipped", "another file of this name came along"))
            places.setdefault(name, number)
    sheets = [Sheet(name, partial(bytes, content)) for name, content in files if name.lower().endswith(tables.SUFFIXES)]
    return _Listing(
        "files", list(places), list(places.values()), Layout(), opened_pictures(files), sheets, rows, may_be_empty=True
    )


def _folder(root: Path) -> _Listing:
    inner = unwrapped(root)
    walk = walk_folders(inner)
    rows = [Row(r.path, "rejected", r.reason) for r in walk.unusable]
    rows += [Row(path, "rejected", "a link, which is not followed") for path in walk.links]
    rows += [_passed_over(path) for path in walk.others]
    notes = [f"The classes are the folders in {inner.name}."] if inner != root else []
    sheets = _sheets_in(inner, walk.others)
    while inner != root:  # a table may lie beside the folder that wraps the others
        inner = inner.parent
        sheets += _sheets_in(inner, [file.name for file in sorted(inner.iterdir()) if file.is_file()])
    base = unwrapped(root)
    return _Listing(
        root.name, list(walk.files), range(len(walk.files)), walk.layout(), _reading(base), sheets, rows, notes
    )


def _sheets_in(folder: Path, paths: Sequence[str]) -> list[Sheet]:
    return [
        Sheet(as_text(path), partial(_content, folder / path))
        for path in paths
        if path.lower().endswith(tables.SUFFIXES) and not ignored(path.rpartition("/")[2]) and (folder / path).is_file()
    ]


def _beside(table: Path) -> _Listing:
    """A table and the pictures in its folder; the other tables there may say what it leaves open."""
    walk = walk_folders(table.parent)
    others = [path for path in walk.others if "/" not in path and path != table.name]
    main = Sheet(as_text(table.name), partial(_content, table))
    sheets = [main, *_sheets_in(table.parent, others)]
    reading = _reading(table.parent)
    pictures = list(walk.files)
    return _Listing(table.name, pictures, range(len(pictures)), walk.layout(), reading, sheets, main=main.path)


def _archive(source: Path | bytes, name: str, choices: ImportChoices) -> _Listing:
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
            elif is_picture_name(path):
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

    def content(number: int) -> bytes:
        with archives.open_archive(source, encoding) as again:
            return again[number].read()

    inner, depth = arrangement.stripped(list(pictures.values()))
    notes = []
    if depth:
        notes.append(f"The classes are the folders in {next(iter(pictures.values())).split('/')[depth - 1]}.")
    if reading:
        notes.append(
            f"The names in {as_text(name)} do not say in which encoding they are: they were read as {reading}. If they look "
            "wrong, choose another encoding."
        )
    top = "/".join(next(iter(pictures.values())).split("/")[:depth]) + "/" if depth else ""
    sheets = [Sheet(path.removeprefix(top), partial(content, number)) for number, path in found.items()]
    folders = {above for path in inner for above in with_those_above(path.rpartition("/")[0])}
    layout = layout_of(folders, find_parts(folders, inner))
    return _Listing(name, inner, list(pictures), layout, opened, sheets, rows, notes, reading)


def _passed_over(path: str) -> Row:
    return Row(path, "skipped", unread.reason(path.rpartition("/")[2]))


def _reading(root: Path) -> Opened:
    return lambda: nullcontext(lambda entry: _content(root / entry.name))


def _content(file: Path) -> bytes:
    if file.stat().st_size > archives.MAX_FILE:
        raise ProjectError(archives.TOO_LARGE)
    return file.read_bytes()


def _recognise(listing: _Listing, choices: ImportChoices, class_of: ClassOf | None) -> Plan:
    """The plan of a source, by what it says itself where the choices leave it open."""
    if class_of:
        entries, notes = arrangement.by_folders(listing.pictures, listing.layout, class_of)
        return _planned(listing, _Outcome("folders", "", entries, notes=notes), ImportOptions())
    folders = arrangement.folders_tell(listing.layout, listing.pictures)
    said = Labelling()
    if listing.sheets and listing.pictures and choices.classes_from in (None, "table"):
        said = label_pictures(listing.sheets, listing.pictures, choices, listing.main)
    outcome = _outcome(listing, choices, said, folders)
    return _planned(listing, outcome, _options(listing, choices, said, outcome))


def _outcome(listing: _Listing, choices: ImportChoices, said: Labelling, folders: bool) -> _Outcome:
    asked = choices.classes_from
    most = 2 * len(said.entries) >= len(listing.pictures)
    if asked == "table" and not said.used and listing.pictures:
        raise ProjectError(
            said.problems[0] if said.problems else f"There is no table in {listing.source} that names its pictures.",
            f"It looked for them in {listing.source}, where there are {count(len(listing.pictures), 'picture')}.",
        )
    if said.used and (asked == "table" or (said.labelled and (most or not folders))):
        notes = list(said.notes)
        if folders and asked is None:
            notes.append("The table counts, not the class folders, since it names most of the pictures.")
        return _Outcome("table", said.sentence, said.entries, said.rows, notes, said.choices)
    notes = _why_no_table(said, folders) if asked is None else []
    if asked == "names" or (asked is None and not said.used and not _in_folders(listing) and _names(listing)):
        return _by_names(listing, notes)
    return _by_folders(listing, notes)


def _why_no_table(said: Labelling, folders: bool) -> list[str]:
    if said.used and said.labelled:
        return [
            f"{said.used[0]} names only {count(len(said.entries), 'picture')}: the class folders count, not the table."
        ]
    if said.used and not folders:
        return said.notes
    return list(said.problems) if not folders else []


def _in_folders(listing: _Listing) -> bool:
    return any(listing.layout.class_of(path) is not None for path in listing.pictures)


def _names(listing: _Listing) -> bool:
    return arrangement.names_tell(listing.pictures)


def _by_names(listing: _Listing, notes: list[str]) -> _Outcome:
    entries = arrangement.by_names(listing.pictures, listing.layout)
    first = next((entry for entry in entries if entry.class_name), None)
    example = f", such as {first.class_name} for {first.name.rpartition('/')[2]}" if first else ""
    sentence = f"The names of the pictures begin with their classes{example}."
    return _Outcome("names", sentence, entries, notes=notes, choices=ImportChoices(classes_from="names"))


def _by_folders(listing: _Listing, notes: list[str]) -> _Outcome:
    entries, more = arrangement.by_folders(listing.pictures, listing.layout)
    chosen = ImportChoices(classes_from="folders")
    if listing.layout.roots:
        sentence = "It is split already, with a folder for each class in each part."
        return _Outcome("parts", sentence, entries, notes=[*notes, *more], choices=chosen)
    if any(entry.class_name is not None for entry in entries):
        return _Outcome("folders", "Each folder is a class.", entries, notes=[*notes, *more], choices=chosen)
    return _Outcome("loose", "Pictures without a class.", entries, notes=notes, choices=chosen)


def _options(listing: _Listing, choices: ImportChoices, said: Labelling, outcome: _Outcome) -> ImportOptions:
    ways: list[ClassesFrom] = []
    if said.used or (listing.sheets and outcome.choices.classes_from != "table"):
        ways.append("table")
    if _in_folders(listing) or ways:
        ways.append("folders")
    if outcome.layout == "names" or arrangement.names_may_tell(listing.pictures):
        ways += ["names"] if ways else ["folders", "names"]
    table = outcome.layout == "table" or bool(said.used and not said.labelled)
    encodings: Sequence[str] = ()
    if listing.names_read_as:
        encodings = NAME_ENCODINGS
    elif table and (said.guessed or choices.encoding):
        encodings = TABLE_ENCODINGS
    return ImportOptions(
        said.titles if table else (),
        said.titles if table else (),
        tuple(encodings),
        tuple(ways) if len(ways) > 1 else (),
    )


def _planned(listing: _Listing, outcome: _Outcome, options: ImportOptions) -> Plan:
    used = {sheet.path for sheet in listing.sheets} if outcome.layout == "table" else set()
    rows = [*outcome.rows, *(row for row in listing.rows if row.name.rpartition("/")[2] not in used)]
    if not outcome.entries and not listing.may_be_empty:
        reasons = sorted({row.reason for row in rows if row.outcome == "rejected"})
        missed = unread.sentences(unread.tally(row.name for row in rows))
        raise ProjectError(
            f"There are no pictures in {listing.source}{f' that can be taken ({reasons[0]})' if reasons else ''}.",
            missed[0] if missed else "It should hold a folder for each class, with pictures in it.",
        )
    classes = len({entry.class_name for entry in outcome.entries})
    if classes > MAX_CLASSES:
        what = "class folders" if outcome.layout in ("folders", "parts") else "classes"
        raise ProjectError(
            f"There are {classes:,} {what} in {listing.source}; at most {MAX_CLASSES:,} are supported.",
            "Choose some of them, or put several into one.",
        )
    entries = [replace(entry, key=listing.keys[entry.key]) for entry in outcome.entries]
    entries.sort(key=lambda entry: entry.key)  # a packed tar is read from its start for each step back
    notes = [*(listing.notes if outcome.layout != "table" else [n for n in listing.notes if "folders in" not in n])]
    notes += [*outcome.notes, *unread.sentences(unread.tally(row.name for row in rows if row.outcome == "skipped"))]
    encoding = listing.names_read_as or outcome.choices.encoding
    recognised = Recognised(
        as_text(listing.source), outcome.layout, outcome.sentence, replace(outcome.choices, encoding=encoding), options
    )
    return Plan(
        as_text(listing.source), tuple(entries), tuple(rows), tuple(dict.fromkeys(notes)), listing.opened, (recognised,)
    )
