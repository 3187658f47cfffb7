"""The head that learns from the answers of several models, on answers that are made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.inference.calibration import softmax
from core.runs.records import RunPicture
from core.training import stacking
from core.training.ensembles import head_for, weights_for
from core.training.stacking import Stacking, log_loss, right


def drawn(models: int, pictures: int, classes: int, seed: int, knows: float = 1.2) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (M, N, K), and the truth int (N,)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=pictures)
    logits = rng.normal(size=(models, pictures, classes)) * 1.5 + knows * np.eye(classes)[truth]
    return np.stack([softmax(each) for each in logits]).astype(np.float32), truth


def checked(truth: np.ndarray, together: int = 1) -> list[RunPicture]:
    """The validation part; `together` at a time are of one group."""
    return [RunPicture(f"picture {n}", "", int(label), "val", n // together) for n, label in enumerate(truth)]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 4), st.integers(2, 60), st.integers(2, 4), st.integers(0, 10**6), st.sampled_from([0.0, 1.2, 4.0]),
    st.integers(1, 3),
)  # fmt: skip
def test_a_head_is_never_worse_than_averaging_on_folds_that_neither_learned_from(
    models: int, pictures: int, classes: int, seed: int, knows: float, together: int
) -> None:
    answers, truth = drawn(models, pictures, classes, seed, knows)
    head, said = head_for(answers, checked(truth, together), seed % 1000)
    if head is None:
        assert "averaged" in said
        return
    assert "stacking" in said
    from core.runs.pictures import grouped_folds

    fold = stacking.folds_of(grouped_folds(checked(truth, together), seed % 1000))
    assert fold is not None
    averaged = np.empty_like(head.held_out)
    for number in set(fold.tolist()):
        rest, asked = fold != number, fold == number
        weights = weights_for(answers[:, rest], truth[rest])
        averaged[asked] = sum(weight * each[asked] for weight, each in zip(weights, answers, strict=True))
    assert log_loss(head.held_out, truth) < log_loss(averaged, truth)
    assert right(head.held_out, truth) >= right(averaged, truth)
    np.testing.assert_allclose(head.held_out.sum(axis=1), 1, atol=1e-5)


def test_it_learns_whom_to_believe_when_where_no_mean_could() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=120)
    # The first calls every class by the name of the next; the second tells the first class from the others only.
    mistaken = 0.9 * np.eye(3)[(truth + 1) % 3] + 0.1 / 3
    half = np.where(truth[:, None] == 0, [[0.8, 0.1, 0.1]], [[0.1, 0.45, 0.45]])
    answers = np.stack([mistaken, half]).astype(np.float32)
    head, said = head_for(answers, checked(truth), 0)
    assert head is not None
    assert "120 of 120 were right" in said
    assert right(head.held_out, truth) == right(head.probabilities(answers), truth) == 120


def test_where_all_say_the_truth_already_they_are_averaged() -> None:
    truth = np.arange(60) % 3
    sure = np.float32(0.9998) * np.eye(3, dtype=np.float32)[truth] + np.float32(0.0001)
    head, said = head_for(np.stack([sure, sure]), checked(truth), 0)
    assert head is None
    assert said.startswith("A head on the answers of these models (stacking) did no better, so they are averaged")


def test_of_one_group_no_head_can_be_learned() -> None:
    answers, truth = drawn(2, 9, 3, 0)
    assert head_for(answers, checked(truth, together=9), 0) == (
        None,
        "There are too few validation pictures to learn a head (stacking): the answers are averaged.",
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    answers, truth = drawn(2, 40, 3, 1)
    made = stacking.learn(answers, truth, np.arange(40) % 5)
    made.write(tmp_path / "head.npz")
    again = Stacking.read(tmp_path / "head.npz")
    np.testing.assert_array_equal(again.probabilities(answers), made.probabilities(answers))
    np.testing.assert_array_equal(again.held_out, made.held_out)


def test_an_answer_of_nothing_at_all_counts_as_very_little() -> None:
    seen = stacking.evidence(np.array([[[1.0, 0.0, 1e-5]]]))[0]
    assert np.isfinite(seen).all()
    assert seen[0] > seen[2] > seen[1]
    assert seen.sum() == pytest.approx(0, abs=1e-4)


def test_the_kernel_for_logits_answers_as_that_for_probabilities() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(2, 30, 4)) * 3
    answers, truth = np.stack([softmax(each) for each in logits]).astype(np.float32), rng.integers(4, size=30)
    head = stacking.learn(answers, truth, np.arange(30) % 3)
    side_by_side = np.concatenate(list(logits), axis=1)
    np.testing.assert_allclose(
        softmax(side_by_side @ head.for_logits + head.bias), head.probabilities(answers), atol=1e-5
    )
