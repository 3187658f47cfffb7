"""What an import would do, before anything is written: which pictures, into which classes, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from core.datasets.importing import archives, tables
from core.datasets.layout import Layout, find_parts, in_parts, layout_of, remarks_on, with_those_above
from core.datasets.scanner import ignored, is_picture_name, unwrapped, walk_folders
from core.datasets.validation import MAX_CLASSES
from core.system.errors import ProjectError
from core.system.naming import as_text, class_key, class_name, safe_class_name

_SAMPLES = "-samples"  # Teachable Machine calls the folder or zip of a class "oak-samples"


@dataclass(frozen=True)
class Entry:
    """One picture to come: its name in the source, the class it will be in, or None, and the part that it comes in."""

    name: str
    class_name: str | None = None
    key: int = 0
    part: str | None = None


@dataclass(frozen=True)
class Row:
    """What became of one file: `outcome` is "taken", "skipped" or "rejected"; `reason` is short, or ""; `path` where it is
    now in the project, or ""."""

    name: str
    outcome: str
    reason: str = ""
    path: str = ""


Reader = Callable[[Entry], bytes]


@dataclass(frozen=True)
class Plan:
    """An import that has not happened yet. `rows` are the files that are left out already, `notes` sentences on what the
    person may not expect; `opened` gives a reader of entries for as long as its block lasts."""

    source: str
    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    opened: Callable[[], AbstractContextManager[Reader]]

    @cached_property
    def counts(self) -> dict[str | None, int]:
        """Class -> number of pictures that would come into it."""
        return dict(Counter(entry.class_name for entry in self.entries))

    @property
    def hidden(self) -> int:
        """How many files are passed over because they are no pictures, or a system's own."""
        return sum(row.outcome == "skipped" for row in self.rows)

    def into(self, name: str | None) -> Plan:
        """The same pictures, those without a class into `name`. Raises ProjectError for a name that no class can have."""
        chosen = class_name(name) if name is not None else None
        return replace(self, entries=tuple(replace(e, class_name=e.class_name or chosen) for e in self.entries))


def from_pictures(pictures: Sequence[tuple[str, bytes]], source: str = "files") -> Plan:
    """An import of (name, content) each, as a browser sends them; zips and tables among them are not looked into."""
    entries = tuple(Entry(name, key=number) for number, (name, _) in enumerate(pictures))
    return Plan(source, entries, (), (), lambda: nullcontext(lambda entry: pictures[entry.key][1]))


def together(plans: Sequence[Plan]) -> Plan:
    """Several imports as one, which is undone by one step."""
    pairs = [(number, entry) for number, plan in enumerate(plans) for entry in plan.entries]

    @contextmanager
    def opened() -> Iterator[Reader]:
        with ExitStack() as stack:
            readers = [stack.enter_context(plan.opened()) for plan in plans]

            def read(entry: Entry) -> bytes:
                number, original = pairs[entry.key]
                return readers[number](original)

            yield read

    return Plan(
        ", ".join(plan.source for plan in plans),
        tuple(replace(entry, key=key) for key, (_, entry) in enumerate(pairs)),
        tuple(row for plan in plans for row in plan.rows),
        tuple(note for plan in plans for note in plan.notes),
        opened,
    )


def from_files(files: Sequence[tuple[str, bytes]]) -> tuple[list[Plan], list[Row]]:
    """Imports of a mixture, as a browser sends it: loose pictures, with their labels where a table comes with them, and
    archives each for itself. Also returns a row for each file that is none of these, or holds nothing that can be taken."""
    plans: list[Plan] = []
    rows: list[Row] = []
    pictures = [(name, content) for name, content in files if is_picture_name(name)]
    if pictures:
        plan = from_pictures(pictures)
        for name, content in files:
            if name.lower().endswith(tables.SUFFIXES):
                try:
                    plan = _with_table(plan, name, content)
                except ProjectError as error:
                    rows.append(Row(name, "rejected", error.message))
        plans.append(plan)
    for name, content in files:
        if is_picture_name(name) or (pictures and name.lower().endswith(tables.SUFFIXES)):
            continue
        try:
            plans.append(look(content, name))
        except ProjectError as error:
            rows.append(Row(name, "rejected", f"{error.message} {error.hint}"))
    return plans, rows


def _with_table(plan: Plan, name: str, content: bytes) -> Plan:
    """The pictures of a plan that a table names, with its labels."""
    places = {entry.name: entry.key for entry in plan.entries}
    entries, left_out = _from_pairs(tables.read_table(content, Path(name).suffix.lower()), list(places))
    keyed = tuple(replace(entry, key=places[entry.name]) for entry in entries)
    return replace(plan, entries=keyed, rows=tuple(left_out), notes=(f"The labels come from {name}.",))


