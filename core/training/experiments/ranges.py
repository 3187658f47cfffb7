"""Which settings a search may change, and where it looks for them: for heads on features, and for networks from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from core.config.backbones import BACKBONES
from core.config.network import Variation
from core.config.training import TrainConfig


@dataclass(frozen=True)
class Range:
    """Where the values of one setting come from: between two ends, or, where `choices` are given, one of these.

    `log`: equal ratios are equally likely. `step`: only so many apart; 0 for any. `grid`: those that a grid tries.
    """

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float = 0.0
    grid: tuple[float, ...] = ()
    choices: tuple[Any, ...] = ()

    @property
    def points(self) -> tuple[Any, ...]:
        """What a grid tries."""
        return self.choices or self.grid

    def has_place_for(self, value: object) -> bool:
        """Whether a value lies somewhere on the axis of this setting."""
        return bool(self.choices) or (isinstance(value, int | float) and (value > 0 or not self.log))


_DROPOUT = Range(0.0, 0.6, step=0.05, grid=(0.0, 0.25, 0.5))
_BATCH_SIZE = Range(choices=(16, 32, 64, 128))
_ON_OR_OFF = Range(choices=(False, True))

OF_HEADS: Mapping[str, Range] = {
    "learning_rate": Range(0.0001, 0.03, log=True, grid=(0.0001, 0.0003, 0.001, 0.003, 0.01)),
    "l2": Range(0.1, 1000.0, log=True, grid=(1.0, 10.0, 100.0)),
    "dropout": _DROPOUT,
    "label_smoothing": Range(0.0, 0.2, step=0.01, grid=(0.0, 0.1)),
    "batch_size": _BATCH_SIZE,
    "optimizer": Range(choices=("adam", "adamw", "sgd")),
    "loss": Range(choices=get_args(TrainConfig.model_fields["loss"].annotation)),
    "class_weights": _ON_OR_OFF,
    "sampling": Range(choices=get_args(TrainConfig.model_fields["sampling"].annotation)),
    "multi_level": _ON_OR_OFF,
    "deviations": _ON_OR_OFF,
    "expanded": _ON_OR_OFF,
    "backbone": Range(choices=tuple(name for name, b in BACKBONES.items() if b.source == "packaged")),
}
"""Settings that matter for a head on features, those that usually matter most first. Narrower than TrainConfig allows: what
lies outside does no good."""

OF_NETWORKS: Mapping[str, Range] = {
    "blocks": Range(choices=(1, 2, 3, 4, 5)),
    "filters": Range(choices=(8, 16, 32, 64)),
    "kernel": Range(choices=(3, 5, 7)),
    "dense": Range(choices=(0, 64, 128, 256)),
    "dropout": _DROPOUT,
    "learning_rate": Range(0.0001, 0.01, log=True, grid=(0.0001, 0.0003, 0.001, 0.003, 0.01)),
    "batch_size": _BATCH_SIZE,
}
"""Those of a network from scratch; the layers by the rule of core.config.network.Variation, the names of which are its own."""


def ranges_of(config: TrainConfig) -> Mapping[str, Range]:
    """What a search that starts from these settings may change, and where it looks if nothing else is asked for."""
    return OF_HEADS if config.pretrained else OF_NETWORKS


def usual_choice(config: TrainConfig) -> tuple[str, ...]:
    """What a search changes unless someone chooses: a head that is solved takes no steps."""
    if not config.pretrained:
        return ("blocks", "filters", "learning_rate")
    return ("l2", "class_weights") if config.solved else ("learning_rate", "l2")


def title_of(name: str) -> str:
    """What people call a setting that a search may change."""
    field = (TrainConfig.model_fields | Variation.model_fields).get(name)
    return (field.title if field else None) or name
