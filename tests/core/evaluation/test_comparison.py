"""Trainings side by side: who is better, whether it is chance, and where they disagree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scipy.stats import binomtest

from core import Project, TrainConfig
from core.cli import runs as commands
from core.evaluation.comparison import compare, in_words, mcnemar
from core.runs.records import RunPicture
from core.system.errors import RunError
from tests.runs import make_run, picture, pictures_for

TRUTH = [0, 1] * 10


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p").mkdir()
    return Project.open(tmp_path / "p")


def flipped(*at: int) -> list[int]:
    return [1 - label if place in at else label for place, label in enumerate(TRUTH)]


@pytest.mark.parametrize("second", [0, 1, 5, 12, 40])
@pytest.mark.parametrize("first", [0, 1, 4, 12, 700])
def test_mcnemar_is_the_two_sided_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_the_outcome_is_said_in_plain_words() -> None:
    told = "A is right on 12 pictures where B is wrong, B on 4 where A is wrong"
    assert mcnemar(12, 4) == pytest.approx(0.0768, abs=1e-4)
    assert "tested on different pictures" in in_words("A", "B", 0, 0, 0)
    assert "another label in between" in in_words("A", "B", 0, 0, 0, 20)
    assert in_words("A", "B", 12, 4, 60) == f"{told}: that could be chance."
    assert in_words("A", "B", 12, 2, 60).endswith("more than chance. A is better.")
    assert in_words("A", "B", 2, 12, 60).endswith("more than chance. B is better.")
    assert in_words("A", "B", 1, 4, 60).startswith("A is right on 1 picture where")
    assert in_words("A", "B", 0, 5, 60).endswith("too few to tell them apart.")
    assert "no difference" in in_words("A", "B", 0, 0, 60)
    assert "different pictures" in in_words("A", "B", 0, 0, 0)


def test_two_runs_with_the_same_test_part(project: Project) -> None:
    pictures = pictures_for(test=20)
    first = make_run(project, "first", flipped(0, 2, 4, 6, 8, 10, 12, 1), pictures=pictures, sure=0.9)
    second = make_run(project, "second", flipped(1, 3), pictures=pictures, config=TrainConfig(epochs=5))
    (pair,) = compare([first, second], ["A", "B"])
    assert (pair.shared, pair.both, pair.only_first, pair.only_second, pair.neither) == (20, 11, 1, 7, 1)
    assert pair.p == mcnemar(1, 7)
    assert pair.warnings == ()
    assert [str(difference) for difference in pair.differences] == ["epochs: 60 -> 5"]
    assert [(r.name, r.total, r.first, r.second) for r in pair.recalls] == [
        ("cat", 10, 0.3, 1.0),
        ("dog", 10, 0.9, 0.8),
    ]
    assert pair.recalls[0].delta == pytest.approx(0.7)
    assert sum(one.won for one in pair.changed) == 7
    lost = next(one for one in pair.changed if not one.won)
    assert (lost.truth, lost.first[0], lost.second[0]) == ("dog", "dog", "cat")
    assert lost.first[1] == pytest.approx(0.9)
    assert lost.second[1] == pytest.approx(0.8)
    assert lost.path == f"dog/{6 + 4 + 3}.png"
    assert json.loads(json.dumps(pair.as_dict()))["only_second"] == 7


def test_only_shared_pictures_count_and_leaks_are_told(project: Project) -> None:
    first = make_run(project, "first", [0, 0, 0, 1], pictures=_numbered(train=range(6), test=range(10, 14)))
    second = make_run(project, "second", [1, 1, 0, 1], pictures=_numbered(train=[10, 7, 8, 9], test=range(11, 15)))
    (pair,) = compare([first, second], ["A", "B"])
    # Shared are 11 (dog), 12 (cat), 13 (dog): A says cat, cat, dog; B says dog, dog, cat.
    assert (pair.shared, pair.only_first, pair.only_second, pair.neither) == (3, 2, 1, 0)
    assert "different pictures" in pair.warnings[0]
    assert "3 pictures that both" in pair.warnings[0]
    assert pair.warnings[1:] == ("B learned from 1 picture that A is tested with.",)


def test_other_classes_in_another_order_are_met_by_name(project: Project) -> None:
    first = make_run(project, "first", [0, 1] * 5)
    classes = ("bird", "dog", "cat")
    parts = ["train"] * 6 + ["val"] * 4 + ["test"] * 10
    pictures = [picture(n, 2 - n % 2, part, classes) for n, part in enumerate(parts)]
    second = make_run(project, "second", [2, 1] * 4 + [0, 1], classes=classes, pictures=pictures)
    (pair,) = compare([first, second])
    assert (pair.shared, pair.both, pair.only_first) == (10, 9, 1)
    assert pair.changed[0].second[0] == "bird"
    assert pair.warnings == ("They know different classes.",)


def test_relabelled_pictures_are_left_out(project: Project) -> None:
    first = make_run(project, "first")
    pictures = [
        RunPicture(p.id, p.path, 1 - p.label if n == 12 else p.label, p.part) for n, p in enumerate(pictures_for())
    ]
    (pair,) = compare([first, make_run(project, "second", pictures=pictures)], ["A", "B"])
    assert pair.shared == 9
    assert pair.warnings == ("1 picture got another label in between: left out here, while each accuracy counts it.",)


def test_no_shared_picture_is_no_error(project: Project) -> None:
    first = make_run(project, "first", pictures=_numbered(train=range(4), test=range(10, 14)))
    second = make_run(project, "second", pictures=_numbered(train=range(4), test=range(20, 24)))
    (pair,) = compare([first, second])
    assert (pair.shared, pair.p, pair.recalls, pair.changed) == (0, 1.0, (), ())
    assert "different pictures" in pair.sentence


def test_three_runs_make_two_pairs_with_titles_of_their_own(project: Project) -> None:
    pairs = compare([make_run(project, name) for name in ("one", "two", "three")])
    titles = [pairs[0].first.title, *(pair.second.title for pair in pairs)]
    assert titles[1:] == [f"{titles[0]} (2)", f"{titles[0]} (3)"]


def test_what_cannot_be_compared_is_a_sentence(project: Project) -> None:
    run = make_run(project, "one")
    with pytest.raises(RunError, match="nothing to compare"):
        compare([run])
    with pytest.raises(RunError, match="nothing to compare"):
        compare([run, run])
    other = make_run(project, "two")
    (other.folder / "predictions.npz").write_bytes(b"PK")
    with pytest.raises(RunError, match="no predictions"):
        compare([run, other])
    (other.folder / "run.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        compare([run, other])


def _numbered(**parts: object) -> list[RunPicture]:
    """Pictures by their numbers, odd ones are dogs; one to check."""
    listed = [picture(900, 0, "val"), picture(901, 1, "val")]
    return [*(picture(n, n % 2, part) for part, numbers in parts.items() for n in numbers), *listed]  # type: ignore[attr-defined]


def test_the_command_prints_the_same(project: Project) -> None:
    folders = [str(make_run(project, name, said, pictures=pictures_for(test=20)).folder)
               for name, said in (("one", flipped(*range(9))), ("two", None))]  # fmt: skip
    result = CliRunner().invoke(commands.compare, [*folders, "--json"])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output.strip().splitlines()[-1])
    assert [run["right"] for run in printed["runs"]] == [11, 20]
    (pair,) = printed["pairs"]
    assert (pair["only_first"], pair["only_second"]) == (0, 9)
    assert pair["p"] == pytest.approx(2 / 2**9)
    assert pair["sentence"] in result.output
