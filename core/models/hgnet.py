"""PP-HGNetV2 in Keras, with ImageNet weights as timm has converted them. Needs TensorFlow (through Keras): only worker
processes import this.

Source: PaddleClas, `docs/zh_CN/models/ImageNet1k/PP-HGNetV2.md`, and timm, `timm/models/hgnet.py`, whose names the weights
have. Each block joins the answers of all its convolutions; the small networks scale and shift what a ReLU gives by two learned
numbers (learnable affine block).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from core.config.backbones import Backbone
from core.models.applications import RANGES
from core.models.torch_layers import Builder, Tensors, frozen, tensors_of

_HEAD = 2048


@dataclass(frozen=True)
class _Stage:
    """`inside`: channels of the `layers` convolutions of each of its `blocks`, of so many pixels; `light` ones are a pointwise
    and a depthwise one each. `out`: channels that a block gives."""

    inside: int
    out: int
    blocks: int
    layers: int
    kernel: int = 3
    light: bool = False


@dataclass(frozen=True)
class _Network:
    stem: tuple[int, int]
    stages: tuple[_Stage, ...]


NETWORKS = {
    "b1": _Network(
        (24, 32),
        (
            _Stage(32, 64, 1, 3),
            _Stage(48, 256, 1, 3),
            _Stage(96, 512, 2, 3, 5, light=True),
            _Stage(192, 1024, 1, 3, 5, light=True),
        ),
    ),
    "b2": _Network(
        (24, 32),
        (
            _Stage(32, 96, 1, 4),
            _Stage(64, 384, 1, 4),
            _Stage(128, 768, 3, 4, 5, light=True),
            _Stage(256, 1536, 1, 4, 5, light=True),
        ),
    ),
}
"""By the name in backbones.csv."""


def build(backbone: Backbone, pixels: int, *, multi_level: bool) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255, RGB -> float32 features (N, F), with ImageNet weights, frozen.

    See core.models.loading. F are 2,048 numbers, those that the classifier of ImageNet is given: it is linear, so that what it
    tells apart lies there already; with `multi_level` also the averages of all later stages (B1: 256 + 512 + 1024 + 2048).
    Raises ModelError if the weights are not here, or are others.
    """
    return network(backbone, pixels, tensors_of(backbone), multi_level=multi_level)


def network(backbone: Backbone, pixels: int, tensors: Tensors, *, multi_level: bool) -> keras.Model:
    """As `build`, with the weights that `tensors` gives."""
    make, plan = _Blocks(tensors), NETWORKS[backbone.network]
    picture = keras.Input((pixels, pixels, 3), name="picture")
    x = layers.Rescaling(RANGES["imagenet"].scale, offset=RANGES["imagenet"].offset, name="pixel_range")(picture)
    x = make.stem(x, *plan.stem)
    stages, number = [], 0
    for place, stage in enumerate(plan.stages):
        if place:
            source = f"stages.{place}.downsample"
            x = make.depthwise(x, f"block{number}_downsample", f"{source}.conv", 3, 2)
            x = make.norm(x, f"block{number}_downsample", f"{source}.bn", activate=False)
        for block in range(stage.blocks):
            x = make.block(x, f"block{number}", f"stages.{place}.blocks.{block}", stage, residual=block > 0)
            number += 1
        stages.append(x)
    average = layers.GlobalAveragePooling2D(keepdims=True, name="average")(x)
    seen = make.convolution(average, "head", "head.last_conv.0", _HEAD, 1)
    seen = make.affine(layers.ReLU(name="head_relu")(seen), "head", "head.last_conv.2")
    return frozen(picture, stages[1:-1], average, seen, backbone, multi_level=multi_level)


class _Blocks(Builder):
    """The parts of HGNetV2."""

    def affine(self, x: keras.KerasTensor, name: str, source: str) -> keras.KerasTensor:
        """The learnable affine block. Its two numbers are no weights here, but settings of a layer that every program has; like
        those of batch normalisation, they stay what they are in fine-tuning."""
        scale, offset = (float(self.tensors(f"{source}.{part}", (1,))[0]) for part in ("scale", "bias"))
        return layers.Rescaling(scale, offset=offset, name=f"{name}_affine")(x)

    def active(
        self, x: keras.KerasTensor, name: str, source: str, filters: int, kernel: int, stride: int = 1
    ) -> keras.KerasTensor:
        """A convolution with all that follows it."""
        x = self.convolution(x, name, f"{source}.conv", filters, kernel, stride)
        return self.affine(self.norm(x, name, f"{source}.bn"), name, f"{source}.lab")

    def light(self, x: keras.KerasTensor, name: str, source: str, filters: int, kernel: int) -> keras.KerasTensor:
        """The same with fewer weights: pointwise, then depthwise."""
        x = self.convolution(x, f"{name}_pointwise", f"{source}.conv1.conv", filters, 1)
        x = self.norm(x, f"{name}_pointwise", f"{source}.conv1.bn", activate=False)
        x = self.depthwise(x, name, f"{source}.conv2.conv", kernel)
        return self.affine(self.norm(x, name, f"{source}.conv2.bn"), name, f"{source}.conv2.lab")

    def stem(self, x: keras.KerasTensor, inside: int, out: int) -> keras.KerasTensor:
        """A quarter of the side: convolutions beside a maximum, both padded on the right and at the bottom."""

        def padded(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
            return layers.ZeroPadding2D(((0, 1), (0, 1)), name=name)(x)

        x = padded(self.active(x, "stem1", "stem.stem1", inside, 3, 2), "stem1_after")
        narrow = padded(self.active(x, "stem2a", "stem.stem2a", inside // 2, 2), "stem2a_after")
        narrow = self.active(narrow, "stem2b", "stem.stem2b", inside, 2)
        most = layers.MaxPooling2D(2, strides=1, name="stem_most")(x)
        x = layers.Concatenate(name="stem_joined")([most, narrow])
        x = self.active(x, "stem3", "stem.stem3", inside, 3, 2)
        return self.active(x, "stem4", "stem.stem4", out, 1)

    def block(
        self, x: keras.KerasTensor, name: str, source: str, stage: _Stage, *, residual: bool
    ) -> keras.KerasTensor:
        """Convolutions one after another; all that they gave is joined, and made `out` channels of."""
        one = self.light if stage.light else self.active
        given = [x]
        for number in range(stage.layers):
            inner = f"{source}.layers.{number}"
            given.append(one(given[-1], f"{name}_conv{number}", inner, stage.inside, stage.kernel))
        joined = layers.Concatenate(name=f"{name}_joined")(given)
        squeezed = self.active(joined, f"{name}_squeeze", f"{source}.aggregation.0", stage.out // 2, 1)
        answer = self.active(squeezed, f"{name}_excite", f"{source}.aggregation.1", stage.out, 1)
        return layers.Add(name=f"{name}_add")([x, answer]) if residual else answer
