"""The settings of augmentation, with their bounds and their help."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from core.system.settings import Percent, Settings

MIXING = ("mixup", "cutmix")
"""Settings that mix pairs of pictures; all others change one picture by itself."""


class AugmentConfig(Settings):
    """How far each picture may be changed at random while training. 0 is off. The units are those of Keras' layers."""

    flip: Literal["off", "horizontal", "vertical", "both"] = Field(
        "off", title="Mirror (flip)", description="Off for letters, digits, and whatever has a left and a right."
    )
    rotation: Percent = Field(
        0.0,
        ge=0,
        le=0.5,
        title="Turn (rotation)",
        description="Up to this share of a full turn, either way: 0.1 is 36°.",
    )
    zoom: Percent = Field(
        0.0, ge=0, le=0.5, title="Nearer and farther (zoom)", description="Up to this share, either way."
    )
    translation: Percent = Field(
        0.0, ge=0, le=0.5, title="Shift (translation)", description="Up to this share of the side, in both directions."
    )
    brightness: Percent = Field(
        0.0, ge=0, le=0.8, title="Darker and brighter (brightness)", description="Up to this share of the full range."
    )
    contrast: Percent = Field(
        0.0, ge=0, le=0.8, title="Flatter and starker (contrast)", description="Up to this share, either way."
    )
    crop: Percent = Field(
        0.0,
        ge=0,
        le=0.8,
        title="Only a part of it (crop)",
        description="Up to this share of the side is cut off, anywhere; the rest is made as large as the whole was.",
    )
    shear: Percent = Field(
        0.0,
        ge=0,
        le=0.5,
        title="Slant (shear)",
        description="Pixels slide by up to this share of their distance from the middle.",
    )
    perspective: Percent = Field(
        0.0,
        ge=0,
        le=0.4,
        title="Seen from the side (perspective)",
        description="Each corner moves by up to half of this share of the side.",
    )
    hue: Percent = Field(
        0.0,
        ge=0,
        le=0.8,
        title="Other colours (hue)",
        description="Up to this share of half the colour circle, either way. Off where a colour tells the class.",
    )
    saturation: Percent = Field(
        0.0,
        ge=0,
        le=0.8,
        title="Paler and more colourful (saturation)",
        description="How far from 0.5 Keras' factor may go, times two: 0.5 is from a third to three times as colourful.",
    )
    sharpness: Percent = Field(
        0.0,
        ge=0,
        le=0.8,
        title="Softer and crisper edges (sharpness)",
        description="How far from 0.5 Keras' factor may go, times two.",
    )
    blur: float = Field(
        0.0,
        ge=0,
        le=5,
        title="Out of focus (Gaussian blur)",
        description="Pixels, up to 5: the largest spread (sigma), of a picture as large as the model sees it.",
    )
    erasing: Percent = Field(
        0.0,
        ge=0,
        le=0.9,
        title="Cover a patch (random erasing)",
        description="In this share of the copies a patch is noise: a fiftieth to a third of the picture.",
    )
    rand_augment: int = Field(
        0,
        ge=0,
        le=4,
        title="So many changes by chance (RandAugment)",
        description="Each copy gets this many changes, each drawn from fourteen kinds; 0 is off.",
    )
    aug_mix: int = Field(
        0,
        ge=0,
        le=3,
        title="Blend of changed copies (AugMix)",
        description="So many copies (chains), each changed in its own way, are blended with the picture; 0 is off.",
    )
    magnitude: float = Field(
        0.5,
        ge=0.05,
        le=1,
        title="How strong those are (magnitude)",
        description="For RandAugment and AugMix: 1 is the strongest in their papers, a turn by 30° for instance.",
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Two pictures, one through the other (MixUp)",
        description="alpha: 0 is off, 0.2 is usual, 1 mixes most. The label is mixed in the same way.",
    )
    cutmix: float = Field(
        0.0,
        ge=0,
        le=1,
        title="A piece of another picture (CutMix)",
        description="alpha: 0 is off, 1 is usual: a piece of any size. The label counts each picture's area.",
    )

    @property
    def switched_on(self) -> dict[str, Any]:
        """The settings that change anything, with their values: `magnitude` only beside a policy that heeds it."""
        values = {name: value for name, value in self.model_dump().items() if value not in (0, "off")}
        if not (self.rand_augment or self.aug_mix):
            del values["magnitude"]
        return values

    @property
    def active(self) -> bool:
        """Whether any change of single pictures is switched on."""
        return any(name not in MIXING for name in self.switched_on)

    @property
    def mixes(self) -> bool:
        """Whether pairs of pictures are mixed."""
        return bool(self.mixup or self.cutmix)

    @property
    def mark(self) -> str:
        """What decides a draw of `augment`, beside the generator: the same text, the same draw."""
        return " ".join(f"{name}={value}" for name, value in self.switched_on.items() if name not in MIXING)
