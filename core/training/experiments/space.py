"""What a search may change, and how far; what is asked of it, and what it found. Loads neither Optuna nor TensorFlow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from core.config.estimate import require_room, size_of
from core.config.network import Variation
from core.config.training import STEPPING, TrainConfig, make_config
from core.system.errors import ConfigError, RunError
from core.system.settings import make_settings
from core.training.experiments import Study
from core.training.experiments.found import SearchFound, SearchOptions
from core.training.experiments.ranges import OF_HEADS, OF_NETWORKS, Range, ranges_of

Method = Literal["grid", "random", "bayesian"]
METHODS: tuple[Method, ...] = get_args(Method)
MOST_TRIALS = 1000
"""Tries of one search, and points of a grid: beyond it, nobody waits for the end."""
MOST_MINUTES = 24 * 60
MOST_WORKERS = 16
_CLASSES = 2  # at least; how many there are is known when the search starts
_USUAL_PARAMETERS = 50_000_000  # of networks that nobody asked for: larger ones are slow, and no better


def options_for(
    method: str,
    vary: Sequence[str],
    trials: int = 0,
    minutes: float = 0.0,
    workers: int = 1,
    config: TrainConfig | None = None,
) -> SearchOptions:
    """What `start_study(project, "search", config, options)` takes, all of it checked.

    `method`: see METHODS. `vary`: see `space_for`. `trials`, `minutes`: whichever is over first ends it; 0 is no
    limit, and only a grid may do without both. `workers`: processes that try at once. `config`: the settings that it
    starts from. Raises ConfigError with a sentence and what to do.
    """
    config = config or TrainConfig()
    if method not in METHODS:
        raise ConfigError(f"There is no way of searching called {method!r}.", f"Choose one of: {', '.join(METHODS)}.")
    if not vary:
        raise ConfigError("Nothing may change.", f"Choose at least one of: {', '.join(ranges_of(config))}.")
    require_workers(workers)
    for what, value, most in (("tries (trials)", trials, MOST_TRIALS), ("minutes", minutes, MOST_MINUTES)):
        if not 0 <= value <= most:
            raise ConfigError(f"That is no possible number of {what}.", f"Ask for at most {most:,}.")
    space = space_for(vary, config)
    size = points_in(space)
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


def require_workers(workers: int) -> None:
    """Raises ConfigError where so many processes cannot try at once on a machine."""
    if not 1 <= workers <= MOST_WORKERS:
        raise ConfigError("That is no possible number of processes (workers).", f"Ask for 1 to {MOST_WORKERS}.")


def space_for(vary: Sequence[str], config: TrainConfig) -> dict[str, Range]:
    """Where a search that starts from `config` looks. `vary`: names out of `ranges_of(config)`, each with its own ends or
    choices if wanted ("learning_rate=0.0001..0.01", "batch_size=16,32").

    Of the numbers of blocks that nobody asked for by name, those stay with which all networks of the search can be built,
    and none is very large. Raises ConfigError, also if one that was asked for cannot be built.
    """
    space = dict(_wanted(text, config) for text in vary)
    if "lbfgs" in space.get("optimizer", Range()).choices and len(space.keys() & set(STEPPING)):
        raise ConfigError(
            "lbfgs takes no small steps, and cannot be tried together with what is about them.",
            "Choose other optimizers: optimizer=adam,sgd",
        )
    if "blocks" in [text.strip() for text in vary]:
        space["blocks"] = _moderate(space, config)
    if not config.pretrained:
        for values in _networks(space):
            require_room(tried(config, values), _CLASSES)
    return space


def points_in(space: Mapping[str, Range]) -> int:
    """How many combinations a grid has."""
    return math.prod(len(chosen.points) for chosen in space.values())


_SPACE = TypeAdapter(dict[str, Range])


def space_of(options: SearchOptions) -> dict[str, Range]:
    """The ranges in a search's options. Raises RunError if they are damaged."""
    try:
        space = _SPACE.validate_python(options.space)
        if not any(space.keys() <= known.keys() | {"over_sampling"} for known in (OF_HEADS, OF_NETWORKS)):
            raise ValueError("no such settings")
        for one in space.values():
            if not one.choices and not (one.has_place_for(one.low) and -math.inf < one.low <= one.high < math.inf):
                raise ValueError("no range")
    except (KeyError, ValueError):
        raise RunError("The record of this search is damaged.", "Start it again.") from None
    return space


