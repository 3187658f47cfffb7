"""How sure a run's model may be: whether its confidence is made honest, and below what it says "not sure".

Chosen by a person after training and kept beside the run; the pages, the command line and the files that are taken away
all go by it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core.inference.calibration import cooled, fit_temperature
from core.runs.records import RunRecords
from core.system import storage
from core.system.errors import RunError, as_sentence

NOT_SURE = "not sure"
FEWEST = 4
"""Mistakes on the validation part from which on a temperature can be learned."""

_FILE = "sureness.json"


@dataclass(frozen=True)
class Sureness:
    """`temperature`: by what logits are divided, 0.05 to 20; 1 leaves them as they are. `threshold`: the confidence, 0..1,
    below which the answer is "not sure"; 0 always answers."""

    temperature: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not (0.05 <= self.temperature <= 20 and 0 <= self.threshold <= 1):
            raise ValueError(f"expected a temperature in 0.05..20 and a threshold in 0..1. Received: {self}")


def sureness_of(folder: Path) -> Sureness:
    """What was chosen for the run in `folder`; as it came out of training if nothing was, or if it cannot be read."""
    try:
        return Sureness(**storage.read_json(folder / _FILE))
    except (TypeError, ValueError):
        return Sureness()


@as_sentence(RunError)
def keep_sureness(folder: Path, sureness: Sureness) -> None:
    """Writes what was chosen. Raises RunError if that cannot be written."""
    storage.write_json(folder / _FILE, asdict(sureness))


def probabilities(records: RunRecords, part: str) -> np.ndarray:
    """What the model says of its "val" or "test" part, as it is used: float32 (N, K). Raises RunError if there are none."""
    return cooled(records.predictions(part), sureness_of(records.folder).temperature)


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
