"""Every setting of a training, with its bounds and its help: the one source for the form, the command line and files."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from core.config.augmentation import AugmentConfig
from core.config.backbones import get_backbone
from core.config.framing import Framing
from core.config.network import NETWORKS, NetworkConfig
from core.config.split import SplitConfig
from core.system.errors import ConfigError
from core.system.settings import Percent, Settings, make_settings

SMALLEST_PIXELS = 32
NAME = "[a-z0-9-]{1,40}"
"""What a recipe may be called, as a regular expression."""
STEPPING = (
    "batch_size",
    "learning_rate",
    "schedule",
    "loss",
    "label_smoothing",
    "l1",
    "dropout",
    "patience",
    "keep_best",
)
"""Settings of TrainConfig for what learns in small steps: one that differs from its default makes adam of lbfgs."""
RATES = {"learning_rate": "learning rate", "fine_tune_rate": "learning rate of fine-tuning"}
"""Settings of TrainConfig for how far each step goes, and what they are called within a sentence. An epoch that was learned
in steps has the one that ruled it in its record."""


class TrainConfig(Settings):
    """Everything that decides a training. The same config, pictures and seed give the same run."""

    recipe: str = Field(
        "quick",
        pattern=f"^{NAME}$",
        title="Recipe",
        description="The named preset these settings started from.",
    )
    backbone: str = Field(
        "efficientnet-lite0", title="Model (backbone)", description="The network that looks at the pictures."
    )
    second_backbone: str = Field(
        "",
        title="A second model beside it (second backbone)",
        description="Both look at each picture, and the head learns from what both see. Empty: none.",
    )
    pixels: int = Field(
        0,
        ge=0,
        le=608,
        title="Picture size (input pixels)",
        description="Side of the square that the model sees, from 32; 0 is the model's own size; a search for the best "
        "(minutes) may then go on with 300.",
    )
    network: NetworkConfig | None = Field(
        None,
        title="Layers of a network from scratch (network)",
        description="For a model that learns from scratch; none: the layers that it usually has.",
    )
    framing: Framing | None = Field(
        None,
        title="What the model sees of a picture (framing)",
        description="The region and the fit; none: as the project says.",
    )
    epochs: int = Field(
        60,
        ge=1,
        le=500,
        title="Rounds (epochs)",
        description="How often it goes through all training pictures, at most.",
    )
    batch_size: int = Field(
        128,
        ge=1,
        le=512,
        title="Pictures a step (batch size)",
        description="How many are looked at together, at most; few pictures still make 16 steps a round.",
    )
    learning_rate: float = Field(
        0.003, gt=0, le=1, title="How far each step goes (learning rate)", description="Above 0, at most 1."
    )
    schedule: Literal["constant", "cosine"] = Field(
        "cosine",
        title="Steps grow smaller (schedule)",
        description="cosine: towards 0 at the last round; constant: never.",
    )
    optimizer: Literal["adam", "adamw", "sgd", "lbfgs"] = Field(
        "lbfgs",
        title="Way of stepping (optimizer)",
        description="lbfgs solves the head in a second: it looks at all pictures before each step, and finds by itself how far "
        "to go. adam, adamw (with weight decay) and sgd (with momentum) look at a few, and have more to set. What trains the "
        "model itself takes adam for lbfgs.",
    )
    momentum: float = Field(
        0.9, ge=0, le=0.99, title="Momentum", description="How much of the last step joins the next one; for sgd."
    )
    weight_decay: float = Field(
        0.004, ge=0, le=1, title="Weight decay", description="Share by which weights shrink, times the rate; for adamw."
    )
    loss: Literal["cross-entropy", "focal"] = Field(
        "cross-entropy",
        title="Measure of error (loss)",
        description="focal: what is right already counts for less, so that hard pictures count for more.",
    )
    label_smoothing: Percent = Field(
        0.0, ge=0, le=0.5, title="Less than certain (label smoothing)", description="Share of each label given to all."
    )
    l2: float = Field(
        25.0,
        ge=0,
        le=10_000,
        title="Restraint (L2)",
        description="Penalty on large weights, divided by the number of training pictures. For pretrained models.",
    )
    l2_plain: float = Field(
        0.0, ge=0, le=1, title="Restraint as in Keras (plain L2)", description="Penalty on the squares of weights."
    )
    l1: float = Field(
        0.0, ge=0, le=1, title="Restraint towards zero (L1)", description="Penalty on the size of weights, as in Keras."
    )
    standardise: bool = Field(
        True,
        title="Same scale for all features (standardise)",
        description="Each feature gets mean 0 and deviation 1. For pretrained models.",
    )
    whitening: bool = Field(
        True,
        title="Less of what varies anyway (whitening)",
        description="In what pictures of one class differ from each other anyway counts for less. For pretrained models whose "
        "head is solved (lbfgs), with the same scale for all features.",
    )
    dropout: Percent = Field(
        0.0, ge=0, le=0.9, title="Forgetting on purpose (dropout)", description="Share of features hidden at each step."
    )
    multi_level: bool = Field(
        True,
        title="Use earlier stages too (multi-level features)",
        description="Also what the middle of the network sees.",
    )
    deviations: bool = Field(
        False,
        title="How much features vary, too (deviations)",
        description="Beside the mean over the picture also the mean distance from it. For multi-level features.",
    )
    expanded: bool = Field(
        True,
        title="What it sees inside (expanded features)",
        description="Also what the model sees inside of its blocks, where it looks at the most. For multi-level features of "
        "EfficientNet and MobileNet models.",
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
    sampling: Literal["off", "over-sampling", "under-sampling"] = Field(
        "off",
        title="Show all classes equally often (sampling)",
        description="over-sampling: pictures of small classes come several times in a round. under-sampling: of each class it "
        "learns from as many pictures as the smallest has, and leaves the others out. off: each picture comes once.",
    )
    mirrored: bool = Field(
        False,
        title="Look twice (mirrored views)",
        description="Learns from the mirror image as well, and answers with the mean of both. Takes twice the time.",
    )
    integer_features: bool = Field(
        False,
        title="Whole numbers only (integer features)",
        description="The model looks at pictures in 8-bit integers: half the time, slightly less exact.",
    )
    fine_tune: Literal["off", "last", "all"] = Field(
        "off",
        title="Train the model itself, too (fine-tuning)",
        description="After the head: the last blocks, or all of it. Slow, and better where the pictures are unusual.",
    )
    fine_tune_blocks: int = Field(
        4, ge=1, le=50, title="How many last blocks", description="For fine-tuning the last blocks."
    )
    fine_tune_epochs: int = Field(
        5, ge=1, le=200, title="Rounds of fine-tuning", description="After the rounds of the head."
    )
    fine_tune_rate: float = Field(
        0.0003,
        gt=0,
        le=0.1,
        title="Learning rate of fine-tuning",
        description="Too large a rate destroys what the model already knows.",
    )
    fine_tune_warm_up: Percent = Field(
        0.1, ge=0, le=0.5, title="Warm-up", description="Share of the fine-tuning in which its steps grow from 0."
    )
    patience: int = Field(
        0,
        ge=0,
        le=100,
        title="Stop early (patience)",
        description="Stop after this many rounds without a better validation loss; 0 never stops early.",
    )
    minutes: float = Field(
        0.0,
        ge=0,
        le=1440,
        title="Minutes to search",
        description="Above 0: tries models, heads and fine-tuning for so long at most, and keeps the best.",
    )
    download_megabytes: int = Field(
        0,
        ge=0,
        le=10_000,
        title="May download (megabytes)",
        description="While it searches: models that are not on this computer are fetched, up to so much in all; 0: none.",
    )
    keep_best: bool = Field(
        False,
        title="Keep the best round (best weights)",
        description="At the end go back to the round with the lowest validation loss.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed", description="The same number gives the same run.")
    split: SplitConfig = Field(default_factory=SplitConfig, title="Split")
    own_split: bool = Field(
        False,
        title="The recipe's own split",
        description="Divides the pictures as these settings say, not as the project does: to repeat what its source measured.",
    )
    augment: AugmentConfig = Field(default_factory=AugmentConfig, title="Practise with changed copies (augmentation)")

    @model_validator(mode="before")
    @classmethod
    def _by_steps(cls, values: Any) -> Any:
        """What lbfgs knows nothing of is for adam to do."""
        if isinstance(values, dict) and values.get("optimizer", "lbfgs") == "lbfgs":
            fields = cls.model_fields
            if any(values.get(name, fields[name].default) != fields[name].default for name in STEPPING):
                return values | {"optimizer": "adam"}
        return values

    @model_validator(mode="before")
    @classmethod
    def _of_older_versions(cls, values: Any) -> Any:
        """They knew over-sampling only, which was on or off."""
        if isinstance(values, dict) and "over_sampling" in values:
            older = values["over_sampling"]
            sampling = ("over-sampling" if older else "off") if isinstance(older, bool) else older
            return {name: value for name, value in values.items() if name != "over_sampling"} | {"sampling": sampling}
        return values

    @model_validator(mode="before")
    @classmethod
    def _as_given(cls, values: Any) -> Any:
        """A split that someone gives is meant, unless they say otherwise."""
        if isinstance(values, dict) and "own_split" not in values and values.get("split") is not None:
            given, usual = values["split"], SplitConfig().model_dump()
            given = given.model_dump() if isinstance(given, SplitConfig) else given
            differs = isinstance(given, dict) and any(usual.get(name) != value for name, value in given.items())
            return values | {"own_split": differs}
        return values

    @field_validator("backbone", "second_backbone")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        if not name and info.field_name == "second_backbone":
            return name
        try:
            get_backbone(name)
        except ConfigError as error:
            raise ValueError(f"{error.message} {error.hint}") from None
        return name

    @field_validator("network")
    @classmethod
    def _of_a_network_from_scratch(cls, network: NetworkConfig | None, info: ValidationInfo) -> NetworkConfig | None:
        """None for the layers that the backbone has anyway, so that what means the same is the same."""
        if network is None or "backbone" not in info.data:
            return network
        own = NETWORKS.get(info.data["backbone"])
        if own is None:
            raise ValueError(f"only a model that learns from scratch has layers to choose: {' or '.join(NETWORKS)}")
        return None if network == own else network

    @field_validator("pixels")
    @classmethod
    def _large_enough(cls, pixels: int) -> int:
        if 0 < pixels < SMALLEST_PIXELS:
            raise ValueError(f"choose 0, or at least {SMALLEST_PIXELS}")
        return pixels

    @property
    def dealing(self) -> SplitConfig:
        """The split with its seed, which is the training's own where it has none."""
        return self.split if self.split.seed is not None else self.split.model_copy(update={"seed": self.seed})

    @property
    def input_pixels(self) -> int:
        """Side of the square that the model sees."""
        return self.pixels or max(get_backbone(name).input_pixels for name in self.backbones)

    @property
    def input_framing(self) -> Framing:
        """How a picture becomes the square that the model sees; the centre square where nothing was chosen."""
        return self.framing or Framing()

    @property
    def architecture(self) -> NetworkConfig:
        """The layers of a network that learns from scratch: those that were chosen, else its usual ones. Raises KeyError for a
        pretrained one."""
        return self.network or NETWORKS[self.backbone]

    @property
    def backbones(self) -> tuple[str, ...]:
        """The names of the networks that look at each picture: one, or two."""
        return (self.backbone, self.second_backbone) if self.second_backbone else (self.backbone,)

    @property
    def solved(self) -> bool:
        """Whether the head is solved, rather than learned in batches."""
        return self.optimizer == "lbfgs" and self.pretrained

    @property
    def pretrained(self) -> bool:
        """Whether the backbone comes with weights and only a head is trained."""
        return get_backbone(self.backbone).pretrained


def make_config(values: dict[str, Any]) -> TrainConfig:
    """A TrainConfig from plain values. Raises ConfigError that names the setting, what is allowed and what arrived."""
    return make_settings(TrainConfig, values)
