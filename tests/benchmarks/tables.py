"""README's tables of measurements, made from the files that the benchmarks write with --json.

    python -m tests.benchmarks.tables FILE...

Each table stands between two comments, `<!-- measured: NAME -->` and `<!-- end of NAME -->`. What the files tell of is
replaced, all else stays as it is: so one measurement can be made anew without the others. Printed is on what each was measured;
whether the sentences around the tables still hold is for a person to read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from core.system.naming import count

README = Path(__file__).parents[2] / "README.md"
WRONG = "Wrong labels: share found among the first 10 % shown, {share} changed at random"
LABELLING = "Labelling, pictures a minute, by a script that plays a person"
GRID = "A page of the grid on the server"
TABS = "tabs that label"

Rows = list[list[str]]
"""The cells of a table, its header first; the line beneath the header is left out."""
Measured = Sequence[dict[str, Any]]


def recipes(rows: Rows, measured: Measured) -> None:
    """A column for each recipe, a row for each folder, and one with the time of a whole run on one of them."""
    for one in measured:
        column = _column(rows, f"`{one['recipe']}`")
        row = _row(rows, f"{one['folder']}, {count(one['classes'], 'class')}", before="Whole run")
        row[1], row[column] = f"{one['pictures']:,}", f"**{np.mean(one['test']):.3f}**{_range(one['test'], 3)}"
        for whole in rows:
            if whole[0] == f"Whole run with the file, {one['folder']}":
                minutes = one.get("minutes")
                whole[column] = f"at most {minutes:g} min" if minutes else f"{one['seconds']:.0f} s"


def exports(rows: Rows, measured: Measured) -> None:
    """A row for one kind, or for several that are alike; of those the number that is worst."""
    told = {one["kind"]: one for one in measured}
    new = set(told)
    for row in rows[1:]:
        named = re.findall(r"`([\w-]+)`", row[0])
        here = [told[kind] for kind in named if kind in told]
        new -= set(named)
        if here:
            row[2:] = [
                f"{max(one['bytes'] for one in here) / 1e6:.1f} MB",
                f"{100 * min(one['agreement'] for one in here):.1f} %".replace("100.0", "100"),
                _short(max(one["max_difference"] for one in here)),
                f"{min(one['accuracy'] for one in here):.3f}",
                f"{_two_digits(max(one['milliseconds'] for one in here))} ms",
            ]
    if new:
        raise click.ClickException(f"The table of exports has no row for {', '.join(sorted(new))}. Add one by hand.")


def suspects(rows: Rows, measured: Measured) -> None:
    """One row: for each folder the mean of its seeds."""
    label = WRONG.format(share=f"{100 * measured[0]['share']:g} %")
    _row(rows, label, begins=WRONG.partition(",")[0])[:] = [
        label,
        ", ".join(
            f"{one['folder']} {np.mean(one['in first 10 %']):.2f}{_seeds(one['in first 10 %'])}" for one in measured
        ),
    ]


def labelling(rows: Rows, measured: Measured) -> None:
    """One row: for each folder the three ways."""
    ways = {
        "alone": "one by one",
        "look-alikes": "with look-alike groups",
        "suggestions": "with half in groups and half by suggestion",
    }
    told = (
        f"{one['folder']}, {one['pictures']:,} pictures: "
        + ", ".join(f"{one['a minute'][way]:.0f} {words}" for way, words in ways.items())
        for one in measured
    )
    _row(rows, LABELLING)[1] = "; ".join(told)


def grid(rows: Rows, measured: Measured) -> None:
    """One row: for each number of pictures how soon another class is drawn on the server, and what memory that takes. What a
    browser needs after that is not measured by this benchmark."""
    told = (
        f"{one['pictures']:,} pictures: another class drawn in {one['milliseconds']['another class'] / 1000:.2f} s, "
        f"the web process at {one['megabytes']:.0f} MB"
        for one in sorted(measured, key=lambda one: one["pictures"])
    )
    _row(rows, GRID)[1] = "; ".join(told)


def sessions(rows: Rows, measured: Measured) -> None:
    """One row."""
    one = measured[-1]
    training = " while a network is fine-tuned" if one["training"] else ""
    refused = (
        f"{one['refused']:,} refused and {one['lost']:,} lost"
        if one["refused"] or one["lost"]
        else "none refused or lost"
    )
    _row(rows, TABS, contains=TABS)[:] = [
        f"{one['tabs']} {TABS} for {count(round(one['seconds'] / 60), 'minute')}{training}",
        f"{one['labels']:,} labels, {refused}; from the click to the file in its class {one['median']:.2f} s in the middle, "
        f"{one['95 %']:.2f} s for 95 %",
    ]


TABLES: dict[str, dict[str, Callable[[Rows, Measured], None]]] = {
    "recipes": {"recipes": recipes},
    "exports": {"exports": exports},
    "sorting": {"suspects": suspects, "labelling": labelling, "grid": grid, "sessions": sessions},
}
"""By the name in README's comments: the benchmarks that the table is from, and what each does with its rows."""