def best_config(study: Study, config: TrainConfig | None = None) -> TrainConfig:
    """`config` (by default the settings that the search started from) with the values of its best try.

    A network from scratch is the one that was tried, whatever `config` has; and where one of the two knows pictures already and
    the other does not, all is as the search had it. Raises RunError if no try has been finished.
    """
    found = study.found(SearchFound)
    if not found or not found.best:
        raise RunError("This search has not finished a try yet.", "Let it go on.")
    began = study.records.plan().config
    if config is None or config.pretrained != began.pretrained:
        config = began
    if not began.pretrained:
        own = {"backbone": began.backbone, "pixels": began.pixels, "network": began.network}
        config = config.model_copy(update=own)
    return tried(config, found.best.values)


def tried(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """`config` with the values of a try: of settings, and of the layers by the rule of Variation. Where they are about small
    steps, the head learns in such, whatever the values. Raises ConfigError."""
    by_steps = "optimizer" not in values and any(name in STEPPING for name in values)
    changes: dict[str, Any] = {"optimizer": "adam"} if by_steps and config.optimizer == "lbfgs" else {}
    layers = {name: value for name, value in values.items() if name in Variation.model_fields}
    if layers:
        changes["network"] = make_settings(Variation, layers).of(config.architecture)
    return make_config(config.model_dump() | changes | {n: v for n, v in values.items() if n not in layers})


def _networks(space: Mapping[str, Range], blocks: Sequence[int] = ()) -> Iterator[dict[str, Any]]:
    """The values of all networks in a space; `blocks`: with so many blocks only."""
    layers = {name: chosen.choices for name, chosen in space.items() if name in Variation.model_fields}
    layers |= {"blocks": tuple(blocks)} if blocks else {}
    for values in itertools.product(*layers.values()):
        yield dict(zip(layers, values, strict=True))


def _moderate(space: Mapping[str, Range], config: TrainConfig) -> Range:
    """The usual numbers of blocks, but none with which a network of the space could not be built, or would be very large."""

    def fits(values: dict[str, Any]) -> bool:
        network = tried(config, values)
        try:
            require_room(network, _CLASSES)
            return size_of(network, _CLASSES).parameters <= _USUAL_PARAMETERS
        except ConfigError:
            return False

    choices = tuple(n for n in space["blocks"].choices if all(fits(values) for values in _networks(space, [n])))
    if len(choices) < 2:
        raise ConfigError(
            "There are not two numbers of blocks with which all these networks can be built and are of a usual size.",
            "Name the numbers (blocks=2,3), or let fewer and smaller filters and fewer dense units be tried.",
        )
    return Range(choices=choices)


def _wanted(text: str, config: TrainConfig) -> tuple[str, Range]:
    """One setting and its range, from its name or from name=low..high or name=value,value."""
    name, equals, wanted = (part.strip() for part in text.partition("="))
    known = ranges_of(config)
    if name not in known:
        kind = "of a model that knows pictures already" if config.pretrained else "of a network from scratch"
        raise ConfigError(f"A search {kind} cannot change {name!r}.", f"It can change: {', '.join(known)}.")
    usual = known[name]
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
    """The values as TrainConfig, or Variation, takes them. Raises ConfigError, naming what it allows."""
    if name in Variation.model_fields:
        return [getattr(make_settings(Variation, {name: value}), name) for value in values]
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
