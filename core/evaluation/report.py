"""All numbers of a run's answers as plain values, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from core.evaluation import robustness
from core.inference import calibration
from core.inference.decision import decision_of
from core.inference.metrics import Evaluation
from core.runs.diagnosis import Diagnosis, findings
from core.runs.lifecycle import RunSnapshot, evaluate
from core.runs.predictions import learned_temperature, probabilities


def report(run: RunSnapshot, part: str = "test") -> dict[str, Any]:
    """What `python -m core evaluate --json` prints: core.inference.metrics.Evaluation's numbers of the model as it is used, how
    honest its confidence is (0..1 all), what a person chose about it, and what the rules find.

    Raises RunError if the run has no predictions.
    """
    evaluation = evaluate(run.run, part)
    decision = decision_of(run.run.folder)
    said = probabilities(run.run.records, part)
    right = said.argmax(axis=1) == np.array([picture.label for picture in run.plan.part(part)])
    sure = said.max(axis=1)
    bins = calibration.reliability(sure, right)
    trade = calibration.trade(sure, right, decision.threshold)
    return evaluation.as_dict() | {
        "part": part,
        "names": list(run.plan.classes),
        "calibration": {
            "mean_confidence": float(sure.mean(dtype=np.float64)),
            "expected_calibration_error": calibration.calibration_error(bins),
            "bins": [asdict(one) for one in bins],
            "learned_temperature": learned_temperature(run.run.records),
        },
        "sureness": asdict(decision) | {"answered": trade.answered, "wrong": trade.wrong},
        "findings": [asdict(one) for one in diagnosis_of(run, evaluation)] if run.result and part == "test" else [],
    }


def diagnosis_of(run: RunSnapshot, test: Evaluation) -> list[Diagnosis]:
    """What the rules find about a finished run (see core.runs.diagnosis.findings)."""
    harder = robustness.read(run.run)
    best = run.result.best_epoch if run.result else 0
    covered = harder.covered / harder.pictures if harder else None
    return findings(run.plan, run.history, best, test, covered, stopped=run.state.state == "stopped")
