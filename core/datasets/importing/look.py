"""What a source is: class folders, a split of them, a table, names that begin alike, or loose pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.datasets import unread
from core.datasets.importing import archives, arrangement, films, tables
from core.datasets.importing.choices import ClassesFrom, ImportChoices, ImportOptions, LayoutKind, Recognised
from core.datasets.importing.films import is_film
from core.datasets.importing.labelling import Labelling, label_pictures
from core.datasets.importing.listing import Listing, can_be_taken, content_of, of_archive, of_files, of_folder, of_table
from core.datasets.importing.plan import Entry, Plan, Reader, Row, from_pictures
from core.datasets.importing.readings import NAME_ENCODINGS, TABLE_ENCODINGS
from core.datasets.scanner import is_picture_name, may_be_picture
from core.datasets.validation import MAX_CLASSES
from core.imaging.decode import begins_like_picture
from core.system.errors import ProjectError
from core.system.naming import as_text, count

_MOST_PROBLEMS = 3
ClassOf = Callable[[str], str | None]


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
            return _recognise(of_folder(source), choices, class_of)
        if not source.is_file():
            raise ProjectError(f"There is no file or folder {source}.", "Check the spelling.")
    lower = name.lower()
    if lower.endswith(archives.SUFFIXES):
        return _recognise(of_archive(source, name, choices), choices, class_of)
    if lower.endswith(tables.SUFFIXES):
        if isinstance(source, bytes):
            raise ProjectError(
                "A table alone has no pictures in it.", "Put it into one zip with them, or choose their folder."
            )
        return _recognise(of_table(source), replace(choices, classes_from="table"), class_of)
    if is_picture_name(lower):
        content = source
        return from_pictures([(name, content if isinstance(content, bytes) else content_of(content))], name)
    if may_be_picture(lower) and isinstance(source, Path) and begins_like_picture(content_of(source)):
        return from_pictures([(name, content_of(source))], name)
    if is_film(lower):
        return _film(source, name)
    hint = unread.sentences(unread.tally([lower]))
    raise ProjectError(
        f"{name} is neither pictures nor a zip nor a table.",
        hint[0] if hint else "Choose pictures, a zip, a folder, a CSV or JSON Lines.",
    )


def _film(source: Path | bytes, name: str) -> Plan:
    def reading() -> AbstractContextManager[Reader]:
        return nullcontext(lambda _: source if isinstance(source, bytes) else content_of(source))

    where = source if isinstance(source, Path) else None
    return Plan(name, (Entry(name),), (), (films.note_on(1),), reading, file_of=lambda _: where)


def from_files(
    files: Sequence[tuple[str, bytes]], choices: Mapping[str, ImportChoices] | None = None
) -> tuple[list[Plan], list[Row]]:
    """Imports of a mixture, as a browser sends it: loose pictures, with their labels where a table comes with them, and
    archives each for itself. `choices`: source of a plan -> what a person decided. Also returns a row for each file that is
    none of these, or holds nothing that can be taken."""
    chosen = choices or {}
    plans: list[Plan] = []
    rows: list[Row] = []
    loose = any(can_be_taken(name, content) for name, content in files)
    if loose:
        listing = of_files(files)
        try:
            plans.append(_recognise(listing, chosen.get(listing.source, ImportChoices()), None))
        except ProjectError as error:
            first = listing.sheets[0].path if listing.sheets else listing.source
            rows.append(Row(first, "rejected", f"{error.message} {error.hint}"))
    for name, content in files:
        if can_be_taken(name, content) or (loose and name.lower().endswith(tables.SUFFIXES)):
            continue
        try:
            plans.append(look(content, name, choices=chosen.get(as_text(name))))
        except ProjectError as error:
            rows.append(Row(name, "rejected", f"{error.message} {error.hint}"))
    return plans, rows


def _recognise(listing: Listing, choices: ImportChoices, class_of: ClassOf | None) -> Plan:
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


def _outcome(listing: Listing, choices: ImportChoices, said: Labelling, folders: bool) -> _Outcome:
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
        unsaid = [
            each for each in arrangement.by_folders(listing.pictures, listing.layout)[0] if each.name in said.unsaid
        ]
        named = arrangement.one_spelling([*said.entries, *unsaid])
        entries, split = arrangement.with_parts(named, listing.pictures, listing.layout)
        return _Outcome("table", said.sentence, entries, said.rows, [*notes, *split], said.choices)
    notes = _why_no_table(said, folders) if asked is None else []
    told = asked is None and not said.used and not folders and arrangement.names_tell(listing.pictures)
    if asked == "names" or told:
        return _by_names(listing, notes)
    return _by_folders(listing, notes)


def _why_no_table(said: Labelling, folders: bool) -> list[str]:
    if said.used and said.labelled:
        return [
            f"{said.used[0]} names only {count(len(said.entries), 'picture')}: the class folders count, not the table."
        ]
    if said.used and not folders:
        return said.notes
    if folders:
        return []
    more = len(said.problems) - _MOST_PROBLEMS
    return [*said.problems[:_MOST_PROBLEMS], *([f"So it is with {count(more, 'more table')}."] if more > 0 else [])]


def _in_folders(listing: Listing) -> bool:
    return any(listing.layout.class_of(path) is not None for path in listing.pictures)


def _by_names(listing: Listing, notes: list[str]) -> _Outcome:
    named = arrangement.by_names(listing.pictures)
    entries, split = arrangement.with_parts(named, listing.pictures, listing.layout)
    first = next((entry for entry in entries if entry.class_name), None)
    example = f", such as {first.class_name} for {first.name.rpartition('/')[2]}" if first else ""
    sentence = f"The names of the pictures begin with their classes{example}."
    return _Outcome("names", sentence, entries, notes=[*notes, *split], choices=ImportChoices(classes_from="names"))


def _by_folders(listing: Listing, notes: list[str]) -> _Outcome:
    entries, more = arrangement.by_folders(listing.pictures, listing.layout)
    chosen = ImportChoices(classes_from="folders")
    if listing.layout.roots:
        sentence = "It is split already, with a folder for each class in each part."
        return _Outcome("parts", sentence, entries, notes=[*notes, *more], choices=chosen)
    if any(entry.class_name is not None for entry in entries):
        return _Outcome("folders", "Each folder is a class.", entries, notes=[*notes, *more], choices=chosen)
    return _Outcome("loose", "Pictures without a class.", entries, notes=notes, choices=chosen)


def _options(listing: Listing, choices: ImportChoices, said: Labelling, outcome: _Outcome) -> ImportOptions:
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


def _planned(listing: Listing, outcome: _Outcome, options: ImportOptions) -> Plan:
    used = {sheet.path for sheet in listing.sheets} if outcome.layout == "table" else set()
    rows = [*outcome.rows, *(row for row in listing.rows if not used & {*_ends(row.name)})]
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
    notes = [*(listing.wrapped if outcome.layout in ("folders", "parts") else []), *listing.notes]
    if number := sum(is_film(entry.name) for entry in entries):
        notes.append(films.note_on(number))
    notes += [*outcome.notes, *unread.sentences(unread.tally(row.name for row in rows if row.outcome == "skipped"))]
    encoding = listing.names_read_as or outcome.choices.encoding
    recognised = Recognised(
        as_text(listing.source), outcome.layout, outcome.sentence, replace(outcome.choices, encoding=encoding), options
    )
    plan = Plan(
        as_text(listing.source), tuple(entries), tuple(rows), tuple(dict.fromkeys(notes)), listing.opened, (recognised,)
    )
    return replace(plan, file_of=listing.file_of) if listing.file_of else plan


def _ends(path: str) -> Iterator[str]:
    """A path, and what is left of it without its first folder, its first two, and so on."""
    parts = path.split("/")
    return ("/".join(parts[start:]) for start in range(len(parts)))