def look(source: Path | bytes, name: str = "", class_of: Callable[[str], str | None] | None = None) -> Plan:
    """Lists a folder of class folders, a zip or tar of them, a table of files and labels, or one picture.

    `name`: what a file given by its content is called. `class_of`: path in the source -> class or None, where the folders
    do not say it. Raises ProjectError, with what to do, for anything else, and for archives outside the limits.
    """
    if isinstance(source, Path):
        source = source.expanduser().absolute()
        name = name or as_text(source.name)
        if source.is_dir():
            return _folder(source, class_of)
        if not source.is_file():
            raise ProjectError(f"There is no file or folder {source}.", "Check the spelling.")
    lower = name.lower()
    if lower.endswith(archives.SUFFIXES):
        return _archive(source, name, class_of)
    if lower.endswith(tables.SUFFIXES):
        if isinstance(source, bytes):
            raise ProjectError(
                "A table alone has no pictures in it.", "Put it into one zip with them, or choose their folder."
            )
        return _table_beside(source)
    if is_picture_name(lower):
        content = source
        return from_pictures([(name, content if isinstance(content, bytes) else _content(content))], name)
    raise ProjectError(
        f"{name} is neither pictures nor a zip nor a table.", "Choose pictures, a zip, a folder, a CSV or JSON Lines."
    )


def _folder(root: Path, class_of: Callable[[str], str | None] | None) -> Plan:
    inner = unwrapped(root)
    walk = walk_folders(inner)
    entries, notes = _laid_out(list(walk.files), walk.layout(), class_of)
    rows = [Row(r.path, "rejected", r.reason) for r in walk.unusable]
    rows += [Row(path, "rejected", "a link, which is not followed") for path in walk.links]
    rows += [Row(path, "skipped", "not a picture") for path in walk.others]
    if inner != root:
        notes.append(f"The classes are the folders in {inner.name}.")
    return _planned(root.name, entries, rows, notes, lambda: nullcontext(lambda entry: _content(inner / entry.name)))


def _archive(source: Path | bytes, name: str, class_of: Callable[[str], str | None] | None) -> Plan:
    with archives.open_archive(source) as members:
        rows: list[Row] = []
        pictures: dict[int, str] = {}
        sheets: list[archives.Member] = []
        for number, member in enumerate(members):
            parts = [part for part in member.name.replace("\\", "/").split("/") if part not in ("", ".")]
            if member.refused:
                rows.append(Row(member.name, "rejected", member.refused))
            elif not parts or any(ignored(part) for part in parts):
                rows.append(Row(member.name, "skipped", "hidden, or a system's own file"))
            elif is_picture_name(parts[-1]):
                pictures[number] = "/".join(parts)
            elif parts[-1].lower().endswith(archives.SUFFIXES):
                rows.append(Row(member.name, "rejected", "a zip in a zip: unpack it first"))
            else:
                if parts[-1].lower().endswith(tables.SUFFIXES):
                    sheets.append(member)
                rows.append(Row(member.name, "skipped", "not a picture"))
        table = _table_among(sheets, list(pictures.values()))
    notes: list[str] = []
    if table:
        entries, left_out = table
        by_name = {path: number for number, path in pictures.items()}
        entries = [replace(entry, key=by_name[entry.name]) for entry in entries]
        entries.sort(key=lambda entry: entry.key)  # a packed tar is read from its start for each step back
        rows += left_out
        notes.append("The labels come from the table in the zip.")
    else:
        inner, depth = _stripped(list(pictures.values()))
        if depth:
            notes.append(f"The classes are the folders in {next(iter(pictures.values())).split('/')[depth - 1]}.")
        folders = {above for path in inner for above in with_those_above(path.rpartition("/")[0])}
        layout = layout_of(folders, find_parts(folders, inner))
        entries, more = _laid_out(inner, layout, class_of)
        entries = [replace(entry, key=key) for entry, key in zip(entries, pictures, strict=True)]
        notes += more

    @contextmanager
    def opened() -> Iterator[Reader]:
        with archives.open_archive(source) as again:
            yield lambda entry: again[entry.key].read()

    return _planned(name, entries, rows, notes, opened)


def _content(file: Path) -> bytes:
    if file.stat().st_size > archives.MAX_FILE:
        raise ProjectError(archives.TOO_LARGE)
    return file.read_bytes()


