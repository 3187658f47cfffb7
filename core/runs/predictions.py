"""What a run's model says of its own validation and test pictures: the one door, which applies the decision's temperature."""

from __future__ import annotations

import numpy as np

from core.inference.calibration import cooled, fit_temperature
from core.inference.decision import decision_of
from core.runs.records import RunRecords

FEWEST = 4
"""Mistakes on the validation part from which on a temperature can be learned."""


def probabilities(records: RunRecords, part: str) -> np.ndarray:
    """What the model says of its "val" or "test" part, as it is used: float32 (N, K). Raises RunError if there are none."""
    return cooled(records.predictions(part), decision_of(records.folder).temperature)


def learned_temperature(records: RunRecords) -> float | None:
    """The temperature that makes the confidence honest, learned on the validation part (Guo et al. 2017).

    None where that part has fewer than FEWEST mistakes to learn from: then every confidence short of 100 % would seem too
    low. Raises RunError if there are no predictions.
    """
    said, plan = records.predictions("val"), records.plan()
    truth = np.array([picture.label for picture in plan.part("val")])
    if (said.argmax(axis=1) != truth).sum() < FEWEST:
        return None
    return fit_temperature(said, truth)
