"""A Keras model drawn anew, without models inside it, of layers only that an older program knows as well, and described in the
words of Keras 2. Needs TensorFlow: only worker processes import this.

What matters to learning only (penalties, constraints, how weights begin) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, reduce
from itertools import count
from typing import Any

import keras
import numpy as np
from keras import layers

_LEARNING = ("_initializer", "_regularizer", "_constraint")
"""The ends of the names of settings that matter to learning only."""
_NEW = {
    "optional",
    "quantization_config",
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "rms_scaling",
    "synchronized",
}
"""Settings of layers that are unknown to some version of Keras 2; none of our networks changes one."""
_ACTIVATIONS = {"elu", "gelu", "linear", "relu", "selu", "sigmoid", "silu", "softmax", "softplus", "swish", "tanh"}
"""Those that mean the same in both. hard_sigmoid does not."""
_OLDER = {"silu": "swish"}
"""Activations that have another name in Keras 2, which Keras 3 knows as well."""


class NoSuchLayerError(TypeError):
    """A step of a model that the older program has nothing for."""


class Flattening:
    """Draws a model anew: each layer once, however often it is called, by a name of its own.

    A subclass for another program than Keras 2 says what that one is called, which layers it has, and how to do without the
    others.
    """

    program = "Keras 2"

    def __init__(self) -> None:
        self._copies: dict[int, tuple[keras.Layer, keras.Layer]] = {}
        self._names: set[str] = set()

    def flat(self, model: keras.Model) -> keras.Model:
        """The same model, with the same weights. Raises NoSuchLayerError."""
        picture, x = self.begin(model)
        flat = keras.Model(picture, self._call(model, x), name=model.name)
        for source, copy in self._copies.values():
            copy.set_weights(source.get_weights())
        return flat

    def begin(self, model: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """What the drawn model takes, and what `model` is to take, made of it: here the same."""
        picture = keras.Input(model.input_shape[1:], name=self.name("picture"))
        return picture, picture

    def has(self, step: keras.Operation) -> bool:
        """Whether the older program has the same layer."""
        if isinstance(step, layers.Activation):
            return keras.activations.serialize(step.activation) in _ACTIVATIONS
        return getattr(layers, type(step).__name__, None) is type(step)

    def _call(self, step: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if isinstance(step, keras.Sequential):
            return reduce(lambda x, inner: self._call(self._copy(inner), x), step.layers, args[0])
        if isinstance(step, keras.Model):
            # What keras.models.clone_model does; but that makes a model of it, whose tensors are not those that were given.
            (answer,) = keras.tree.flatten(step._run_through_graph(args[0], self._copy, self._call))
            return answer
        return step(*args, **kwargs) if self.has(step) else self.as_layers(step, *args)

    def _copy(self, step: keras.Operation) -> keras.Operation:
        """A layer that stands for this one wherever it is called; what the older program does not have stays as it is."""
        return self.copy(step) if self.has(step) else step

    def copy(self, step: keras.Layer, **changed: Any) -> keras.Layer:
        """The layer with the same weights that stands for this one, always the same; `changed`: settings that it has then."""
        if id(step) not in self._copies:
            config = step.get_config() | {"name": self.name(step.name)} | changed
            self._copies[id(step)] = step, type(step).from_config(config)
        return self._copies[id(step)][1]

    def made(
        self, step: keras.Operation, layer: Callable[..., keras.Layer], *settings: Any, **more: Any
    ) -> Callable[..., Any]:
        """A new layer in the place of `step`, to be called."""
        new = layer(*settings, **more, name=self.name(step.name))
        return lambda x: self._call(new, x)

    def name(self, wanted: str) -> str:
        """A name that no other layer has."""
        name = next(name for name in _variants(wanted) if name not in self._names)
        self._names.add(name)
        return name

    def as_layers(self, step: keras.Operation, x: Any, y: Any = None) -> Any:
        """What a step gives that the older program does not have, by layers that give the same. Raises NoSuchLayerError."""
        made = partial(self.made, step)
        match type(step).__name__, y:
            case "Add", int() | float():
                return made(layers.Rescaling, 1.0, offset=float(y))(x)
            case "Multiply", int() | float():
                return made(layers.Rescaling, float(y))(x)
            case "Add", keras.KerasTensor():
                return made(layers.Add)([x, y])
            case "Subtract", keras.KerasTensor():
                return made(layers.Subtract)([x, y])
            case "Absolute", None:
                negative = made(layers.Rescaling, -1.0)(x)
                return made(layers.Add)([made(layers.ReLU)(x), made(layers.ReLU)(negative)])
            case "Mean", None if tuple(step.axis) == (1, 2):
                return made(layers.GlobalAveragePooling2D, keepdims=step.keepdims)(x)
            case "Flip", None if step.axis == 2:
                return self.along(x, 2, np.eye(x.shape[2])[::-1], step.name)
            case "Activation", None if step.activation is keras.activations.hard_silu:
                gate = made(layers.ReLU, 6.0)(made(layers.Rescaling, 1.0, offset=3.0)(x))
                return made(layers.Multiply)([x, made(layers.Rescaling, 1 / 6)(gate)])
            case "LayerScale", None:
                scale = layers.DepthwiseConv2D(1, use_bias=False, name=self.name(step.name))
                scaled = scale(x)
                scale.set_weights([np.reshape(step.get_weights()[0], (1, 1, -1, 1))])
                return scaled
        raise NoSuchLayerError(f"{self.program} has nothing for its step {step.name} ({type(step).__name__}).")

    def along(self, x: Any, axis: int, matrix: np.ndarray, name: str) -> Any:
        """Pictures (N, H, W, C) whose columns (`axis` 2) or rows (1) are sums of those that they had; `matrix`: with
        which shares, (before, after). Where each sum has one 1 and otherwise zeros it is exact."""
        turned = (1, 3, 2) if axis == 2 else (3, 2, 1)  # its own reverse
        turn = layers.Dense(matrix.shape[1], use_bias=False, name=self.name(name))
        sums = turn(layers.Permute(turned, name=self.name(name))(x))
        turn.set_weights([matrix])
        return layers.Permute(turned, name=self.name(name))(sums)


def _variants(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def described(flat: keras.Model) -> dict[str, Any]:
    """A model without models inside, in the words of Keras 2."""
    config = flat.get_config()
    steps = [
        {
            "class_name": step["class_name"],
            "name": step["name"],
            "config": _settings(step["config"]),
            "inbound_nodes": [_sources(node["args"][0]) for node in step["inbound_nodes"]],
        }
        for step in config["layers"]
    ]
    ends = {end: [config[end]] for end in ("input_layers", "output_layers")}
    return {"class_name": "Functional", "config": {"name": flat.name, "trainable": True, "layers": steps, **ends}}


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of a layer."""
    kept = {name: value for name, value in config.items() if name not in _NEW and not name.endswith(_LEARNING)}
    if "batch_shape" in kept:
        kept["batch_input_shape"] = kept.pop("batch_shape")
    if "activation" in kept:
        kept["activation"] = _OLDER.get(kept["activation"], kept["activation"])
    return kept | {"dtype": "float32"}


def _sources(given: Any) -> list[list[Any]]:
    """Where the tensors come from that a layer is called with: name, call and output of each."""
    tensors = given if isinstance(given, list) else [given]
    return [[*tensor["config"]["keras_history"], {}] for tensor in tensors]
