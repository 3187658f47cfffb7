"""How sure a run's model may be: whether its confidence is made honest, and below what it says "not sure".

Chosen by a person after training and kept beside the run; the pages, the command line and the files that are taken away
all go by it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from core.system import storage
from core.system.errors import RunError, as_sentence

NOT_SURE = "not sure"
_FILE = "sureness.json"


@dataclass(frozen=True)
class Decision:
    """`temperature`: by what logits are divided, 0.05 to 20; 1 leaves them as they are. `threshold`: the confidence, 0..1,
    below which the answer is "not sure"; 0 always answers."""

    temperature: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not (0.05 <= self.temperature <= 20 and 0 <= self.threshold <= 1):
            raise ValueError(f"expected a temperature in 0.05..20 and a threshold in 0..1. Received: {self}")


def decision_of(folder: Path) -> Decision:
    """What was chosen for the run in `folder`; as it came out of training if nothing was, or if it cannot be read."""
    try:
        return Decision(**storage.read_json(folder / _FILE))
    except (TypeError, ValueError):
        return Decision()


@as_sentence(RunError)
def keep_decision(folder: Path, decision: Decision) -> None:
    """Writes what was chosen. Raises RunError if that cannot be written."""
    storage.write_json(folder / _FILE, asdict(decision))
