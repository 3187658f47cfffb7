"""The search within a time, by a clock of its own: what is tried, what is left out, and that it is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.config.training import TrainConfig
from core.training import budgeted_search
from tests.core.training.test_linear_probe import job_in


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Machine:
    """Seconds that a look of one network and fine-tuning are thought to take and take; `epochs`: whether one fits."""

    look: float = 10.0
    slower: float = 1.0
    tune: float = 60.0
    epochs: bool = True
    tried: list[str] = field(default_factory=list)


class Fake(budgeted_search.Search):
    machine = Machine()

    def seconds_to_look(self, name: str) -> float:
        return self.machine.look

    def seconds_to_tune(self, name: str) -> float:
        return self.machine.tune

    def spend(self, what: str, seconds: float) -> None:
        self.machine.tried.append(what)
        assert isinstance(self.clock, Clock)
        self.clock.now += seconds * self.machine.slower

    def look(self, names: tuple[str, ...]) -> None:  # type: ignore[override]
        self.spend(f"{len(names)} networks", self.machine.look)

    def look_quickly(self) -> None:
        self.spend("quick", self.machine.look / 2)

    def tune(self, name: str) -> bool:
        self.spend("fine-tuning", 0.85 * self.left if self.machine.epochs else 20)
        return self.machine.epochs


@pytest.mark.parametrize(
    ("minutes", "machine", "tried", "why"),
    [
        (20, Machine(), ["1 networks", "2 networks", "3 networks", "fine-tuning"], "Everything that it knows was tried."),
        (0.5, Machine(), ["quick"], "The time was too short for more than the recipe Quick."),
        (1, Machine(), ["1 networks"],
         "The time was too short for EfficientNet-Lite0 + EfficientNet-Lite2 and fine-tuning."),
        (2, Machine(tune=200), ["1 networks", "2 networks", "3 networks"], "The time was too short for fine-tuning."),
        (5, Machine(epochs=False), ["1 networks", "2 networks", "3 networks", "fine-tuning"],
         "The time was too short for fine-tuning."),
        # Ten times as slow as it was when it was measured.
        (5, Machine(slower=10, tune=30), ["1 networks"],
         "The time was too short for EfficientNet-Lite0 + EfficientNet-Lite2 and fine-tuning."),
        # 100,000 pictures.
        (20, Machine(look=2000, tune=9000), ["quick"], "The time was too short for more than the recipe Quick."),
    ],
)  # fmt: skip
def test_only_what_fits_is_tried_and_what_does_not_is_told(
    tmp_path: Path, minutes: float, machine: Machine, tried: list[str], why: str
) -> None:
    found = Fake(job_in(tmp_path, TrainConfig(recipe="best", minutes=minutes)), Clock())
    found.machine = machine
    budgeted_search.try_all(found)
    assert machine.tried == tried
    assert found.why.startswith(why)
    assert isinstance(found.clock, Clock)
    if machine.look < 1000:
        assert found.clock.now <= max(1.1 * 60 * minutes, 60 * minutes + 15)


def test_more_pictures_are_expected_to_take_longer(tmp_path: Path) -> None:
    found = budgeted_search.Search(job_in(tmp_path, TrainConfig(recipe="best", minutes=5, pixels=256)), Clock())
    took = []
    for found.pictures in (100, 10_000):
        took.append((found.seconds_to_look("efficientnet-lite0"), found.seconds_to_tune("efficientnet-lite0")))
    assert took[1][0] > 3 * took[0][0]
    assert took[1][1] > 3 * took[0][1]