def with_tables(readme: str, told: Iterable[dict[str, Any]]) -> str:
    """README's text with its tables made anew from what the benchmarks' files hold. Raises click.ClickException."""
    by_benchmark: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        by_benchmark.setdefault(one["benchmark"], []).extend(one["measured"])
    unknown = set(by_benchmark) - {name for makers in TABLES.values() for name in makers}
    if unknown:
        raise click.ClickException(f"No table of the README is made from {', '.join(sorted(unknown))}.")
    for name, makers in TABLES.items():
        begin, end = f"<!-- measured: {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = readme.partition(begin)
        table, _, after = rest.partition(end)
        if not after:
            raise click.ClickException(f"README.md has no {begin.strip()} with an {end} after it.")
        rows = _read(table)
        for benchmark, make in makers.items():
            if by_benchmark.get(benchmark):
                make(rows, by_benchmark[benchmark])
        readme = f"{before}{begin}{_written(rows)}{end}{after}"
    return readme


def _read(table: str) -> Rows:
    lines = [line for line in table.splitlines() if line.strip()]
    return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in (lines[0], *lines[2:])]


def _written(rows: Rows) -> str:
    lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "".join(f"{line}\n" for line in lines)


def _column(rows: Rows, title: str) -> int:
    if title not in rows[0]:
        raise click.ClickException(f"The table has no column {title}. Add one by hand.")
    return rows[0].index(title)


def _row(rows: Rows, first: str, *, begins: str = "", contains: str = "", before: str = "") -> list[str]:
    """The row whose first cell is `first`, begins so or has that in it; a new one, if there is none, at the end or `before` the
    row that begins so."""
    for row in rows[1:]:
        if row[0] == first or (begins and row[0].startswith(begins)) or (contains and contains in row[0]):
            return row
    places = [number for number, row in enumerate(rows) if before and row[0].startswith(before)]
    new = [first, *[""] * (len(rows[0]) - 1)]
    rows.insert(places[0] if places else len(rows), new)
    return new


def _range(values: Sequence[float], digits: int) -> str:
    return f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else ""


def _seeds(values: Sequence[float]) -> str:
    return f" ({len(values)} seeds, {min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""


def _two_digits(value: float) -> str:
    """As a decimal number."""
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:.{max(0, digits)}f}"


def _short(value: float) -> str:
    return f"{value:.6f}" if value < 0.001 else _two_digits(value)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--readme", default=README, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(files: tuple[Path, ...], readme: Path) -> None:
    """Writes the tables of README.md anew from FILES."""
    told = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for file, one in zip(files, told, strict=True):
        machine, versions = one["machine"], one["versions"]
        folders = "".join(f" of {name}" for name in dict.fromkeys(row.get("folder") for row in one["measured"]) if name)
        click.echo(
            f"{file.name}: {one['benchmark']}{folders}, {count(machine['cores'], 'core')} "
            f"({machine['kind']}, {machine['system']}), Python {versions['python']}, TensorFlow {versions['tensorflow']}"
        )
    readme.write_text(with_tables(readme.read_text(encoding="utf-8"), told), encoding="utf-8")


if __name__ == "__main__":
    main()
