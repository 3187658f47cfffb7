"""Every setting of a training, with its bounds and its help: the one source for the form, the command line and files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from core.augmentation.config import AugmentConfig
from core.backbones import BACKBONES, get_backbone
from core.errors import ConfigError
from core.settings import Settings

Share = Annotated[float, Field(ge=0.05, le=0.5, multiple_of=0.01)]


class SplitConfig(Settings):
    """How the pictures are divided; what is left is for training. Shares are of each class."""

    validation: Share = Field(
        0.15, title="For checking while it learns (validation)", description="Share of the pictures, 0.05 to 0.5."
    )
    test: Share = Field(
        0.15, title="For the final test (test)", description="Share kept apart until the very end, 0.05 to 0.5."
    )

    @property
    def training(self) -> float:
        """Share that is left for training."""
        return round(1 - self.validation - self.test, 4)

    @model_validator(mode="after")
    def _enough_left(self) -> SplitConfig:
        if self.training < 0.2:
            raise ValueError(
                "checking and testing may take at most 80 % together, so that something is left to learn from"
            )
        return self


class TrainConfig(Settings):
    """Everything that decides a training. The same config, pictures and seed give the same run."""

    recipe: str = Field(
        "quick",
        pattern=r"^[a-z0-9-]{1,40}$",
        title="Recipe",
        description="The named preset these settings started from.",
    )
    backbone: str = Field(
        "efficientnet-lite0", title="Model (backbone)", description="The network that looks at the pictures."
    )
    epochs: int = Field(
        30,
        ge=1,
        le=500,
        title="Rounds (epochs)",
        description="How often it goes through all training pictures, at most.",
    )
    batch_size: int = Field(
        32, ge=1, le=128, title="Pictures a step (batch size)", description="How many pictures are looked at together."
    )
    learning_rate: float = Field(
        0.001, gt=0, le=1, title="How far each step goes (learning rate)", description="Above 0, at most 1."
    )
    schedule: Literal["constant", "cosine"] = Field(
        "cosine",
        title="Steps grow smaller (schedule)",
        description="cosine: towards 0 at the last round; constant: never.",
    )
    l2: float = Field(
        25.0,
        ge=0,
        le=10_000,
        title="Restraint (L2)",
        description="Penalty on large weights, divided by the number of training pictures. For pretrained models.",
    )
    dropout: float = Field(
        0.0, ge=0, le=0.9, title="Forgetting on purpose (dropout)", description="Share of features hidden at each step."
    )
    multi_level: bool = Field(
        True,
        title="Use earlier stages too (multi-level features)",
        description="Also what the middle of the network sees.",
    )
    draws: int = Field(
        2,
        ge=1,
        le=10,
        title="Changed copies a picture (augmented draws)",
        description="With a pretrained model: how many changed copies join each training picture, if any change is on.",
    )
    class_weights: bool = Field(
        True, title="Balance the classes (class weights)", description="Pictures of small classes count for more."
    )
    patience: int = Field(
        8,
        ge=0,
        le=100,
        title="Stop early (patience)",
        description="Stop after this many rounds without a better validation loss; 0 never stops early.",
    )
    keep_best: bool = Field(
        True,
        title="Keep the best round (best weights)",
        description="At the end go back to the round with the lowest validation loss.",
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, title="Seed", description="The same number gives the same split and the same run."
    )
    split: SplitConfig = Field(default_factory=SplitConfig, title="Split")
    augment: AugmentConfig = Field(default_factory=AugmentConfig, title="Changes at random (augmentation)")

    @field_validator("backbone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in BACKBONES:
            raise ValueError(f"choose one of: {', '.join(BACKBONES)}")
        return name

    @property
    def input_pixels(self) -> int:
        """Side of the square that the model sees."""
        return get_backbone(self.backbone).input_pixels

    @property
    def pretrained(self) -> bool:
        """Whether the backbone comes with weights and only a head is trained."""
        return get_backbone(self.backbone).pretrained


ExportFormat = Literal["float32", "float16", "dynamic", "int8"]


class ExportConfig(Settings):
    """How a trained model is written to a .tflite file."""

    format: ExportFormat = "float32"
    calibration_pictures: int = Field(200, ge=10, le=2000, description="Training pictures that set the integer ranges.")


def make_config(values: dict[str, Any]) -> TrainConfig:
    """A TrainConfig from plain values. Raises ConfigError that names the setting, what is allowed and what arrived."""
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        received = "" if isinstance(first["input"], dict) else f" Received: {first['input']!r}."
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{name}: {message}.{received}") from None


def with_changes(config: TrainConfig, changes: Iterable[str]) -> TrainConfig:
    """`config` with `key=value` changes; a dot reaches inside (`augment.flip=horizontal`). Raises ConfigError."""
    values = config.model_dump()
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise ConfigError(f"{change!r} is not of the form key=value.", "For instance: --set epochs=20")
        *path, last = key.strip().split(".")
        target = values
        for part in path:
            target = target.get(part) if isinstance(target, dict) else None  # type: ignore[assignment]
        if not isinstance(target, dict) or last not in target:
            raise ConfigError(f"There is no setting called {key!r}.", f"There are: {', '.join(_names(values))}.")
        target[last] = _value(text.strip())
    return make_config(values)


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