def _table_beside(table: Path) -> Plan:
    walk = walk_folders(table.parent)
    pairs = tables.read_table(_content(table), table.suffix.lower())
    entries, rows = _from_pairs(pairs, list(walk.files))
    return _planned(
        table.name, entries, rows, [], lambda: nullcontext(lambda entry: _content(table.parent / entry.name))
    )


def _table_among(sheets: list[archives.Member], names: list[str]) -> tuple[list[Entry], list[Row]] | None:
    """The first table in an archive that names pictures of it."""
    for sheet in sheets:
        try:
            pairs = tables.read_table(sheet.read(), Path(sheet.name).suffix.lower())
        except ProjectError:
            continue
        entries, rows = _from_pairs(pairs, names)
        if entries:
            return entries, rows
    return None


def _from_pairs(pairs: Iterable[tables.Pair], names: list[str]) -> tuple[list[Entry], list[Row]]:
    finder, seen = tables.Finder(names), set()
    entries: list[Entry] = []
    rows: list[Row] = []
    for wanted, labels in pairs:
        found = finder.find(wanted)
        reason = ""
        if found is None:
            online = "://" in wanted and not wanted.startswith("file:")
            reason = (
                "an address on the internet: only files on this computer are taken" if online else "no such file here"
            )
        elif found in seen:
            reason = "named twice in the table"
        elif len(labels) > 1:
            reason = "has more than one label"
        if reason or found is None:
            rows.append(Row(wanted, "rejected", reason))
            continue
        seen.add(found)
        try:
            entries.append(Entry(found, class_name(labels[0]) if labels else None))
        except ProjectError as error:
            rows.append(Row(wanted, "rejected", error.message))
    rows += [Row(name, "skipped", "not in the table") for name in names if name not in seen]
    return _one_spelling(entries), rows


def _laid_out(
    paths: list[str], layout: Layout, class_of: Callable[[str], str | None] | None
) -> tuple[list[Entry], list[str]]:
    """An entry for each path, and notes on classes whose name had to change, on folders inside them, and on parts."""
    entries, notes, renamed = [], [], {}
    for path in paths:
        given = class_of(path) if class_of else layout.class_of(path)
        if given is not None and given not in renamed:
            renamed[given] = safe_class_name(given.removesuffix(_SAMPLES) or given)
        entries.append(Entry(path, renamed[given] if given is not None else None, part=layout.place(path)[0]))
    if layout.roots and (told := in_parts(entry.part for entry in entries)):
        notes.append(f"It is split already: {told}.")
    notes += remarks_on(layout, paths) if class_of is None else []
    notes += [f"The folder {old} becomes the class {new}." for old, new in renamed.items() if old != new]
    if any("/" in path.removeprefix(f"{layout.place(path)[1]}/") for path in paths if layout.place(path)[1]):
        notes.append("Folders inside a class folder belong to that class.")
    if any(entry.class_name is None for entry in entries):
        notes.append("Pictures outside of the class folders come in without a class.")
    return _one_spelling(entries), notes


def _one_spelling(entries: list[Entry]) -> list[Entry]:
    """`Cat` and `cat` are one class, by the name that comes first."""
    first: dict[str, str] = {}
    return [
        replace(entry, class_name=first.setdefault(class_key(entry.class_name), entry.class_name))
        if entry.class_name is not None
        else entry
        for entry in entries
    ]


def _stripped(paths: list[str]) -> tuple[list[str], int]:
    """The paths without the folders that only wrap class folders, and how many those are."""
    folders = [path.split("/")[:-2] for path in paths]
    ends = zip(min(folders, default=[]), max(folders, default=[]), strict=False)
    depth = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return [path.split("/", depth)[depth] for path in paths], depth


def _planned(
    source: str,
    entries: list[Entry],
    rows: list[Row],
    notes: list[str],
    opened: Callable[[], AbstractContextManager[Reader]],
) -> Plan:
    if not entries:
        reasons = sorted({row.reason for row in rows if row.outcome == "rejected"})
        raise ProjectError(
            f"There are no pictures in {source}{f' that can be taken ({reasons[0]})' if reasons else ''}.",
            "It should hold a folder for each class, with pictures in it.",
        )
    classes = len({entry.class_name for entry in entries})
    if classes > MAX_CLASSES:
        raise ProjectError(
            f"There are {classes:,} class folders in {source}; at most {MAX_CLASSES:,} are supported.",
            "Choose some of them, or put several into one.",
        )
    return Plan(as_text(source), tuple(entries), tuple(rows), tuple(notes), opened)
