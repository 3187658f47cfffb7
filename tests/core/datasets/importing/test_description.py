"""An import in words before it happens, and what is remembered of it afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from core import Project
from core.__main__ import cli
from core.datasets import importing
from core.datasets.importing import describe, history
from core.datasets.importing.history import PastImport
from tests.core.datasets.importing.sources import planned
from tests.pictures import COLOURS, flat_project, shaded

LINES = [f"{name}_{n}.png,{n % 2},{'test' if n > 2 else 'train'},{name}" for name in COLOURS for n in range(4)]
TABLE = "\n".join(["photo,patient,split,label", *LINES, "gone.png,1,train,red", "away.png,1,train,red"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, colour in COLOURS.items():
        for number in range(4):
            shaded(colour, number).save(folder / f"{name}_{number}.png")
    (folder / "labels.csv").write_text(TABLE)
    (folder / "scan.jxl").write_bytes(b"")
    return folder


def test_a_description_says_what_comes_and_what_does_not(source: Path) -> None:
    told = describe(importing.look(source))
    assert [(each.name, each.count) for each in told.classes] == [("blue", 4), ("green", 4), ("red", 4)]
    assert [entry.name for entry in told.classes[0].first] == ["blue_0.png", "blue_1.png", "blue_2.png"]
    assert told.parts == {"train": 9, "test": 3}
    assert told.groups == 2
    assert [(each.reason, each.count) for each in told.left_out] == [
        ("no such file here", 2),
        ("JPEG XL picture, not read", 1),
    ]
    assert told.left_out[0].examples == ("gone.png", "away.png")
    lines = list(told.lines())
    assert (
        lines[0] == "The table labels.csv names the pictures in the column photo and the classes in the column label."
    )
    assert "Parts: 9 to learn from, 3 for the test." in lines
    json.dumps(told.as_dict())


def test_loose_pictures_are_told_without_classes_and_parts() -> None:
    told = describe(planned(["1.jpg", "2.jpg"], {}))
    assert (told.named, told.parts, told.left_out, told.groups) == ((), {}, (), 0)


def run(*arguments: object) -> tuple[str, dict]:
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    *lines, last = result.stdout.splitlines()
    return "\n".join(lines), json.loads(last)


def test_a_dry_run_changes_nothing_and_choices_count(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "p"
    words, told = run("import", source, target, "--dry-run")
    assert "12 pictures in 3 classes." in words
    assert "Can be chosen, --label-column: photo, patient, split, label" in words
    assert told["recognised"][0]["choices"]["label_column"] == "label"
    assert not target.exists()
    _, told = run("import", source, target, "--dry-run", "--label-column", "patient")
    assert {each["class"]: each["pictures"] for each in told["classes"]} == {"0": 6, "1": 6}
    _, told = run("import", source, target, "--dry-run", "--classes-from", "names")
    assert told["recognised"][0]["layout"] == "names"


def test_what_an_import_was_taken_for_is_remembered_and_checked(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "p"
    words, told = run("import", source, target)
    assert (told["taken"], told["rejected"]) == (12, 2)
    assert told["notes"][0].startswith("The table labels.csv names the pictures")
    assert told["notes"][0] in words
    project = Project.open(target)
    [past] = importing.past_imports(project.home)
    assert (past.source, past.taken, past.choices.label_column) == ("source", 12, "label")
    assert {picture.group for picture in project.scan().pictures} == {"0", "1"}
    assert {picture.part for picture in project.scan().pictures} == {"train", "test"}
    words, told = run("check", target, "--quick")
    assert "import: 12 pictures from source. The table labels.csv names the pictures" in words
    assert told["imports"][0]["choices"]["file_column"] == "photo"


def test_only_the_last_imports_are_remembered_and_damage_is_none(tmp_path: Path) -> None:
    plan = planned([f"cat{n}.jpg" for n in range(3)], {"t.csv": "file,label\n" + "cat1.jpg,a\n" * 3})
    for number in range(25):
        history.remember(tmp_path, plan, number)
    assert [past.taken for past in importing.past_imports(tmp_path)] == list(range(5, 25))
    for content in ("{", "[]", '{"version": 2, "imports": []}', '{"version": 1, "imports": [{"source": 5}]}'):
        (tmp_path / history.FILE).write_text(content)
        assert importing.past_imports(tmp_path) == []
    history.remember(tmp_path, plan, 1)
    assert len(importing.past_imports(tmp_path)) == 1
    assert isinstance(importing.past_imports(tmp_path)[0], PastImport)


def test_pictures_from_the_webcam_are_not_remembered(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=1))
    content = (project.root / "red" / "000.png").read_bytes()
    importing.take(project, importing.from_pictures([("a.png", content)], "webcam").into("blue"))
    assert importing.past_imports(project.home) == []
