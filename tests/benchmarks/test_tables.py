"""README's tables come from the files of the benchmarks; what no file tells of stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from core.config.export_formats import ALL
from tests.benchmarks import measured, tables

RECIPE = {"folder": "flower_photos", "classes": 5, "recipe": "quick", "pictures": 3666, "seconds": 21.4, "minutes": 0.0}
EXPORT = {
    "bytes": 4_040_000, "agreement": 1.0, "max_difference": 0.0000031, "accuracy": 0.94, "milliseconds": 2.04,
}  # fmt: skip


def a_file(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    file = folder / f"{name}-{len(list(folder.iterdir()))}.json"
    measured.write(file, name, list(rows))
    return file


def made(readme: Path, *files: Path) -> list[str]:
    """The lines that are other ones after the tables were made."""
    before = readme.read_text(encoding="utf-8").splitlines()
    done = CliRunner().invoke(tables.main, [*map(str, files), "--readme", str(readme)])
    assert done.exit_code == 0, done.output
    assert [line.partition(":")[0] for line in done.output.splitlines()] == [file.name for file in files]
    return [line for line in readme.read_text(encoding="utf-8").splitlines() if line not in before]


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """A copy of README.md, whose tables hold what is measured now."""
    folder = tmp_path / "project"
    folder.mkdir()
    file = folder / "README.md"
    file.write_text(tables.README.read_text(encoding="utf-8"), encoding="utf-8")
    return file


def test_without_files_every_table_stays_as_it_is(readme: Path) -> None:
    before = readme.read_bytes()
    assert made(readme) == []
    assert readme.read_bytes() == before


def test_a_file_says_what_it_was_measured_with(tmp_path: Path) -> None:
    told = json.loads(a_file(tmp_path, "recipes", RECIPE).read_text(encoding="utf-8"))
    assert told["benchmark"] == "recipes"
    assert told["measured"] == [RECIPE]
    assert told["machine"]["cores"] > 0
    assert {"python", "tensorflow", "keras"} <= told["versions"].keys()
    measured.write(None, "recipes", [])


def test_a_recipe_changes_its_own_cells_only(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    table = (
        "| Pictures | Number | `quick` | `best` |\n|---|---|---|---|\n"
        "| flower_photos, 5 classes | 3,000 | **0.1** | **0.2** |\n"
        "| hymenoptera, 2 classes | 396 | **0.942** | |\n| Whole run with the file, flower_photos | | 19 s | 20 min |\n"
    )
    other = "".join(
        f"<!-- measured: {name} -->\n| a | b |\n|---|---|\n<!-- end of {name} -->\n" for name in ("exports", "sorting")
    )
    readme.write_text(f"Before.\n<!-- measured: recipes -->\n{table}<!-- end of recipes -->\nAfter.\n{other}")
    quick = a_file(tmp_path, "recipes", RECIPE | {"test": [0.9, 0.95, 0.94]})
    best = a_file(tmp_path, "recipes", RECIPE | {"recipe": "best", "minutes": 25.0, "test": [0.961]})
    new = a_file(tmp_path, "recipes", RECIPE | {"folder": "leaves", "pictures": 220, "test": [0.5, 0.7]})
    flowers, leaves, whole = made(readme, quick, best, new)
    assert flowers == "| flower_photos, 5 classes | 3,666 | **0.930** (0.900 to 0.950) | **0.961** |"
    assert leaves == "| leaves, 5 classes | 220 | **0.600** (0.500 to 0.700) | |"
    assert whole == "| Whole run with the file, flower_photos | | 21 s | at most 25 min |"
    lines = readme.read_text().splitlines()
    assert lines[:2] == ["Before.", "<!-- measured: recipes -->"]
    assert [lines.index(line) for line in (flowers, leaves, whole)] == [4, 6, 7]
    assert lines[5] == "| hymenoptera, 2 classes | 396 | **0.942** | |"
    assert lines[8:10] == ["<!-- end of recipes -->", "After."]


def test_kinds_that_share_a_row_tell_the_worst_of_them(readme: Path, tmp_path: Path) -> None:
    worse = {"agreement": 0.9964, "max_difference": 0.157, "milliseconds": 12.3, "accuracy": 0.1}
    file = a_file(
        tmp_path, "exports", EXPORT | {"kind": "int8"}, EXPORT | {"kind": "uint8"} | worse, EXPORT | {"kind": "onnx"}
    )
    integers, onnx = made(readme, file)
    words = "Raspberry Pi, Coral, microcontrollers"
    assert integers == f"| `int8`, `uint8` | {words} | 4.0 MB | 99.6 % | 0.16 | 0.100 | 12 ms |"
    assert onnx.endswith("| other frameworks | 4.0 MB | 100 % | 0.000003 | 0.940 | 2.0 ms |")


def test_every_kind_has_a_row(readme: Path, tmp_path: Path) -> None:
    made(readme, a_file(tmp_path, "exports", *(EXPORT | {"kind": kind} for kind in ALL)))
    with pytest.raises(click.ClickException, match="no row for pocket"):
        tables.with_tables(
            readme.read_text(encoding="utf-8"), [{"benchmark": "exports", "measured": [EXPORT | {"kind": "pocket"}]}]
        )


def test_what_sorting_costs(readme: Path, tmp_path: Path) -> None:
    labelled = {"folder": "leaves", "pictures": 220, "a minute": {"alone": 48.6, "look-alikes": 99, "suggestions": 120}}
    drawn = {"pictures": 10_000, "milliseconds": {"another class": 23.0}, "megabytes": 301.6}
    sessions = {
        "tabs": 10, "seconds": 180.0, "training": True, "labels": 1100, "refused": 0, "lost": 0, "median": 0.16, "95 %": 0.6,
    }  # fmt: skip
    rows = made(
        readme,
        a_file(tmp_path, "suspects", {"folder": "trashnet", "share": 0.1, "in first 10 %": [0.9, 0.98]}),
        a_file(tmp_path, "suspects", {"folder": "leaves", "share": 0.1, "in first 10 %": [1.0]}),
        a_file(tmp_path, "labelling", labelled),
        a_file(tmp_path, "grid", drawn),
        a_file(tmp_path, "sessions", sessions),
    )
    assert rows == [
        "| Wrong labels: share found among the first 10 % shown, 10 % changed at random "
        "| trashnet 0.94 (2 seeds, 0.90 to 0.98), leaves 1.00 |",
        "| Labelling, pictures a minute, by a script that plays a person | leaves, 220 pictures: 49 one by one, 99 with "
        "look-alike groups, 120 with half in groups and half by suggestion |",
        "| A page of the grid on the server | 10,000 pictures: another class drawn in 0.02 s, the web process at 302 MB |",
        "| 10 tabs that label for 3 minutes while a network is fine-tuned | 1,100 labels, none refused or lost; from the "
        "click to the file in its class 0.16 s in the middle, 0.60 s for 95 % |",
    ]


def test_what_has_no_place_is_a_sentence() -> None:
    told = {"benchmark": "recipes", "measured": [RECIPE | {"recipe": "mine", "test": [0.9]}]}
    text = tables.README.read_text(encoding="utf-8")
    with pytest.raises(click.ClickException, match="no column `mine`"):
        tables.with_tables(text, [told])
    with pytest.raises(click.ClickException, match="made from odd"):
        tables.with_tables(text, [{"benchmark": "odd", "measured": []}])
    with pytest.raises(click.ClickException, match=r"README\.md has no <!-- measured: recipes -->"):
        tables.with_tables("# nothing", [])
