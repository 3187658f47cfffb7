"""A TensorFlow Hub module as a Keras layer. Needs TensorFlow: only the worker imports this module.

`hub.KerasLayer` is for the Keras before version 3, and `import tensorflow_hub` fails where setuptools is 82 or newer. For a
folder on this machine `hub.load` does no more than `_load` here.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from core.config.backbones import OTHER, Backbone, get_backbone
from core.models.weights_store import module_folder, require_trusted
from core.system.errors import ModelError

_SIGNATURES = ("default", "serving_default")
_OUTPUTS = ("default", "feature_vector")


@keras.saving.register_keras_serializable(package="fieldguide")
class HubModule(keras.Layer):
    """float32 pictures (N, S, S, 3) in 0..1 -> float32 features (N, F), by the module that `handle` names.

    The module's variables are the layer's own: they count, are trained and are saved with it. Its graph is not: wherever
    the layer is built, the module must be on that machine. Raises ModelError if it is not, or if nobody allowed it.
    """

    def __init__(self, handle: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.handle = handle
        require_trusted(get_backbone(OTHER + handle))
        module = _load(module_folder(handle))
        self._function = _function(module)
        self._wants_training = "training" in _parameters(self._function)
        self._penalties = tuple(getattr(module, "regularization_losses", ()))
        self._module = module  # or its variables are gone
        trainable = getattr(module, "trainable_variables", None)
        own = None if trainable is None else {id(variable) for variable in trainable}
        for variable in _variables(module, self._function):
            self._adopt(variable, trainable=variable.trainable if own is None else id(variable) in own)
        self.built = True

    def _adopt(self, variable: tf.Variable, *, trainable: bool) -> None:
        """Tracks a variable whose value is that of the module, not a copy (as Keras' TFSMLayer does it)."""
        name = variable.name.partition(":")[0].replace("/", "_") or "variable"
        self._track_variable(
            keras.Variable(variable, shape=variable.shape, dtype=variable.dtype.name, trainable=trainable, name=name)
        )

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """The feature vectors. While it is fine-tuned, the module's own penalties on its weights join the loss."""
        learning = bool(training) and bool(self.trainable_variables)
        if learning:
            for loss in self._penalties:
                self.add_loss(loss())
        found = self._function(inputs, training=learning) if self._wants_training else self._function(inputs)
        if isinstance(found, dict):
            name = next((name for name in _OUTPUTS if name in found), next(iter(sorted(found))))
            found = found[name]
        return tf.reduce_mean(found, axis=[1, 2]) if len(found.shape) == 4 else found

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), "handle": self.handle}


def build(backbone: Backbone, pixels: int, *, multi_level: bool = False) -> keras.Model:  # noqa: ARG001 - has one vector
    """float32 pictures (N, S, S, 3) in 0..255, RGB -> float32 features (N, F); see core.models.loading."""
    layer = HubModule(backbone.handle, name="module")
    inputs = keras.Input((pixels, pixels, 3), name="picture")
    try:
        layer(tf.zeros((1, pixels, pixels, 3)))  # some refuse a size only here, some only below
        outputs = layer(keras.layers.Rescaling(1 / 255, name="pixel_range")(inputs))
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise _refused(backbone, layer, pixels) from error
    if len(outputs.shape) != 2 or not outputs.shape[1] or "float" not in outputs.dtype:
        raise ModelError(
            f"{backbone.title} gives no feature vector, but {outputs.dtype} numbers of shape {outputs.shape[1:]}.",
            "Choose a module that is made for feature vectors.",
        )
    model = keras.Model(inputs, outputs, name="hub")
    model.trainable = False
    return model


def _load(folder: Path) -> Any:
    """As `hub.load` does: modules of the older format (TF1 Hub) have several graphs, of which the one without tags counts."""
    if not (folder / "saved_model.pb").is_file():
        raise ModelError(
            f"The Hub module that this model needs is not on this computer: {folder} holds no saved_model.pb.",
            "Fetch it: train with this backbone once while the computer is online.",
        )
    try:
        return tf.saved_model.load(str(folder), tags=[] if (folder / "tfhub_module.pb").is_file() else None)
    except Exception as error:
        raise ModelError(
            f"The Hub module in {folder} cannot be loaded: {type(error).__name__}.",
            "Take the folder away, so that it is fetched again, or choose another model.",
        ) from error


def _function(module: Any) -> Any:
    """What maps pictures to features: the module itself, or one of its signatures."""
    if callable(module):
        return module.__call__
    signatures = getattr(module, "signatures", {})
    for name in (*_SIGNATURES, *signatures):
        if name in signatures:
            return signatures[name]
    raise ModelError("This module cannot be called: it has no signature.", "Choose a module for feature vectors.")


def _parameters(function: Any) -> frozenset[str]:
    """Names of a loaded function's parameters; a signature has none beside its input."""
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()


def _variables(module: Any, function: Any) -> list[tf.Variable]:
    """Every numeric variable, once: those that the module lists, then those that only its function knows."""
    concrete = getattr(function, "concrete_functions", None) or [function]
    found = [*getattr(module, "variables", ()), *(v for one in concrete for v in getattr(one, "variables", ()))]
    unique = {id(variable): variable for variable in found if variable.dtype.is_floating or variable.dtype.is_integer}
    return list(unique.values())


def _refused(backbone: Backbone, layer: HubModule, pixels: int) -> ModelError:
    sides = sorted(
        {
            spec.shape[1]
            for one in getattr(layer._function, "concrete_functions", None) or [layer._function]
            for spec in tf.nest.flatten(one.structured_input_signature)
            if isinstance(spec, tf.TensorSpec) and spec.shape.rank == 4 and spec.shape[1]
        }
    )
    hint = f"It takes {' or '.join(map(str, sides))} pixels." if sides else "Try another size, or another module."
    return ModelError(f"{backbone.title} does not take pictures of {pixels} x {pixels} pixels.", hint)
