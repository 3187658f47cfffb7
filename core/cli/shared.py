"""What the commands share: options, progress on standard error, and JSON on the last line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from core.config import recipes
from core.config.backbones import get_backbone
from core.config.changes import with_changes, with_values
from core.config.framing import FITS
from core.config.training import TrainConfig
from core.models import weights_store
from core.system.errors import ConfigError
from core.system.tasks.records import TaskState

as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object as the last line.")


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how to train: see `settings`."""
    for option in reversed((
        click.option(
            "--recipe",
            default="quick",
            show_default=True,
            help="The named settings to start from, or a recipe's JSON file.",
        ),
        click.option("--config", "config_file", help="A JSON file of settings; what it leaves out is the recipe's."),
        click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting: epochs=20."),
        click.option("--seed", type=int, help="The same as --set seed=N."),
        click.option(
            "--fit",
            type=click.Choice(list(FITS)),
            help="What the model sees of a picture: the centre square, the whole with borders, or the whole squeezed. By "
            "default as the project says.",
        ),
        click.option(
            "--region",
            metavar="LEFT,TOP,RIGHT,BOTTOM",
            help="Only this part of each picture, as shares of it: 0.1,0,0.9,1.",
        ),
        click.option("--trust", is_flag=True, help="Allow a module from elsewhere (backbone=hub:...): it can run code."),
    )):  # fmt: skip
        command = option(command)
    return command


def settings(
    recipe: str,
    config_file: str | None,
    changes: tuple[str, ...],
    seed: int | None,
    trust: bool,
    fit: str | None = None,
    region: str | None = None,
) -> TrainConfig:
    """The settings that these options ask for. Raises ConfigError."""
    if recipe.endswith(".json"):
        config = recipes.read_recipe(Path(recipe).expanduser().read_bytes()).config
    else:
        config = recipes.get_recipe(recipe).config
    if config_file:
        config = with_values(config, _settings_in(Path(config_file).expanduser()))
    config = with_changes(
        config, [*changes, *([f"seed={seed}"] if seed is not None else []), *framing_changes(fit, region)]
    )
    if trust:
        for name in config.backbones:
            weights_store.trust(get_backbone(name))
    return config


def framing_changes(fit: str | None, region: str | None) -> list[str]:
    """What --fit and --region ask for, as --set would say it."""
    given = {"framing.fit": fit, "framing.region": None if region is None else f"[{region}]"}
    return [f"{key}={value}" for key, value in given.items() if value is not None]


def _settings_in(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The settings in {path} cannot be read: {error}.", "It must be a JSON object.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} is not a JSON object.", 'For instance: {"epochs": 20}')
    return values


def bar(what: str) -> Callable[[int, int], None]:
    """Prints how far something is."""

    def show(done: int, total: int) -> None:
        click.echo(f"{what}: {done} of {total}", err=True)

    return show


def phase_watcher() -> Callable[[TaskState], None]:
    """Prints each new phase once."""
    last = [""]

    def watch(state: TaskState) -> None:
        if state.phase != last[0]:
            last[0] = state.phase
            click.echo(state.phase, err=True)

    return watch


def say_json(wanted: bool, value: Any) -> None:
    """Prints one JSON value as the last line, if it was asked for."""
    if wanted:
        click.echo(json.dumps(value, ensure_ascii=False))
