"""What is found in a folder of pictures, that a person's decisions are kept, and what each class is said to need."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core import Project, SplitConfig
from core.datasets import labels
from core.quality import findings
from core.quality.analysis import Analysis
from core.quality.findings import Finding
from core.quality.result import Suspect
from core.system import storage
from tests.core.datasets.test_splits import named, still
from tests.pictures import COLOURS, flat_project, shaded


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = flat_project(tmp_path / "p", COLOURS, each=3)
    board = Image.new("RGB", (200, 200), "white")
    board.paste((20, 60, 90), (30, 40, 140, 150))
    board.save(root / "red" / "sharp.png")
    board.filter(ImageFilter.GaussianBlur(12)).save(root / "green" / "blurred.png")
    Image.new("RGB", (150, 150), (2, 2, 2)).save(root / "red" / "dark.png")
    Image.new("RGB", (150, 150), (253, 253, 253)).save(root / "red" / "pale.png")
    shaded((9, 200, 30), 1, (20, 20)).save(root / "red" / "tiny.png")
    shaded((200, 90, 9), 1, (150, 100)).save(root / "blue" / "one.png")
    shaded((200, 90, 9), 1, (150, 100)).resize((300, 200)).save(root / "blue" / "other.png")
    shutil.copy(root / "red" / "000.png", root / "red" / "copy.png")
    shutil.copy(root / "red" / "001.png", root / "blue" / "conflict.png")
    return Project.open(root)


def found(project: Project) -> dict[str, Finding]:
    return {one.kind: one for one in findings.find(project, project.scan())}


def names(finding: Finding) -> set[str]:
    return {picture.path for picture in finding.pictures}


def test_each_kind_is_found_once(project: Project) -> None:
    kinds = found(project)
    assert {kind: names(one) for kind, one in kinds.items()} == {
        "conflict": {"red/001.png", "blue/conflict.png"},
        "copy": {"red/000.png", "red/copy.png"},
        "near": {"blue/one.png", "blue/other.png"},
        "tiny": {"red/tiny.png"},
        "blurred": {"green/blurred.png"},
        "dark": {"red/dark.png"},
        "pale": {"red/pale.png"},
    }
    assert "blue and red" in kinds["conflict"].title


def test_what_was_said_to_be_fine_is_not_found_again(project: Project) -> None:
    for kind in ("near", "blurred", "dark"):
        finding = found(project)[kind]
        findings.dismiss(project, finding, finding.pictures)
        assert kind not in found(Project.open(project.root))
    assert findings.dismissed_count(project) == 3
    shaded((200, 90, 9), 1, (150, 100)).resize((450, 300)).save(project.root / "blue" / "third.png")
    assert len(found(project)["near"].pictures) == 3  # another picture makes it another question
    findings.forget_dismissed(project)
    assert {"near", "blurred", "dark"} <= found(project).keys()


def test_what_an_older_version_noted_is_known_and_nonsense_is_passed_over(project: Project) -> None:
    dark = found(project)["dark"].pictures[0].id
    odd: list[object] = [
        5,
        None,
        "blurred",
        ["dark"],
        ["dark", [7], ""],
        ["dark", [], ""],
        [["dark"], ["x"], ""],
        {"a": 1},
    ]
    kept = [f"dark {dark}", "near a b", "label x red apple", ["label", ["y"], "pear"], *odd]
    storage.write_json(project.home / "dismissed.json", kept)
    assert "dark" not in found(project)
    assert findings.confirmed(project) == {("x", "red apple"), ("y", "pear")}
    assert findings.dismissed_count(project) == 4
    findings.confirm(project, [project.scan().by_class["blue"][0]])
    assert findings.dismissed_count(project) == 5
    assert all(isinstance(one, list) and len(one) == 3 for one in storage.read_json(project.home / "dismissed.json"))


def test_a_class_that_is_set_aside_is_neither_doubted_nor_suggested(project: Project) -> None:
    catalogue = project.scan()
    red, blue, green = (catalogue.by_class[name][0] for name in ("red", "blue", "green"))
    doubted = (
        Suspect(red.id, "red", "blue", 0.1, True),
        Suspect(blue.id, "blue", "green", 0.1, True),
        Suspect(green.id, "green", "red", 0.1, True),
    )
    looked = Analysis((), (), np.empty((0, 2)), "PCA", doubted, (), None, {}, "")
    assert [one[1] for one in findings.suspects(project, catalogue, looked)] == ["blue", "green", "red"]
    labels.set_aside(project, "red", aside=True)
    catalogue = project.scan()
    assert [one[1] for one in findings.suspects(project, catalogue, looked)] == ["green"]
    assert all("red" not in line.class_name for line in findings.advice(catalogue))


def test_the_best_of_several_copies_has_most_pixels(project: Project) -> None:
    assert findings.best_of(found(project)["near"].pictures).path == "blue/other.png"
    assert findings.best_of(found(project)["copy"].pictures).path == "red/000.png"


def test_a_class_that_is_set_aside_is_not_looked_at(project: Project) -> None:
    labels.set_aside(project, "red", aside=True)
    assert found(project).keys() == {"near", "blurred"}


def test_advice_names_what_is_missing(tmp_path: Path) -> None:
    root = tmp_path / "p"
    for name, count, colour in (("rose", 12, 9), ("daisy", 80, 90), ("aster", 22, 160), ("iris", 4, 250)):
        (root / name).mkdir(parents=True)
        for number in range(count):
            shaded((colour, 60, 120), number, (40, 40)).save(root / name / f"{number}.png")
    lines = {line.class_name: line.sentence for line in findings.advice(Project.open(root).scan())}
    assert list(lines) == ["iris", "rose", "aster", "daisy"]
    assert lines["daisy"] == ""
    assert lines["iris"].startswith("4 so far: add 16 or more")
    assert lines["rose"] == "12 against 80 of daisy: 15 more would balance them better."
    assert lines["aster"] == "22 against 80 of daisy: 5 more would balance them better."


def begin_alike(tmp_path: Path, names: list[str], **split: object) -> Finding | None:
    """The finding about names in a project of two classes with these names."""
    project = Project.open(named(tmp_path / "p", {"a": names, "b": names}))
    project.keep_split(SplitConfig(**split))  # type: ignore[arg-type]
    return {one.kind: one for one in findings.find(project, project.scan())}.get("beginning")


SITES = [f"site{site}_{number}.png" for site in "abcdef" for number in range(5)]


def test_names_of_test_and_training_that_begin_alike_are_told(tmp_path: Path) -> None:
    one = begin_alike(tmp_path, SITES)
    assert one
    assert one.title == "8 of 8 test pictures have names that begin as names of training pictures do"
    project = Project.open(tmp_path / "p")
    findings.dismiss(project, one, one.pictures)
    assert "beginning" not in {each.kind for each in findings.find(project, project.scan())}


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (SITES, {"together": "beginnings"}),
        ([f"leaf_{number}.png" for number in range(20)], {}),  # all begin alike
        ([f"{number * 7919}_{chr(97 + number)}x.png" for number in range(20)], {}),  # each begins in its own way
        ([f"clip{clip}_frame_{number}.png" for clip in range(6) for number in range(4)], {}),  # films are kept together
    ],
)
def test_names_that_tell_nothing_are_no_finding(tmp_path: Path, names: list[str], split: dict[str, str]) -> None:
    assert begin_alike(tmp_path, names, **split) is None


def test_pictures_alike_in_two_classes_are_a_question_of_labels(tmp_path: Path) -> None:
    project = Project.open(still(tmp_path / "p", {"cup": 4, "pie": 4}))
    [one] = [each for each in findings.find(project, project.scan()) if each.kind == "near"]
    assert one.title == "8 pictures that look almost the same, in cup and pie"
    assert one.reason.startswith("Is each in the right class?")
