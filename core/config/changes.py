"""Settings with changes, as the command line takes them: as text, or as a file of some of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from core.config.framing import Framing
from core.config.network import NETWORKS
from core.config.training import STEPPING, TrainConfig, make_config
from core.system.errors import ConfigError


def with_changes(config: TrainConfig, changes: Iterable[str]) -> TrainConfig:
    """`config` with `key=value` changes; a dot reaches inside (`augment.flip=horizontal`, `network.blocks.0.filters=8`).
    Raises ConfigError."""
    values, asked = config.model_dump(), set()
    for change in sorted(changes, key=_after_the_backbone):
        if change.startswith("framing.") and values["framing"] is None:
            values["framing"] = Framing().model_dump()
        if change.startswith("network.") and values["network"] is None:
            values["network"] = _usual_layers(values["backbone"])
        key, equals, text = change.partition("=")
        if not equals:
            raise ConfigError(f"{change!r} is not of the form key=value.", "For instance: --set epochs=20")
        *path, last = key.strip().split(".")
        target = values
        for part in path:
            target = _inside(target, part)
        if not isinstance(target, dict) or last not in target:
            raise ConfigError(f"There is no setting called {key!r}.", f"There are: {', '.join(_names(values))}.")
        target[last] = _value(text.strip())
        asked.add(last)
        if path == ["split"] and "own_split" not in asked:
            values["own_split"] = True
    made = make_config(values)
    if "optimizer" in asked and values["optimizer"] == "lbfgs" != made.optimizer:
        steps = [name for name in STEPPING if getattr(made, name) != TrainConfig.model_fields[name].default]
        raise ConfigError(f"lbfgs has no use for {', '.join(steps)}.", "Leave that out, or choose adam.")
    return made


def with_values(config: TrainConfig, given: dict[str, Any]) -> TrainConfig:
    """`config` with those of its values that are `given`, of groups of settings too. Raises ConfigError."""
    values, own = config.model_dump(), {"own_split": True} if "split" in given else {}
    if isinstance(given.get("network"), dict) and values["network"] is None:
        values["network"] = _usual_layers(given.get("backbone", config.backbone))
    return make_config(_merged(values, own | given))


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = {
        k: _merged(values[k], v) for k, v in changes.items() if isinstance(v, dict) and isinstance(values.get(k), dict)
    }
    return values | changes | both


def _after_the_backbone(change: str) -> bool:
    """Whether it is to wait: only the backbone comes first, as it decides what layers there are to change."""
    return change.partition("=")[0].strip() != "backbone"


def _usual_layers(backbone: object) -> dict[str, Any]:
    if not isinstance(backbone, str) or backbone not in NETWORKS:
        raise ConfigError(
            "Only a model that learns from scratch has layers to choose.",
            f"Choose one of these, too: {', '.join(f'backbone={name}' for name in NETWORKS)}.",
        )
    return NETWORKS[backbone].model_dump()


def _inside(values: Any, part: str) -> Any:
    """What is called so in a group of settings, or stands at this place of several; None if nothing does."""
    if isinstance(values, dict):
        return values.get(part)
    there = isinstance(values, list | tuple) and part.isdecimal() and int(part) < len(values)
    return values[int(part)] if there else None


def _names(values: dict[str, Any], prefix: str = "") -> list[str]:
    names = []
    for key, value in values.items():
        names += _names(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
    return names


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False}.get(text, text)
