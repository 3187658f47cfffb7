"""The named recipes: complete settings to start from, each with one sentence on what it is for."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config.augmentation import AugmentConfig
from core.config.augmentation_presets import LEVELS
from core.config.split import SplitConfig
from core.config.training import NAME, TrainConfig, make_config
from core.system import disk, storage
from core.system.errors import ConfigError
from core.system.naming import is_reserved

_LONGEST_TITLE = 60


@dataclass(frozen=True)
class Recipe:
    """A preset: complete settings, with a title and one sentence on what it is for or teaches."""

    title: str
    sentence: str
    config: TrainConfig

    @property
    def name(self) -> str:
        """The name by which it is called."""
        return self.config.recipe


_TWO: dict[str, Any] = {
    "second_backbone": "efficientnet-lite2",
    "pixels": 300,
    "mirrored": True,
}
"""Measured to do best on three sets of what fits into two or three minutes; deviations of the features gained nothing beside
those from inside of blocks."""

_TUTORIAL_SPLIT = SplitConfig(validation=0.2, test=0.05)
"""That of the source, for whom asks for it; a project has one split for all its trainings, so that they can be compared."""
_CLASSIC: dict[str, Any] = {
    "epochs": 10,
    "schedule": "constant",
    "l2": 0,
    "class_weights": False,
    "patience": 0,
    "keep_best": False,
    "seed": 123,
    "split": _TUTORIAL_SPLIT,
    "own_split": False,
}
"""What the tutorials do that others know: so many rounds, the last one kept."""
_TUTORIAL = TrainConfig(
    recipe="tutorial-cnn",
    backbone="tutorial-cnn",
    batch_size=32,
    optimizer="adam",
    learning_rate=0.001,
    **_CLASSIC,
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "Quick",
            "It has already seen a million photos. Now it learns your classes, in seconds. Best first choice.",
            TrainConfig(),
        ),
        Recipe(
            "Instant",
            "As Quick, but the network calculates in whole numbers: sooner there, and a little less exact. For large folders "
            "and slow computers.",
            TrainConfig(recipe="instant", integer_features=True),
        ),
        Recipe(
            "Balanced",
            "Two models look twice at each picture, as it is and mirrored. Slower, a little better.",
            TrainConfig(recipe="balanced", **_TWO),
        ),
        Recipe(
            "Best",
            "Tries networks, heads and fine-tuning for 20 minutes at most, tells what each gained, and keeps what did best.",
            TrainConfig(
                recipe="best",
                backbone="efficientnet-lite0",
                minutes=20,
                fine_tune_rate=0.001,
                augment=LEVELS["medium"],
            ),
        ),
        Recipe(
            "Learn how it works",
            "A small network from scratch, as in TensorFlow's tutorial. It soon knows the training pictures by heart: "
            "watch the two curves part (overfitting).",
            _TUTORIAL,
        ),
        Recipe(
            "Learn how it works, improved",
            "The same small network with changed copies (augmentation) and forgetting on purpose (dropout): "
            "the curves stay together for longer.",
            _TUTORIAL.model_copy(
                update={
                    "recipe": "tutorial-cnn-improved",
                    "epochs": 15,
                    "dropout": 0.2,
                    "augment": AugmentConfig(flip="horizontal", rotation=0.1, zoom=0.1),
                }
            ),
        ),
        Recipe(
            "Tiny network",
            "A first network for tiny pictures of 32 pixels, as for CIFAR-10: see how little it needs, and what it misses.",
            _TUTORIAL.model_copy(
                update={"recipe": "small-cnn", "backbone": "small-cnn", "split": SplitConfig(), "seed": 0}
            ),
        ),
        Recipe(
            "Retrain from TensorFlow Hub",
            "A network from TensorFlow Hub learns your classes the classic way: small steps with momentum (SGD) and softened "
            "labels (label smoothing). Downloads the network once.",
            TrainConfig(
                recipe="hub-retraining",
                backbone="hub-mobilenet_v2_100_224",
                batch_size=16,
                optimizer="sgd",
                learning_rate=0.005,
                momentum=0.9,
                label_smoothing=0.1,
                l2_plain=0.0001,
                dropout=0.2,
                multi_level=False,
                standardise=False,
                **_CLASSIC,
                fine_tune_rate=0.005,
            ),
        ),
    )
}


FIRST = ("quick", "balanced", "best", "tutorial-cnn")
"""Those that a stranger is shown; the others are a click away."""


def all_recipes() -> dict[str, Recipe]:
    """Ours, then those that were saved or loaded on this machine, by name."""
    return RECIPES | {recipe.name: recipe for recipe in _saved()}


def get_recipe(name: str) -> Recipe:
    """The recipe called `name`. Raises ConfigError, naming those that exist, if there is none."""
    recipes = all_recipes()
    try:
        return recipes[name]
    except KeyError:
        raise ConfigError(f"There is no recipe called {name!r}.", f"Choose one of: {', '.join(recipes)}.") from None


def title_of(name: str) -> str:
    """What a recipe is called on a page; its name where it is not on this machine."""
    recipe = all_recipes().get(name)
    return recipe.title if recipe else {"ensemble": "Several together"}.get(name, name)


def save_recipe(title: str, config: TrainConfig, sentence: str = "") -> Recipe:
    """Keeps settings as a recipe of this machine, under a name made from the title; the same title replaces it. What is seen of
    a picture stays each project's own.

    Raises ConfigError if the title is blank, too long, or is one of ours.
    """
    title = " ".join(title.split())
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = "-".join(re.findall(r"[a-z0-9]+", plain))[:40].strip("-")
    if not name or is_reserved(name):
        name = f"recipe-{hashlib.sha256(title.encode()).hexdigest()[:8]}" if title else ""
    if not name or len(title) > _LONGEST_TITLE:
        raise ConfigError("A recipe needs a name.", f"Give it one of 1 to {_LONGEST_TITLE} characters.")
    if name in RECIPES:
        raise ConfigError(f"{title} is one of the recipes that are always there.", "Choose another name.")
    recipe = Recipe(
        title, sentence or "Saved on this machine.", config.model_copy(update={"recipe": name, "framing": None})
    )
    storage.write_bytes(_folder() / f"{name}.json", recipe_file(recipe))
    return recipe


def forget_recipe(name: str) -> None:
    """Removes a saved recipe."""
    if name not in RECIPES and re.fullmatch(NAME, name):
        disk.remove(_folder() / f"{name}.json")


def recipe_file(recipe: Recipe) -> bytes:
    """A recipe as a JSON file that can be given to someone else: all settings, so that it stays what it is when defaults
    change, and its words."""
    values = {
        "fieldguide_recipe": 1,
        "title": recipe.title,
        "sentence": recipe.sentence,
        "config": recipe.config.model_dump(),
    }
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def read_recipe(content: bytes) -> Recipe:
    """The recipe in a file made by `recipe_file`. Raises ConfigError that says what is wrong with it."""
    hint = "Choose a JSON file that was saved as a recipe."
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        raise ConfigError("This file is not a recipe: it is no JSON.", hint) from None
    if not isinstance(values, dict) or not isinstance(values.get("config"), dict):
        raise ConfigError("This file is not a recipe: it has no settings.", hint)
    if values.get("fieldguide_recipe") != 1:
        raise ConfigError(
            "This recipe is of another version of Fieldguide.", "Update Fieldguide, or ask for a new one."
        )
    title, sentence = values.get("title"), values.get("sentence")
    if not isinstance(title, str) or not isinstance(sentence, str):
        raise ConfigError("This file is not a recipe: it has no title.", hint)
    return Recipe(title[:_LONGEST_TITLE], sentence[:300], make_config(values["config"]))


def _folder() -> Path:
    return storage.data_home() / "recipes"


def _saved() -> list[Recipe]:
    found = []
    for path in sorted(_folder().glob("*.json")):
        try:
            recipe = read_recipe(path.read_bytes())
        except (ConfigError, OSError):
            continue  # damaged: the others are still of use
        if recipe.name == path.stem:
            found.append(recipe)
    return found
