from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn import metrics

from core.evaluation.class_order import confused_together
from core.inference import calibration, curves
from core.inference.metrics import evaluate_predictions


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds, count = int(rng.integers(2, 12)), int(rng.integers(1, 300))
    probabilities = rng.dirichlet(np.ones(kinds), count)
    truth = rng.integers(0, kinds, count)
    ours = evaluate_predictions(probabilities, truth, [f"c{i}" for i in range(kinds)])
    said = probabilities.argmax(axis=1)
    every = list(range(kinds))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, said, labels=every, zero_division=0)
    assert ours.accuracy == pytest.approx(metrics.accuracy_score(truth, said), abs=1e-9)
    assert ours.macro_f1 == pytest.approx(metrics.f1_score(truth, said, average="macro", zero_division=0), abs=1e-9)
    assert ours.log_loss == pytest.approx(metrics.log_loss(truth, probabilities, labels=every), abs=1e-9)
    assert np.array_equal(ours.confusion, metrics.confusion_matrix(truth, said, labels=every))
    for i, score in enumerate(ours.classes):
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision[i], recall[i], f1[i]), abs=1e-9)
        assert score.total == support[i]
        mine = truth == i
        cells = metrics.confusion_matrix(mine, said == i, labels=[False, True]).ravel()
        assert [score.true_negatives, score.false_positives, score.false_negatives, score.right] == list(cells)
        if mine.any() and not mine.all():
            assert score.roc_auc == pytest.approx(metrics.roc_auc_score(mine, probabilities[:, i]), abs=1e-9)
        if mine.any():
            area = metrics.average_precision_score(mine, probabilities[:, i])
            assert score.average_precision == pytest.approx(area, abs=1e-9)
    occur = sorted({*truth.tolist(), *said.tolist()})
    macro = metrics.precision_recall_fscore_support(truth, said, labels=occur, average="macro", zero_division=0)
    assert (ours.macro_precision, ours.macro_recall, ours.macro_f1) == pytest.approx(macro[:3], abs=1e-9)
    present = sorted(set(truth.tolist()))
    balanced = metrics.recall_score(truth, said, labels=present, average="macro", zero_division=0)
    assert ours.balanced_accuracy == pytest.approx(balanced, abs=1e-9)
    if kinds > 3:
        assert ours.top3 == pytest.approx(
            metrics.top_k_accuracy_score(truth, probabilities, k=3, labels=every), abs=1e-9
        )
    else:
        assert ours.top3 == 1
    assert ours.interval[0] <= ours.accuracy <= ours.interval[1]


@pytest.mark.parametrize("seed", range(10))
def test_curves_are_those_of_scikit_learn_with_ties_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, 80) / 12
    positive = rng.random(80) < 0.2 + scores / 2
    assert curves.roc_auc(scores, positive) == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-9)
    assert curves.average_precision(scores, positive) == pytest.approx(
        metrics.average_precision_score(positive, scores), abs=1e-9
    )
    false, true, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    assert np.allclose(curves.roc(scores, positive), (false, true), atol=1e-9)
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    assert np.allclose(curves.precision_recall(scores, positive), (recall[::-1], precision[::-1]), atol=1e-9)


def test_areas_are_left_out_where_there_is_nothing_to_tell_apart() -> None:
    assert curves.roc_auc(np.array([0.1, 0.2]), np.array([True, True])) is None
    assert curves.average_precision(np.array([0.1, 0.2]), np.array([False, False])) is None


def test_a_thinned_curve_keeps_its_ends_and_its_shape() -> None:
    x = np.linspace(0, 1, 5000)
    few_x, few_y = curves.thinned(x, np.sqrt(x))
    assert len(few_x) <= 201
    assert (few_x[0], few_x[-1], few_y[-1]) == (0, 1, 1)
    assert np.abs(np.interp(x, few_x, few_y) - np.sqrt(x)).max() < 0.02


def test_calibration_error_is_what_one_computes_by_hand() -> None:
    # Two answers at 0.95 of which one is right, three at 0.65 of which two are: (2 * 0.45 + 3 * (2/3 - 0.65)) / 5.
    confidence = np.array([0.95, 0.95, 0.65, 0.65, 0.65])
    right = np.array([True, False, True, True, False])
    bins = calibration.reliability(confidence, right)
    assert [(one.count, one.low) for one in bins] == [(3, 0.6), (2, 0.9)]
    assert calibration.calibration_error(bins) == pytest.approx((2 * 0.45 + 3 * (2 / 3 - 0.65)) / 5, abs=1e-9)
    assert [one.count for one in calibration.reliability(np.array([0.0, 0.1, 1.0]), np.array([True] * 3))] == [2, 1]


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_the_temperature_is_the_one_with_the_least_log_loss(true: float) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (4000, 4))
    honest = calibration.cooled(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 1)
    truth = np.array([rng.choice(4, p=row) for row in honest])
    told = calibration.cooled(honest, 1 / true)  # too sure by a factor that is known
    found = calibration.fit_temperature(told, truth)

    def loss(temperature: float) -> float:
        return metrics.log_loss(truth, calibration.cooled(told, temperature), labels=range(4))

    assert found == pytest.approx(true, rel=0.08)
    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-6}).x
    assert found == pytest.approx(best, rel=1e-3)
    assert np.array_equal(calibration.cooled(told, found).argmax(axis=1), told.argmax(axis=1))


def test_a_threshold_trades_answers_for_errors() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.6, 0.5])
    right = np.array([True, True, False, True, False])
    assert calibration.trade(confidence, right, 0.8) == calibration.Trade(0.8, 3, 1, 5)
    assert calibration.trade(confidence, right, 0).coverage == 1
    assert calibration.threshold_for(confidence, right, 1.0) == 0.9
    assert calibration.threshold_for(confidence, right, 0.75) == 0.6
    assert calibration.threshold_for(confidence, ~right, 0.9) is None


def test_classes_that_are_confused_stand_together() -> None:
    confusion = np.diag([20] * 6)
    confusion[0, 4] = confusion[4, 0] = 7  # 0 with 4, 1 with 5
    confusion[1, 5] = confusion[5, 1] = 7
    order = confused_together(confusion)
    assert sorted(order) == list(range(6))
    place = {kind: at for at, kind in enumerate(order)}
    assert abs(place[0] - place[4]) == abs(place[1] - place[5]) == 1
    assert confused_together(np.diag([5, 5, 5])) == [0, 1, 2]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="Received"):
        evaluate_predictions(np.ones((3, 2)) / 2, np.zeros(4, int), ["a", "b"])
    with pytest.raises(ValueError, match="N > 0"):
        evaluate_predictions(np.ones((0, 2)), np.zeros(0, int), ["a", "b"])
