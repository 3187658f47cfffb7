"""What a search may change, and how far; what is asked of it, and what it found. Loads neither Optuna nor TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter

from core.config.backbones import BACKBONES
from core.config.training import STEPPING, TrainConfig, make_config
from core.system.errors import ConfigError, RunError
from core.training.experiments import Study
from core.training.experiments.found import SearchFound, SearchOptions

Method = Literal["grid", "random", "bayesian"]
METHODS: tuple[Method, ...] = get_args(Method)
MOST_TRIALS = 1000
"""Tries of one search, and points of a grid: beyond it, nobody waits for the end."""
MOST_MINUTES = 24 * 60
MOST_WORKERS = 16


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


_NARROWED = {
    "learning_rate": Range(0.0001, 0.03, log=True, grid=(0.0001, 0.0003, 0.001, 0.003, 0.01)),
    "l2": Range(0.1, 1000.0, log=True, grid=(1.0, 10.0, 100.0)),
    "dropout": Range(0.0, 0.6, step=0.05, grid=(0.0, 0.25, 0.5)),
    "label_smoothing": Range(0.0, 0.2, step=0.01, grid=(0.0, 0.1)),
    "batch_size": Range(choices=(16, 32, 64, 128)),
    "backbone": Range(choices=tuple(name for name, b in BACKBONES.items() if b.source == "packaged")),
}
"""Narrower than TrainConfig allows: what lies outside does no good to a head on features."""

VARIABLE = (
    "learning_rate",
    "l2",
    "dropout",
    "label_smoothing",
    "batch_size",
    "optimizer",
    "loss",
    "class_weights",
    "sampling",
    "multi_level",
    "deviations",
    "backbone",
)
"""Settings that matter for a head on features, those that usually matter most first."""


def usual_choice(config: TrainConfig) -> tuple[str, ...]:
    """What a search changes unless someone chooses: a head that is solved takes no steps."""
    return ("l2", "class_weights") if config.solved else ("learning_rate", "l2")


def usual_range(name: str) -> Range:
    """Where a search looks if nothing else is asked for. Raises ConfigError if it can't change that setting."""
    if name not in VARIABLE:
        raise ConfigError(f"A search cannot change {name!r}.", f"It can change: {', '.join(VARIABLE)}.")
    if name in _NARROWED:
        return _NARROWED[name]
    if name == "optimizer":
        return Range(choices=("adam", "adamw", "sgd"))
    kind = TrainConfig.model_fields[name].annotation
    return Range(choices=get_args(kind) if get_origin(kind) is Literal else (False, True))


def options_for(
    method: str,
    vary: Sequence[str],
    trials: int = 0,
    minutes: float = 0.0,
    workers: int = 1,
    config: TrainConfig | None = None,
) -> SearchOptions:
    """What `start_study(project, "search", config, options)` takes, all of it checked.

    `method`: see METHODS. `vary`: names out of VARIABLE, each with its own ends or choices if wanted
    ("learning_rate=0.0001..0.01", "batch_size=16,32"). `trials`, `minutes`: whichever is over first ends it; 0 is no
    limit, and only a grid may do without both. `workers`: processes that try at once. `config`: the settings that it
    starts from. Raises ConfigError with a sentence and what to do.
    """
    config = config or TrainConfig()
    if method not in METHODS:
        raise ConfigError(f"There is no way of searching called {method!r}.", f"Choose one of: {', '.join(METHODS)}.")
    if not vary:
        raise ConfigError("Nothing may change.", f"Choose at least one of: {', '.join(VARIABLE)}.")
    for what, value, most in (
        ("tries (trials)", trials, MOST_TRIALS),
        ("minutes", minutes, MOST_MINUTES),
        ("processes (workers)", workers - 1, MOST_WORKERS - 1),
    ):
        if not 0 <= value <= most:
            raise ConfigError(f"That is no possible number of {what}.", f"Ask for at most {most:,}.")
    if not config.pretrained:
        raise ConfigError(
            "This model learns from scratch, and a search tries heads on models that know pictures already.",
            "Choose such a model, for instance with the recipe Quick.",
        )
    space = dict(_wanted(text, config) for text in vary)
    if "lbfgs" in space.get("optimizer", Range()).choices and len(space.keys() & set(STEPPING)):
        raise ConfigError(
            "lbfgs takes no small steps, and cannot be tried together with what is about them.",
            "Choose other optimizers: optimizer=adam,sgd",
        )
    size = math.prod(len(chosen.points) for chosen in space.values())
    if method == "grid" and size > MOST_TRIALS:
        raise ConfigError(f"The grid would have {size:,} points.", "Let fewer settings change, or try at random.")
    if method != "grid" and not trials and not minutes:
        raise ConfigError("The search would have no end.", "Say how many tries (trials) or minutes it may take.")
    return SearchOptions(
        method=method,
        space={name: asdict(chosen) for name, chosen in space.items()},
        trials=min(trials or size, size) if method == "grid" else trials,
        minutes=minutes,
        workers=workers,
    )


