"""The named recipes: complete settings to start from, each with one sentence on what it is for."""

from __future__ import annotations

from dataclasses import dataclass

from core.augmentation import AugmentConfig
from core.config import SplitConfig, TrainConfig
from core.errors import ConfigError


@dataclass(frozen=True)
class Recipe:
    """A preset. `seconds_each` is a rough time a picture on two cores, for an estimate before anything was measured."""

    title: str
    sentence: str
    config: TrainConfig
    seconds_start: float
    seconds_each: float

    @property
    def name(self) -> str:
        """The name by which it is called."""
        return self.config.recipe

    def seconds(self, pictures: int) -> float:
        """Roughly how long a training on so many pictures takes, in seconds."""
        return self.seconds_start + self.seconds_each * pictures


_TUTORIAL_SPLIT = SplitConfig(validation=0.2, test=0.05)
_TUTORIAL = TrainConfig(
    recipe="tutorial-cnn",
    backbone="tutorial-cnn",
    epochs=10,
    batch_size=32,
    learning_rate=0.001,
    schedule="constant",
    l2=0,
    class_weights=False,
    patience=0,
    keep_best=False,
    seed=123,
    split=_TUTORIAL_SPLIT,
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "Quick",
            "A network that already knows pictures; only its last layer learns yours. Best first choice.",
            TrainConfig(),
            seconds_start=8,
            seconds_each=0.0045,
        ),
        Recipe(
            "Learn how it works",
            "A small network from scratch, as in TensorFlow's tutorial. It soon knows the training pictures by heart: "
            "watch the two curves part (overfitting).",
            _TUTORIAL,
            seconds_start=6,
            seconds_each=0.03,
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
            seconds_start=6,
            seconds_each=0.07,
        ),
    )
}


def get_recipe(name: str) -> Recipe:
    """The recipe called `name`. Raises ConfigError, naming those that exist, if there is none."""
    try:
        return RECIPES[name]
    except KeyError:
        raise ConfigError(f"There is no recipe called {name!r}.", f"Choose one of: {', '.join(RECIPES)}.") from None
