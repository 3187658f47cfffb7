"""A network in two parts: what the earlier one makes of a picture can be kept, while the later one learns. Needs Keras: only
worker processes import this."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras

from core.models.blocks import operations

STRIDE = 16
"""Of the picture: what a network knows of finer parts serves other pictures as well, and costs most of the time."""


@dataclass(frozen=True)
class Divided:
    """`lower`: pictures float32 (N, S, S, 3) in 0..255 -> float32 (N, D), all that the later part needs of them. `upper`: that
    -> the features (N, F) of the whole network, by its own layers: what they learn, it has learned."""

    lower: keras.Model
    upper: keras.Model


def divided(model: keras.Model) -> Divided | None:
    """The network, divided behind the last of the blocks that first look at parts of the picture of STRIDE pixels or more, all
    of one shape; None where no block is one that everything later comes through, as in a module of one layer."""
    coarse = [step for step in map(_map_of, operations(model)) if step is not None and _is_coarse(step, model)]
    for between in reversed([step for step in coarse if step.shape == coarse[0].shape]):
        if parts := _at(model, between):
            return parts
    return None


def _map_of(block: list[keras.Operation]) -> keras.KerasTensor | None:
    """What a block passes on, (N, H, W, C)."""
    outputs = (step.output for step in reversed(block) if len(step._inbound_nodes) == 1)
    return next((each for each in outputs if isinstance(each, keras.KerasTensor) and len(each.shape) == 4), None)


def _is_coarse(step: keras.KerasTensor, model: keras.Model) -> bool:
    return 1 < step.shape[1] <= math.ceil(model.input_shape[1] / STRIDE)


def _at(model: keras.Model, between: keras.KerasTensor) -> Divided | None:
    """Divided at this place, if there is no other way past it than to features that are of earlier blocks alone."""
    beside = [leaf for leaf in _joined(model.output) if between not in _before(leaf)]
    try:
        later = keras.Model([between, *beside], model.output)
    except ValueError:  # something later needs more than that
        return None
    if not later.weights:
        return None
    flat = keras.layers.Reshape((-1,), name="between")(between)
    kept = keras.layers.Concatenate(name="kept")([flat, *beside]) if beside else flat
    packed, ends = keras.Input((kept.shape[1],), name="kept"), [flat.shape[1]]
    for leaf in beside:
        ends.append(ends[-1] + leaf.shape[1])
    pieces = [packed[:, start:end] for start, end in zip([0, *ends], ends, strict=False)]
    inside = keras.layers.Reshape(between.shape[1:], name="inside")(pieces[0])
    return Divided(keras.Model(model.input, kept), keras.Model(packed, later([inside, *pieces[1:]])))


def _joined(features: keras.KerasTensor) -> Iterator[keras.KerasTensor]:
    """The pieces of which features consist."""
    step = features._keras_history.operation
    if isinstance(step, keras.layers.Concatenate):
        for piece in step.input:
            yield from _joined(piece)
    else:
        yield features


def _before(tensor: keras.KerasTensor) -> set[keras.KerasTensor]:
    """The tensor, and all that it is made of."""
    found, open_ends = {tensor}, [tensor]
    while open_ends:
        history = open_ends.pop()._keras_history
        for source in history.operation._inbound_nodes[history.node_index].input_tensors:
            if source not in found:
                found.add(source)
                open_ends.append(source)
    return found
