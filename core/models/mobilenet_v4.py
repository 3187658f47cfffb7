"""MobileNetV4 in Keras, its convolutional networks, with ImageNet weights as timm has trained them. Needs TensorFlow (through
Keras): only worker processes import this.

Source: Qin et al. 2024 (arXiv 2404.10518, table 11), and timm, `timm/models/mobilenetv3.py`, whose names the weights have. Its
block, the universal inverted bottleneck, is an inverted residual block with a depthwise convolution before the channels are
widened, one after that, both, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from core.config.backbones import Backbone
from core.models.applications import RANGES
from core.models.torch_layers import Builder, Tensors, frozen, tensors_of

_HEAD = 1280


@dataclass(frozen=True)
class _Block:
    """Pixels of the depthwise convolutions before the channels are widened and after that, 0 for none; and how many times as
    many channels there are then."""

    start: int
    middle: int
    expansion: int


@dataclass(frozen=True)
class _Network:
    """Channels of the stem; channels that the first stage has, and how many times as many inside; of all others the channels
    and the blocks, of which the first halves the picture; and channels of the last convolution."""

    stem: int
    fused: tuple[int, int]
    stages: tuple[tuple[int, tuple[_Block, ...]], ...]
    last: int


NETWORKS = {
    "conv-medium": _Network(
        32,
        (48, 4),
        (
            (80, (_Block(3, 5, 4), _Block(3, 3, 2))),
            (
                160,
                (
                    _Block(3, 5, 6),
                    _Block(3, 3, 4),
                    _Block(3, 3, 4),
                    _Block(3, 5, 4),
                    _Block(3, 3, 4),
                    _Block(3, 0, 4),
                    _Block(0, 0, 2),
                    _Block(3, 0, 4),
                ),
            ),
            (
                256,
                (
                    _Block(5, 5, 6),
                    _Block(5, 5, 4),
                    _Block(3, 5, 4),
                    _Block(3, 5, 4),
                    _Block(0, 0, 4),
                    _Block(3, 0, 4),
                    _Block(3, 5, 2),
                    _Block(5, 5, 4),
                    _Block(0, 0, 4),
                    _Block(0, 0, 4),
                    _Block(5, 0, 2),
                ),
            ),
        ),
        960,
    )
}
"""By the name in backbones.csv."""


def build(backbone: Backbone, pixels: int, *, multi_level: bool) -> keras.Model:
    """float32 pictures (N, S, S, 3) in 0..255, RGB -> float32 features (N, F), with ImageNet weights, frozen.

    See core.models.loading. F are 1,280 numbers, those that the classifier of ImageNet is given: it is linear, so that what it
    tells apart lies there already; with `multi_level` also the averages of all later stages (80 + 160 + 256 + 960 + 1280).
    Raises ModelError if the weights are not here, or are others.
    """
    return network(backbone, pixels, tensors_of(backbone), multi_level=multi_level)


def network(backbone: Backbone, pixels: int, tensors: Tensors, *, multi_level: bool) -> keras.Model:
    """As `build`, with the weights that `tensors` gives."""
    make, plan = _Blocks(tensors), NETWORKS[backbone.network]
    picture = keras.Input((pixels, pixels, 3), name="picture")
    x = layers.Rescaling(RANGES["imagenet"].scale, offset=RANGES["imagenet"].offset, name="pixel_range")(picture)
    x = make.norm(make.convolution(x, "stem", "conv_stem", plan.stem, 3, 2), "stem", "bn1")
    x = make.fused(x, "block0", "blocks.0.0", *plan.fused)
    stages, number = [], 1
    for place, (out, blocks) in enumerate(plan.stages, 1):
        for index, block in enumerate(blocks):
            x = make.block(x, f"block{number}", f"blocks.{place}.{index}", block, out, 1 if index else 2)
            number += 1
        stages.append(x)
    last = f"blocks.{len(plan.stages) + 1}.0"
    x = make.norm(
        make.convolution(x, f"block{number}_last", f"{last}.conv", plan.last, 1), f"block{number}_last", f"{last}.bn1"
    )
    average = layers.GlobalAveragePooling2D(keepdims=True, name="average")(x)
    seen = make.norm(make.convolution(average, "head", "conv_head", _HEAD, 1), "head", "norm_head")
    return frozen(picture, stages, average, seen, backbone, multi_level=multi_level)


class _Blocks(Builder):
    """The parts of MobileNetV4."""

    def fused(self, x: keras.KerasTensor, name: str, source: str, out: int, expansion: int) -> keras.KerasTensor:
        """A block that halves the picture, in which one convolution widens and looks around."""
        wide = self.convolution(x, f"{name}_expand", f"{source}.conv_exp", expansion * x.shape[-1], 3, 2)
        wide = self.norm(wide, f"{name}_expand", f"{source}.bn1")
        narrow = self.convolution(wide, f"{name}_project", f"{source}.conv_pwl", out, 1)
        return self.norm(narrow, f"{name}_project", f"{source}.bn2", activate=False)

    def block(
        self, x: keras.KerasTensor, name: str, source: str, plan: _Block, out: int, stride: int
    ) -> keras.KerasTensor:
        """The universal inverted bottleneck; its input is added where the shapes allow that."""
        inputs = x
        if plan.start:
            first = 1 if plan.middle else stride
            x = self.depthwise(x, f"{name}_start", f"{source}.dw_start.conv", plan.start, first)
            x = self.norm(x, f"{name}_start", f"{source}.dw_start.bn", activate=False)
        x = self.convolution(x, f"{name}_expand", f"{source}.pw_exp.conv", plan.expansion * inputs.shape[-1], 1)
        x = self.norm(x, f"{name}_expand", f"{source}.pw_exp.bn")
        if plan.middle:
            x = self.depthwise(x, f"{name}_depthwise", f"{source}.dw_mid.conv", plan.middle, stride)
            x = self.norm(x, f"{name}_depthwise", f"{source}.dw_mid.bn")
        x = self.convolution(x, f"{name}_project", f"{source}.pw_proj.conv", out, 1)
        x = self.norm(x, f"{name}_project", f"{source}.pw_proj.bn", activate=False)
        return layers.Add(name=f"{name}_add")([inputs, x]) if x.shape == inputs.shape else x
