"""What a search tells on Train: what was tried and gained, what was not tried, and why it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import Project, TrainConfig
from core.runs.result import Attempt
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run


def searched(folder: Path, first: float = 0.5, **result: Any) -> Path:
    root = flat_project(folder / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2)
    run = make_run(
        Project.open(root), "best", classes=("blue", "red"), config=TrainConfig(minutes=1), chosen="B", **result
    )
    run.records.write_tried(
        [
            Attempt(what="A", val_accuracy=first, val_log_loss=1.0, cross_validated=0.5, seconds=1.0),
            Attempt(what="B", val_accuracy=0.75, val_log_loss=0.5, gained=0.25, seconds=2.0),
        ]
    )
    return root


def test_a_search_tells_what_each_attempt_gained_and_what_was_left_out(tmp_path: Path) -> None:
    left = ["Not tried: C. It was expected to take about 2 minutes, with no time left.", "Went wrong: [D](x). Damaged."]
    at = visit("pages/3_Train.py", searched(tmp_path, why_stopped="The time was too short for C.", left_out=left))
    table = next(one.value for one in at.dataframe if "Gained" in one.value).set_index("Network")
    assert table["Gained"].isna().tolist() == [True, False]
    assert table.loc["B", "Gained"] == 25
    assert table[""].tolist() == ["", "kept"]
    said = words(at)
    assert "Why it ended: The time was too short for C" in said
    assert "with no time left" in said
    assert left[1] not in said  # its markup is shown as it is
    assert [box.label for box in at.expander if "not tried" in box.label] == ["2 things not tried, or not to the end"]


def test_where_all_was_tried_nothing_is_said_to_be_left_out(tmp_path: Path) -> None:
    at = visit("pages/3_Train.py", searched(tmp_path, why_stopped="Everything that it knows was tried."))
    assert not [box.label for box in at.expander if "not tried" in box.label]


def test_why_what_is_kept_was_not_right_most_often_is_told_only_where_that_is_so(tmp_path: Path) -> None:
    for first, told in ((0.5, False), (0.75, False), (0.8, True)):
        (tmp_path / str(first)).mkdir()
        at = visit("pages/3_Train.py", searched(tmp_path / str(first), first))
        assert ("is not what was right most often" in words(at)) == told, first
