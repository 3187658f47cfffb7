"""Keras model -> .tflite files, as core.config.export_formats says. Needs TensorFlow: only worker processes import this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from core.config.export_formats import ALL, TEACHABLE_PIXELS
from core.models.bias_correction import rounded_for_integers
from core.models.equalisation import equalised, features_of, head_of
from core.models.integer_head import with_fitted_head

INSIDE = "int8-inside"
"""No kind that is taken away under this name: integers throughout, but for a float32 input and output."""
_LOOKED_AT, _FITTED_TO, _AT_ONCE = 32, 200, 8
"""Pictures that tell the range of features and the mean input of each layer; to how many the head is fitted; and how many are
looked at together."""


class Refused(Exception):  # noqa: N818 - an answer, which the caller knows how to go on from
    """The converter cannot turn this model into a file that LiteRT can run."""


def _affine(picture: tf.Tensor, scale: float, offset: float) -> tf.Tensor:
    """picture * scale + offset, of pictures as one convolution of a single pixel."""
    if len(picture.shape) != 4:
        return picture * scale + offset
    channels = picture.shape[-1]
    kernel = tf.fill((1, 1, channels, 1), np.float32(scale))
    return tf.nn.bias_add(
        tf.nn.depthwise_conv2d(picture, kernel, (1, 1, 1, 1), "VALID"), tf.fill((channels,), np.float32(offset))
    )


def _dense(layer: keras.layers.Dense, features: tf.Tensor) -> Any:
    """What a dense layer makes of features (N, F), as one convolution of a single pixel."""
    if len(features.shape) != 2:
        return keras.layers.Dense.call(layer, features)
    kernel = tf.convert_to_tensor(layer.kernel)[None, None]
    answer = tf.nn.conv2d(tf.reshape(features, (-1, 1, 1, features.shape[-1])), kernel, 1, "VALID")
    if layer.bias is not None:
        answer = tf.nn.bias_add(answer, tf.convert_to_tensor(layer.bias))
    answer = tf.reshape(answer, (-1, layer.units))
    return answer if layer.activation is None else layer.activation(answer)


@contextmanager
def _ready_for_integers(model: keras.Model) -> Iterator[None]:
    """While it lasts, some layers are written in other operations, so that their integers are right everywhere.

    Those that rescale pictures do it in one: calibration sees the result of a multiplication only after the addition that
    follows was done in its place, and so takes the wrong range for it: a third of the steps between black and white, or
    nearly all, would be lost. Dense layers are convolutions: those have a scale for each class wherever they run, which
    dense layers have only since TensorFlow Lite 2.10, and before give one answer to every picture.
    """
    layers = model._flatten_layers()
    changed: list[keras.Layer] = []
    try:
        for layer in layers:
            if type(layer) is keras.layers.Rescaling and np.isscalar(layer.scale) and np.isscalar(layer.offset):
                layer.call = lambda picture, layer=layer: _affine(picture, layer.scale, layer.offset)
            elif type(layer) is keras.layers.Dense:
                layer.call = lambda features, training=None, layer=layer: _dense(layer, features)  # noqa: ARG005
            else:
                continue
            changed.append(layer)
        yield
    finally:
        for layer in changed:
            del layer.call


class Frozen(tf.Module):
    """A function of a Keras model for the converter, the model's weights as constants. `function`: tensors of `inputs` to
    tensors.

    The converter would first write each variable into a SavedModel and read it back, which takes longer than all the rest.
    Variables that are not Keras' own (of a TensorFlow Hub module) stay what they are, held where it looks for them;
    `from_keras_model` fails in Keras 3 until `tf.keras` has been touched.
    """

    def __init__(self, model: keras.Model, function: Callable[..., Any], *inputs: tf.TensorSpec) -> None:
        super().__init__()
        weights = [(variable, variable.numpy()) for variable in model.variables]

        def traced(*given: tf.Tensor) -> Any:
            with keras.StatelessScope(state_mapping=[(variable, tf.constant(value)) for variable, value in weights]):
                return function(*given)

        self._function = tf.function(traced, input_signature=inputs, autograph=False).get_concrete_function()
        self._variables = self._function.graph.variables

    @property
    def converter(self) -> tf.lite.TFLiteConverter:
        """What makes a .tflite file of it."""
        return tf.lite.TFLiteConverter.from_concrete_functions([self._function], self)


def _answer_of(model: keras.Model, *, teachable: bool, bytes_out: bool) -> tuple[Callable[[tf.Tensor], tf.Tensor], int]:
    """What the model says of pictures (N, S, S, 3) as a file takes them, as a function (N, S, S, 3) -> (N, K); and S."""
    own = model.input_shape[1]
    side = TEACHABLE_PIXELS if teachable else own

    def answer(picture: tf.Tensor) -> tf.Tensor:
        if teachable:
            picture = _affine(picture, 127.5, 127.5)
            picture = picture if side == own else tf.image.resize(picture, (own, own))
        answer = model(picture, training=False)
        if bytes_out and not isinstance(model.layers[-1], keras.layers.Softmax):
            # Only a softmax is always written in 256ths, which programs divide by; others by what calibration sees.
            answer = tf.quantization.fake_quant_with_min_max_args(answer, 0.0, 255 / 256, num_bits=8)
        return answer

    return answer, side


def to_tflite(model: keras.Model, kind: str = "float32", calibration: Iterable[np.ndarray] = ()) -> bytes:
    """The model as a .tflite file for one picture at a time, float32 (1, S, S, 3) in 0..255.

    `kind`: the name of one that the converter makes (core.config.export_formats), or INSIDE. With `weights` "float16" or "int8"
    those are stored so; with an integer `input` it computes in integers throughout, takes a picture's bytes (less 128 for int8)
    and answers probabilities in 256ths, likewise; INSIDE is the same with float32 input and output. Both need `calibration`:
    uint8 pictures (S, S, 3). A `teachable` one takes float32 (1, 224, 224, 3) in -1..1, or the bytes. Raises Refused.
    """
    form = ALL["float32" if kind == INSIDE else kind]
    integers = form.integer or kind == INSIDE
    small = integers or form.weights == "int8"
    answer, side = _answer_of(model, teachable=form.teachable, bytes_out=form.integer)
    pictures = list(calibration)

    def look(most: int = _LOOKED_AT) -> None:
        some = [_as_taken(picture, teachable=form.teachable) for picture in _spread(pictures, most)]
        for start in range(0, len(some), _AT_ONCE):
            answer(tf.concat(some[start : start + _AT_ONCE], 0))

    head = head_of(model) if integers and pictures else None
    features = features_of(head, lambda: look(_FITTED_TO)) if head else None
    with (
        equalised(model, look) if integers and pictures else nullcontext(),
        rounded_for_integers(model, look) if integers and pictures else nullcontext(),
        _ready_for_integers(model) if small else nullcontext(),
    ):
        taken = tf.TensorSpec((1, side, side, model.input_shape[-1]), tf.float32, name="picture")
        converter = Frozen(model, answer, taken).converter
    if integers or form.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if small:
        # What else is a product of matrices, inside of a module of TensorFlow Hub say, has one scale for all.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if form.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if integers:
        converter.representative_dataset = lambda: _examples(pictures, teachable=form.teachable)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(form.input)
    try:
        made = bytes(converter.convert())
    except ConverterError as error:
        raise Refused(str(error).splitlines()[0]) from error
    if head is None or features is None:
        return made
    bias = np.zeros(head.units) if head.bias is None else head.bias.numpy()
    return with_fitted_head(made, _spread(pictures, _FITTED_TO), features, head.kernel.numpy(), bias)


def _spread(pictures: Sequence[np.ndarray], most: int) -> list[np.ndarray]:
    """So many of them at most, evenly."""
    return [pictures[at] for at in np.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().astype(int)]


def _as_taken(picture: np.ndarray, *, teachable: bool) -> np.ndarray:
    """A picture uint8 (S, S, 3) as a model takes it: float32 (1, S, S, 3)."""
    values = picture[None].astype(np.float32)
    return values / 127.5 - 1 if teachable else values


def _examples(pictures: Iterable[np.ndarray], *, teachable: bool) -> Iterator[list[np.ndarray]]:
    """Pictures as the model takes them; the first gets a black and a white pixel, so that one step of the quantized input
    is exactly one of a byte, however pale the pictures are."""
    for number, picture in enumerate(pictures):
        if number == 0:
            picture = picture.copy()  # noqa: PLW2901
            picture[0, 0], picture[0, -1] = 0, 255
        yield [_as_taken(picture, teachable=teachable)]
