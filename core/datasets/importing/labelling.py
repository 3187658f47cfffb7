"""What tables say of the pictures beside them: which class, which part, what belongs together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from core.datasets.division import foremost
from core.datasets.importing import joins
from core.datasets.importing.arrangement import one_spelling
from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.columns import ABSENT, WHOLE, Columns, decide, group_of, is_marked, listed, part_of
from core.datasets.importing.finder import Finder, Found
from core.datasets.importing.label_files import labels_in
from core.datasets.importing.plan import Entry, Row
from core.datasets.importing.sheets import Sheet, read_sheets
from core.datasets.importing.tables import Table
from core.datasets.layout import may_be_split, part_word, with_those_above
from core.system.errors import ProjectError
from core.system.naming import as_text, class_name, count

_MOST_OTHERS = 40
"""So many tables are looked into for what a table leaves open."""
_ONLINE = "an address on the internet: only files on this computer are taken"
_MISSING = "no such file here"


@dataclass(frozen=True)
class Labelling:
    """The pictures that tables name, with their classes, and what was found out about the tables.

    `entries` have their place in the list of names as keys.
    `labelled`: whether a column says the classes; `used`: paths of the tables; `titles`: those of the first one; `problems`:
    why tables were not used, in sentences; `guessed`: whether their encoding was; `unsaid`: pictures that only tables may name
    which were not read.
    """

    entries: list[Entry] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    labelled: bool = False
    used: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    sentence: str = ""
    choices: ImportChoices = field(default_factory=ImportChoices)
    problems: tuple[str, ...] = ()
    guessed: bool = False
    unsaid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Line:
    """One line of a table: the file as it calls it, the file that it means, its labels, part and group."""

    wanted: str
    found: Found | None
    labels: tuple[str, ...]
    part: str | None
    group: str | None


@dataclass(frozen=True)
class _Decided:
    sheet: Sheet
    table: Table
    columns: Columns
    folder: str
    part: str | None = None

    @property
    def labelled(self) -> bool:
        return self.columns.label is not None or bool(self.columns.one_hot)


def label_pictures(
    sheets: Sequence[Sheet], names: Sequence[str], choices: ImportChoices, main: str | None = None
) -> Labelling:
    """What the tables say of the pictures called `names`; nothing `used` where none of them names one. `main`: path of the
    table that was chosen; the others only say what it leaves open.

    Raises ProjectError for a column or an encoding that is asked for and that there is not.
    """
    finder = Finder(names)
    read = read_sheets(sheets, choices.encoding or "")
    only = len(sheets) - len(read.unread)
    too_many = [f"Only {only:,} of {len(sheets):,} tables were looked into."] if read.unread else []
    problems = [*too_many, *read.problems]
    decided, others = _decided(read.tables, finder, choices, problems)
    if main is not None:
        others += [each.table for each in decided if each.sheet.path != main]
        decided = [each for each in decided if each.sheet.path == main]
    others = others[:_MOST_OTHERS]
    decided = [_completed(each, others, finder, choices) for each in decided]
    best = [each for each in decided if each.labelled] or decided
    if not best:
        return Labelling(problems=tuple(problems))
    best, doubles = _different(best, finder)
    best = _with_parts(best)
    notes = [f"{each.table.name} names the same pictures again, and is not used." for each in doubles]
    notes += [note for each in best for note in _notes_on(each)]
    lines = [line for each in best for line in _lines(each, finder, others, notes)]
    entries, rows = _merged(lines, notes)
    places = {name: place for place, name in reversed([*enumerate(names)])}
    entries = [replace(entry, key=places[entry.name]) for entry in entries]
    named = {entry.name for entry in entries} | {row.name for row in rows if row.outcome == "skipped"}
    named |= {line.found.name for line in lines if line.found}
    unnamed = [name for name in names if name not in named]
    unsaid = _unsaid(best, read.unread, unnamed, finder) if main is None else frozenset()
    notes += too_many
    if unsaid:
        notes.append("Pictures beside the other tables come by their folders, where no table names them.")
    rows += [Row(name, "skipped", "not in the table") for name in unnamed if name not in unsaid]
    first = best[0]
    return Labelling(
        entries, rows, notes,
        labelled=any(each.labelled for each in best),
        used=tuple(dict.fromkeys(each.sheet.path for each in best)),
        titles=first.table.titles,
        sentence=_sentence(best),
        choices=_as_choices(first),
        problems=tuple(problems),
        guessed=any(each.table.guessed for each in best),
        unsaid=unsaid,
    )  # fmt: skip


def _unsaid(used: Sequence[_Decided], unread: Sequence[Sheet], names: Sequence[str], finder: Finder) -> frozenset[str]:
    """The pictures that lie beside tables which were not read, if these are of the kind of those that are used."""
    endings = {PurePosixPath(each.sheet.path).suffix.lower() for each in used}
    alike = [sheet.path for sheet in unread if PurePosixPath(sheet.path).suffix.lower() in endings]
    folders = set(map(finder.folder_of, alike))
    return frozenset(name for name in names if folders.intersection(["", *with_those_above(name.rpartition("/")[0])]))


def _decided(
    tables: Sequence[tuple[Sheet, Table]], finder: Finder, choices: ImportChoices, problems: list[str]
) -> tuple[list[_Decided], list[Table]]:
    """The tables that name pictures which are there, and the others."""
    decided: list[_Decided] = []
    others: list[Table] = []
    refused: list[ProjectError] = []
    for sheet, table in tables:
        folder = finder.folder_of(sheet.path)
        try:
            titled, columns = _decide(table, finder, choices, folder, alone=len(tables) == 1)
        except ProjectError as error:
            others.append(table)
            refused.append(error)
            problems.append(f"{error.message}")
            continue
        wanted = [cell for cell in titled.column(columns.file) if cell]
        if any(finder.find(cell, folder) for cell in wanted):
            decided.append(_Decided(sheet, titled, columns, folder))
        else:
            others.append(table)
            if wanted:
                problems.append(_none_there(table.name, wanted, len(finder.names)))
    asked = choices.label_column or choices.file_column
    if asked and not decided and refused:
        raise refused[0]
    return decided, others


def _decide(table: Table, finder: Finder, choices: ImportChoices, folder: str, *, alone: bool) -> tuple[Table, Columns]:
    """As `columns.decide`; the column of labels that is asked for may be in another table."""
    try:
        return decide(table, finder, choices, folder)
    except ProjectError:
        if alone or choices.label_column is None:
            raise
        titled, columns = decide(table, finder, replace(choices, label_column=None), folder)
        return titled, replace(columns, label=None, one_hot=())


def _none_there(name: str, wanted: Sequence[str], there: int) -> str:
    here = f"the {count(there, 'picture')} here: {listed(wanted, 2)}{f' ({_ONLINE})' if all(map(_is_online, wanted)) else ''}"
    if len(wanted) == 1:
        return f"The file that {name} names is not among {here}."
    return f"None of the {count(len(wanted), 'file')} that {name} names is among {here}."


def _is_online(wanted: str) -> bool:
    return "://" in wanted and not wanted.startswith("file:")


def _completed(each: _Decided, others: Sequence[Table], finder: Finder, choices: ImportChoices) -> _Decided:
    """A table without labels, with those of another table that belongs to it."""
    if each.labelled:
        return each
    for other in others:
        joined = joins.with_labels_of(each.table, other)
        if joined:
            file = replace(choices, file_column=each.table.titles[each.columns.file])
            table, columns = decide(joined, finder, file, each.folder)
            done = replace(each, table=table, columns=columns)
            if done.labelled:
                return done
    return each


def _different(tables: Sequence[_Decided], finder: Finder) -> tuple[list[_Decided], list[_Decided]]:
    """The tables of which each names other pictures, and those that only name again what is named already."""
    named: dict[str, set[str]] = {}
    for each in tables:
        found = (finder.find(cell, each.folder) for cell in each.table.column(each.columns.file))
        named[each.sheet.path] = {hit.name for hit in found if hit}
    kept: list[_Decided] = []
    doubles: list[_Decided] = []
    known: set[str] = set()
    for each in sorted(tables, key=lambda each: -len(named[each.sheet.path])):
        own = named[each.sheet.path]
        (doubles if 2 * len(own & known) > len(own) else kept).append(each)
        known |= own
    ids = set(map(id, kept))  # to compare tables takes long where they are many
    return [each for each in tables if id(each) in ids], doubles


def _with_parts(tables: Sequence[_Decided]) -> list[_Decided]:
    """Tables that are called train and test, or lie in folders of these names, say the parts."""
    if any(each.columns.part is not None for each in tables):
        return list(tables)
    paths = [PurePosixPath(each.sheet.path) for each in tables]
    for names in ([path.stem for path in paths], [path.parent.name for path in paths]):
        if may_be_split(names):
            words = [part_word(name) for name in names]
            return [replace(t, part=word[0] if word else None) for t, word in zip(tables, words, strict=True)]
    return list(tables)


def _notes_on(each: _Decided) -> Iterator[str]:
    table = each.table
    if table.guessed:
        yield (
            f"{table.name} does not say in which encoding it is: it was read as {table.encoding}. If names look wrong, "
            "choose another encoding."
        )
    if table.above:
        yield f"Passed over in {table.name}: {count(table.above, 'line')} above its titles."
    if not each.labelled:
        yield (
            f"{table.name} names pictures, but none of its columns was recognised as the classes: {listed(table.titles)}. "
            "Choose one, or the pictures come in without a class."
        )


def _lines(each: _Decided, finder: Finder, others: Sequence[Table], notes: list[str]) -> Iterator[_Line]:
    table, columns = each.table, each.columns
    labels = _labels(each, notes)
    if columns.label is not None:
        alone = {label for of_row in labels for label in of_row}
        for other in others:
            if names := joins.names_of(alone, table.titles[columns.label], other):
                labels = [tuple(names[label] for label in of_row) for of_row in labels]
                notes.append(f"The names of the classes come from {other.name}.")
                break
    for row, of_row in zip(table.rows, labels, strict=True):
        if wanted := as_text(row[columns.file]):
            part = part_of(row[columns.part]) if columns.part is not None else each.part
            group = group_of(row[columns.group]) if columns.group is not None else None
            yield _Line(wanted, finder.find(wanted, each.folder), of_row, part, group)


def _labels(each: _Decided, notes: list[str]) -> list[tuple[str, ...]]:
    """The labels of each row."""
    table, columns = each.table, each.columns
    if columns.one_hot:
        return [tuple(table.titles[n] for n in columns.one_hot if is_marked(row[n])) for row in table.rows]
    if columns.label is None:
        return [()] * len(table.rows)
    cells = list(table.column(columns.label))
    absent = Counter(cell for cell in cells if cell in ABSENT)
    if absent:
        words = listed(absent)
        notes.append(
            f"{count(absent.total(), 'line')} of {table.name} {'has' if absent.total() == 1 else 'have'} {words} for a label, "
            "which is how programs write that there is none. If it is a class, call it otherwise in the table."
        )
    if any(cells) and all(WHOLE.fullmatch(cell) for cell in cells if cell and cell not in ABSENT):
        cells = [cell.removesuffix(".0") for cell in cells]
    return [() if cell in ABSENT else labels_in(cell) for cell in cells]


def _merged(lines: Sequence[_Line], notes: list[str]) -> tuple[list[Entry], list[Row]]:
    """An entry for each picture that is named, whatever number of lines do, and a row for each line that comes to nothing."""
    claims: dict[str, list[_Line]] = defaultdict(list)
    rows: list[Row] = []
    for line in lines:
        if line.found:
            claims[line.found.name].append(line)
        else:
            rows.append(Row(line.wanted, "rejected", _ONLINE if _is_online(line.wanted) else _MISSING))
    entries: list[Entry] = []
    repeated = 0
    for name, claimed in claims.items():
        best = max((line.found.certainty, line.found.shared) for line in claimed if line.found)
        own = [line for line in claimed if line.found and (line.found.certainty, line.found.shared) == best]
        others = dict.fromkeys(line.wanted for line in claimed if line not in own)
        rows += [Row(wanted, "rejected", _MISSING) for wanted in others if wanted not in {line.wanted for line in own}]
        repeated += len(own) > 1
        labels = tuple(dict.fromkeys(label for line in own for label in line.labels))
        if len(labels) > 1:
            rows.append(Row(own[0].wanted, "rejected", f"has more than one label: {listed(labels, 3)}"))
            continue
        try:
            label = class_name(labels[0]) if labels else None
        except ProjectError as error:
            rows.append(Row(own[0].wanted, "rejected", error.message))
            continue
        part = foremost(line.part for line in own)
        group = next((line.group for line in own if line.group), None)
        entries.append(Entry(name, label, part=part, group=group))
    if repeated:
        notes.append(
            f"{count(repeated, 'picture')} {'is' if repeated == 1 else 'are'} named by several lines: each comes in once."
        )
    return one_spelling(entries), rows


def _sentence(tables: Sequence[_Decided]) -> str:
    first = tables[0]
    titles, columns = first.table.titles, first.columns
    names = listed(dict.fromkeys(each.sheet.path for each in tables), 3)
    what = f"The table {names}" if len(tables) == 1 else f"The tables {names}"
    verb = "names" if len(tables) == 1 else "name"
    if columns.one_hot:
        classes = f"the classes by the {len(columns.one_hot)} columns {listed((titles[n] for n in columns.one_hot), 3)}"
    elif columns.label is not None:
        classes = f"the classes in the column {titles[columns.label]}"
    else:
        classes = "no classes"
    return f"{what} {verb} the pictures in the column {titles[columns.file]} and {classes}."


def _as_choices(each: _Decided) -> ImportChoices:
    titles, columns = each.table.titles, each.columns
    label = titles[columns.label] if columns.label is not None else None
    return ImportChoices(label, titles[columns.file], each.table.encoding, "table")