_SPACE = TypeAdapter(dict[str, Range])


def space_of(options: SearchOptions) -> dict[str, Range]:
    """The ranges in a search's options. Raises RunError if they are damaged."""
    try:
        space = _SPACE.validate_python(options.space)
        if not space.keys() <= {*VARIABLE, "over_sampling"}:  # as "sampling" was called before
            raise ValueError("no such settings")
        for one in space.values():
            if not one.choices and not (one.has_place_for(one.low) and -math.inf < one.low <= one.high < math.inf):
                raise ValueError("no range")
    except (KeyError, ValueError):
        raise RunError("The record of this search is damaged.", "Start it again.") from None
    return space


def best_config(study: Study, config: TrainConfig | None = None) -> TrainConfig:
    """`config` (by default the settings that the search started from) with the values of its best try.

    Raises RunError if no try has been finished.
    """
    found = study.found(SearchFound)
    if not found or not found.best:
        raise RunError("This search has not finished a try yet.", "Let it go on.")
    return tried(config or study.records.plan().config, found.best.values)


def tried(config: TrainConfig, values: dict[str, Any]) -> TrainConfig:
    """`config` with the values of a try. Where they are about small steps, the head learns in such, whatever the values."""
    by_steps = "optimizer" not in values and any(name in STEPPING for name in values)
    steps = {"optimizer": "adam"} if by_steps and config.optimizer == "lbfgs" else {}
    return make_config(config.model_dump() | steps | values)


def _wanted(text: str, config: TrainConfig) -> tuple[str, Range]:
    """One setting and its range, from its name or from name=low..high or name=value,value."""
    name, equals, wanted = (part.strip() for part in text.partition("="))
    usual = usual_range(name)
    if not equals:
        return name, _fitting(name, usual, config)
    low, dots, high = wanted.partition("..")
    try:
        if dots:
            if usual.choices:
                raise ConfigError(f"{name} is one of several.", f"For instance: {name}={_said(usual.choices[:2])}")
            ends = _checked(name, [float(low), float(high)], config)
            return name, _between(usual, *ends)
        parts = [part.strip() for part in wanted.split(",") if part.strip()]
        given = _checked(name, [_plain(part) for part in parts], config)
    except ValueError:
        raise ConfigError(f"{text!r} cannot be read.", f"For instance: {_example(name, usual)}") from None
    if len(set(given)) < 2:
        raise ConfigError(f"{name} would not change.", f"Give two values or more: {_example(name, usual)}")
    return name, Range(choices=tuple(dict.fromkeys(given)))


def _checked(name: str, values: list[Any], config: TrainConfig) -> list[Any]:
    """The values as TrainConfig takes them. Raises ConfigError, naming what it allows."""
    return [getattr(make_config(config.model_dump() | {name: value}), name) for value in values]


def _between(usual: Range, low: float, high: float) -> Range:
    if low >= high:
        raise ConfigError(f"From {low:g} to {high:g} there is nothing.", "Give the smaller number first.")
    log = usual.log and low > 0
    part = [index / 3 for index in range(4)]
    grid = [low * (high / low) ** share if log else low + (high - low) * share for share in part]
    step = usual.step if (high - low) > usual.step else 0.0
    return Range(low, high, log, step, tuple(float(f"{value:.3g}") for value in grid))


def _fitting(name: str, usual: Range, config: TrainConfig) -> Range:
    """The usual models, and the one that was chosen; but none that looks at the pictures already."""
    if name != "backbone":
        return usual
    names = dict.fromkeys([config.backbone, *usual.choices])
    return Range(choices=tuple(name for name in names if name != config.second_backbone))


def _plain(text: str) -> Any:
    words: dict[str, Any] = {"true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


def _said(values: Sequence[Any]) -> str:
    return ",".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _example(name: str, usual: Range) -> str:
    return f"{name}={_said(usual.choices[:2]) if usual.choices else f'{usual.low:g}..{usual.high:g}'}"
