"""Keras model -> one HDF5 file that both Keras 2 and Keras 3 open. Needs TensorFlow: only worker processes import this.

Keras 3 reads what Keras 2 wrote, but not the other way round: its own .h5 files describe a model in words that Keras 2 does not
know. So the model is drawn anew, without models inside it, of layers that both have, and described as Keras 2 does it. What
matters to learning only (initializers, penalties, constraints) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import count
from pathlib import Path
from typing import Any

import h5py
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


def write(model: keras.Model, target: Path) -> None:
    """Writes the model as HDF5. Raises TypeError where it has a step that is no layer of both."""
    flat = _Flattening().flat(model)
    flat.save(target)
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = json.dumps(_described(flat)).encode()


class _Flattening:
    """Draws a model anew: each layer once, however often it is called, by a name of its own."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[keras.Layer, keras.Layer]] = {}
        self._names: set[str] = set()

    def flat(self, model: keras.Model) -> keras.Model:
        """The same model, with the same weights. Raises TypeError."""
        picture = keras.Input(model.input_shape[1:], name=self._name("picture"))
        flat = keras.Model(picture, self._call(model, picture), name=model.name)
        for source, copy in self._copies.values():
            copy.set_weights(source.get_weights())
        return flat

    def _call(self, step: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if isinstance(step, keras.Sequential):
            return reduce(lambda x, inner: self._call(self._copy(inner), x), step.layers, args[0])
        if isinstance(step, keras.Model):
            # What keras.models.clone_model does; but that makes a model of it, whose tensors are not those that were given.
            (answer,) = keras.tree.flatten(step._run_through_graph(args[0], self._copy, self._call))
            return answer
        return step(*args, **kwargs) if _in_both(step) else self._as_layers(step, *args)

    def _copy(self, step: keras.Operation) -> keras.Operation:
        """A layer that stands for this one wherever it is called; what Keras 2 does not have stays as it is."""
        if not _in_both(step):
            return step
        if id(step) not in self._copies:
            copy = type(step).from_config(step.get_config() | {"name": self._name(step.name)})
            self._copies[id(step)] = step, copy
        return self._copies[id(step)][1]

    def _name(self, wanted: str) -> str:
        name = next(name for name in _variants(wanted) if name not in self._names)
        self._names.add(name)
        return name

    def _as_layers(self, step: keras.Operation, x: Any, y: Any = None) -> Any:
        """What a step gives that Keras 2 does not have, by layers that give the same."""

        def made(layer: Callable[..., keras.Layer], *settings: Any, **more: Any) -> keras.Layer:
            return layer(*settings, **more, name=self._name(step.name))

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
                return self._flipped(x, made)
            case "Activation", None if step.activation is keras.activations.hard_silu:
                gate = made(layers.ReLU, 6.0)(made(layers.Rescaling, 1.0, offset=3.0)(x))
                return made(layers.Multiply)([x, made(layers.Rescaling, 1 / 6)(gate)])
            case "LayerScale", None:
                scale = made(layers.DepthwiseConv2D, 1, use_bias=False)
                scaled = scale(x)
                scale.set_weights([np.reshape(step.get_weights()[0], (1, 1, -1, 1))])
                return scaled
        raise TypeError(f"Keras 2 has nothing for {step.name} ({type(step).__name__}).")

    def _flipped(self, x: Any, made: Callable[..., keras.Layer]) -> Any:
        """Pictures (N, S, S, 3) from right to left: a sum with one 1 and otherwise zeros is exact."""
        turn = made(layers.Dense, x.shape[2], use_bias=False)
        turned = made(layers.Permute, (1, 3, 2))(turn(made(layers.Permute, (1, 3, 2))(x)))
        turn.set_weights([np.eye(x.shape[2])[::-1]])
        return turned


def _in_both(step: keras.Operation) -> bool:
    """Whether Keras 2 and Keras 3 have the same layer."""
    if isinstance(step, layers.Activation):
        return keras.activations.serialize(step.activation) in _ACTIVATIONS
    return getattr(layers, type(step).__name__, None) is type(step)


def _variants(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def _described(flat: keras.Model) -> dict[str, Any]:
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
