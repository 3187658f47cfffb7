"""Converts a backbone to a LiteRT feature extractor, once for each machine.

`python -m core.models.feature_extractor NAME` does it in a process of its own; where the file exists already, nothing is
loaded and it ends at once.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from core.config.backbones import Backbone, get_backbone
from core.config.training import TrainConfig
from core.imaging.augment import generator
from core.system import storage
from core.system.tasks.processes import spawn

if TYPE_CHECKING:
    import keras

_VERSION = 1
"""Raised when the extractor's graph changes, so that features kept from before are not mixed with new ones."""
_CALIBRATION_PICTURES = 64


@dataclass(frozen=True)
class ExtractorSpec:
    """Which features: of which backbone, at which size, of all later stages or the last only, means alone or deviations
    too, with what is seen inside of blocks, of the picture alone or the mean of the picture's and its mirror image's, by
    floats or integers."""

    backbone: Backbone
    pixels: int
    multi_level: bool
    deviations: bool = False
    mirrored: bool = False
    integer: bool = False
    expanded: bool = False

    @property
    def id(self) -> str:
        """Names the extractor and all features made with it."""
        name = self.backbone.name
        if not re.fullmatch(r"[a-z0-9_.-]{1,80}", name):  # a Hub module from elsewhere is called by its address
            name = f"other-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        size = f"-{self.pixels}px" if self.pixels != self.backbone.input_pixels else ""
        size += "-deviations" * self.deviations + "-expanded" * self.expanded + "-mirrored" * self.mirrored
        kind = f"-int8c{_CALIBRATION_PICTURES}" if self.integer else ""
        return f"{name}-{'multi' if self.multi_level else 'last'}{size}{kind}-v{_VERSION}"

    @property
    def path(self) -> Path:
        """Where the converted extractor lies in the data home; it may not exist yet."""
        return storage.data_home() / "backbones" / f"{self.id}.tflite"

    @property
    def ready(self) -> bool:
        """Whether the file is there; one that something cut short is not."""
        each = 0.75 if self.integer else 3
        return self.path.is_file() and self.path.stat().st_size >= self.backbone.parameters * each

    @property
    def needs_keras(self) -> bool:
        """Whether the conversion was tried here, and this backbone refused it."""
        return self._refused.is_file()

    @property
    def _refused(self) -> Path:
        return self.path.with_suffix(".keras-only")


def specs_of(config: TrainConfig) -> tuple[ExtractorSpec, ...]:
    """The extractors that a training with these settings looks through: one, or two."""
    return tuple(
        ExtractorSpec(
            get_backbone(name),
            config.input_pixels,
            config.multi_level,
            config.deviations,
            config.mirrored,
            config.integer_features,
            config.multi_level and config.expanded,
        )
        for name in config.backbones
    )


def build_extractor(spec: ExtractorSpec) -> keras.Model:
    """The network that `spec` describes: float32 pictures (N, S, S, 3) in 0..255 -> float32 features (N, F), frozen.

    Loads TensorFlow. Raises ModelError if the weights are not there.
    """
    from core.models.expanded import with_expanded
    from core.models.loading import build

    plain = build(spec.backbone, pixels=spec.pixels, multi_level=spec.multi_level)
    if spec.deviations:
        plain = _with_deviations(plain)
    if spec.expanded:
        plain = with_expanded(plain)
    return mirrored(plain) if spec.mirrored else plain


def mirrored(model: keras.Model) -> keras.Model:
    """A network whose answer is the mean of what `model` says of the picture and of its mirror image."""
    import keras

    picture = keras.Input(model.input_shape[1:], name="picture")
    both = keras.layers.Average(name="both_views")([model(picture), model(keras.ops.flip(picture, axis=2))])
    return keras.Model(picture, both, name=f"{model.name}_mirrored", trainable=False)


def _with_deviations(model: keras.Model) -> keras.Model:
    """Beside each global average also the mean distance from it, which integers can compute, unlike a standard deviation."""
    import keras

    averages = [layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D)]
    spread = [
        keras.ops.mean(keras.ops.abs(layer.input - keras.ops.mean(layer.input, (1, 2), keepdims=True)), (1, 2))
        for layer in averages
    ]
    if not spread:
        return model
    features = keras.layers.Concatenate(name="with_deviations")([model.output, *spread])
    return keras.Model(model.input, features, name=f"{model.name}_deviations", trainable=False)


def prepare(spec: ExtractorSpec) -> Path | None:
    """The extractor's file, converted now if it is missing (about 10 s); None if this backbone cannot be converted.

    Of several processes that want it one converts, and the others wait. Loads TensorFlow only where there is something to
    convert. Raises ModelError if the weights are not there.
    """
    if not (spec.ready or spec.needs_keras):
        storage.make_folder(spec.path.parent)
        with FileLock(spec.path.with_name(f".{spec.path.name}.lock")):
            if not (spec.ready or spec.needs_keras):
                _convert(spec)
    return None if spec.needs_keras else spec.path


def _convert(spec: ExtractorSpec) -> None:
    """Writes the extractor's file, or the mark that its backbone cannot be converted."""
    from core.models.litert_conversion import INSIDE, Refused, to_tflite

    model = build_extractor(spec)
    try:
        if spec.integer:
            storage.write_bytes(spec.path, to_tflite(model, INSIDE, calibration_pictures(spec.pixels)))
        else:
            storage.write_bytes(spec.path, to_tflite(model))
    except Refused:
        storage.write_bytes(spec._refused, b"")


def calibration_pictures(pixels: int) -> Iterator[np.ndarray]:
    """Pictures that set the ranges of an integer extractor: uint8 (S, S, 3), always the same.

    Noise whose spectrum falls as in photographs (1/f; Field 1987), with random colours, contrast and edges: so that no
    picture of the person's is needed, and features stay the same from project to project.
    """
    rng = generator("calibration", pixels)
    frequency = np.hypot(np.fft.fftfreq(pixels)[:, None], np.fft.rfftfreq(pixels)[None])
    frequency[0, 0] = 1 / pixels
    for number in range(_CALIBRATION_PICTURES):
        spectrum = rng.normal(size=(3, *frequency.shape)) + 1j * rng.normal(size=(3, *frequency.shape))
        noise = np.fft.irfft2(spectrum / frequency ** rng.uniform(0.8, 1.6), (pixels, pixels))
        noise /= noise.std() + 1e-9
        if number % 2:
            noise = np.tanh(noise * rng.uniform(1, 6))  # flat regions with edges between them
        mixed = np.tensordot(rng.normal(size=(3, 3)), noise, axes=1) * rng.uniform(20, 80)
        picture = mixed + rng.uniform(40, 215, size=(3, 1, 1))
        yield np.clip(picture, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def prepare_in_background(config: TrainConfig) -> None:
    """Starts the conversion in a quiet process of its own, unless the file is there; does not wait."""
    missing = [spec for spec in specs_of(config) if not spec.ready]
    if missing:
        spawn("core.models.feature_extractor", [config.model_dump_json()])


if __name__ == "__main__":
    for needed in specs_of(TrainConfig.model_validate_json(sys.argv[1])):
        prepare(needed)
