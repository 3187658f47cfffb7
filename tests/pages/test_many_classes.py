"""A thousand classes: what the page of a training sends stays small, and shows what is mixed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import Project
from core.datasets.edit_journal import HIDDEN
from core.inference.metrics import Evaluation, evaluate_predictions
from pages.shared.components.matrix import matrix
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run, picture


def mixed_up(classes: int, pairs: list[tuple[int, int]]) -> Evaluation:
    """Three test pictures of each class, of which those of the pairs are all taken for the other."""
    truth = np.repeat(np.arange(classes), 3)
    said = truth.copy()
    for true, other in pairs:
        said[truth == true] = other
    rows = np.full((len(truth), classes), 1e-6, np.float32)
    rows[np.arange(len(truth)), said] = 1
    return evaluate_predictions(
        rows, truth, [f"a class with a rather long name, number {n:04}" for n in range(classes)]
    )


def test_of_few_classes_all_are_shown() -> None:
    evaluation = mixed_up(matrix.MOST_SHOWN, [(3, 5)])
    assert matrix.most_confused(evaluation) == list(range(matrix.MOST_SHOWN))


def test_few_classes_stand_as_everywhere_and_more_with_those_they_are_taken_for() -> None:
    few = mixed_up(matrix.AS_LISTED, [(0, 7), (1, 6)])
    assert matrix.order_of(few).tolist() == list(range(matrix.AS_LISTED))
    order = matrix.order_of(mixed_up(matrix.AS_LISTED + 1, [(0, 7)])).tolist()
    assert sorted(order) == list(range(matrix.AS_LISTED + 1))
    assert abs(order.index(0) - order.index(7)) == 1


@pytest.mark.parametrize("pairs", [[(900, 17)], [(n, n + 500) for n in range(400)], []])
def test_of_many_those_that_are_mixed_up_most(pairs: list[tuple[int, int]]) -> None:
    evaluation = mixed_up(1000, pairs)
    shown = matrix.most_confused(evaluation)
    assert len(shown) == len(set(shown)) == matrix.MOST_SHOWN
    assert shown == sorted(shown)
    assert {at for pair in pairs[: matrix.MOST_SHOWN // 2] for at in pair} <= set(shown)


def test_where_nothing_is_mixed_up_that_is_what_is_said() -> None:
    assert matrix.most_shown(mixed_up(61, [])) == "Of the 61 classes, the first 60 are shown; it mixes up none."
    assert "those that it mixes up most among them" in matrix.most_shown(mixed_up(61, [(3, 60)]))


def sent(at: AppTest) -> int:
    """Bytes of what the page holds."""

    def inside(block: Any) -> int:
        total = 0
        for one in block.children.values():
            total += len(one.proto.SerializeToString()) if hasattr(one.proto, "SerializeToString") else 0
            total += inside(one) if hasattr(one, "children") else 0
        return total

    return inside(at._tree)


def test_the_pages_of_a_training_stay_small(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    classes = [f"a class with a rather long name, number {n:04}" for n in range(1000)]
    pictures = [
        *(picture(n, n, "train", classes) for n in range(1000)),
        *(picture(n, n % 1000, "val", classes) for n in range(1000, 1010)),
        *(picture(n, n % 1000, "test", classes) for n in range(2000, 3000)),
    ]
    assert (project.root / HIDDEN).is_dir()
    make_run(project, "run", classes=classes, pictures=pictures, said=[(n * 7) % 1000 for n in range(1000)])
    at = visit("pages/3_Train.py", project.root, run="run")
    told = f"Of the 1,000 classes, {matrix.MOST_SHOWN} are shown, those that it mixes up most among them."
    assert told in words(at)
    assert len(at.dataframe[0].value) == 1000
    assert 100_000 < sent(at) < 3_000_000
    at = visit("pages/4_Evaluate.py", project.root, run="run")
    assert told in words(at)
    assert 10_000 < sent(at) < 3_000_000
