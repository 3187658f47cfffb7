"""A network is prepared for integers so that it answers as before, and is itself again afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

RNG = np.random.default_rng(0)
PICTURES = (RNG.uniform(0, 255, (12, 1, 1, 3)) + RNG.normal(0, 20, (12, 16, 16, 3))).clip(0, 255).astype(np.float32)


def network(*, between: bool = False) -> Any:
    """Blocks of features of very different range, joined once and again, and a head that heeds all.
    `between`: with something between them and the head that is not linear."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    picture = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 128, offset=-1)(picture)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(x))
    x = layers.DepthwiseConv2D(3, use_bias=False)(layers.ReLU()(x))
    near = layers.Conv2D(8, 3, groups=2, activation="relu")(x)
    far = layers.Conv2D(16, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=60))(near)
    features = layers.Concatenate()([layers.GlobalAveragePooling2D()(near), layers.GlobalAveragePooling2D()(far)])
    features = layers.Concatenate()([layers.GlobalAveragePooling2D()(near), features])
    if between:
        features = layers.ReLU(max_value=1.0)(features)
    head = layers.Dense(4)
    model = keras.Model(picture, layers.Softmax()(head(features)))
    kernel, bias = head.get_weights()
    kernel[:16] *= 8
    kernel[16:] /= 60
    head.set_weights([kernel, bias])
    return model


def logits_of(model: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.Model(model.input, model.layers[-2].output)(PICTURES))


def looking(model: Any) -> Callable[[], object]:
    return lambda: model(PICTURES, training=False)


def test_rounded_weights_answer_on_average_what_the_exact_ones_did() -> None:
    import keras

    from core.models.bias_correction import rounded_for_integers

    model = network()
    before, weights = logits_of(model), model.get_weights()
    with rounded_for_integers(model, looking(model)):
        answer = keras.ops.convert_to_numpy(model(PICTURES, training=False))
        assert np.isfinite(answer).all()
        kernel = model.layers[2].kernel.numpy()  # as the converter will find it: whole steps for each channel
        steps = kernel / (np.abs(kernel).max(axis=(0, 1, 2)) / 127)
        assert np.abs(steps - np.rint(steps)).max() < 1e-3
        corrected = logits_of(model)
    np.testing.assert_array_equal(logits_of(model), before)
    for was, now in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)

    for layer in model.layers:  # each weight for itself
        if hasattr(layer, "kernel"):
            kernel, shared = layer.kernel.numpy(), tuple(range(layer.kernel.ndim - 1))
            shared = (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else shared
            step = np.abs(kernel).max(axis=shared, keepdims=True) / 127
            layer.kernel.assign(np.rint(kernel / step) * step)
    plain = logits_of(model)
    assert np.abs((corrected - before).mean(axis=0)).max() < 0.3 * np.abs((plain - before).mean(axis=0)).max()


@pytest.mark.parametrize("between", [False, True])
def test_features_side_by_side_get_one_range_where_the_head_can_make_up_for_it(between: bool) -> None:
    from core.models.equalisation import equalised

    model = network(between=between)
    first, join = (layer for layer in model.layers if type(layer).__name__ == "Concatenate")
    before, weights = logits_of(model), model.get_weights()
    with equalised(model, looking(model)):
        np.testing.assert_allclose(logits_of(model), before, atol=1e-4)
        import keras

        inside = [np.asarray(each) for each in keras.Model(model.input, [*join.input, first.output])(PICTURES)]
        tops = [each.max() for each in (inside[0], inside[1][:, :8], inside[1][:, 8:])]
        # It cannot be made up for behind what is not linear.
        assert (max(tops) < 2 * min(tops)) == (not between)
    assert "call" not in vars(join)
    for was, now in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)


@pytest.mark.slow
def test_integers_answer_as_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras
    from ai_edge_litert.interpreter import Interpreter

    from core.inference.calibration import softmax
    from core.models import litert_conversion
    from core.models.integer_head import with_fitted_head

    model = network()
    pictures, wanted = PICTURES.round().astype(np.uint8), model.predict(PICTURES.round(), verbose=0)

    def said(file: bytes) -> np.ndarray:
        interpreter = Interpreter(model_content=file)
        interpreter.allocate_tensors()
        source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
        answers = []
        for picture in pictures:
            interpreter.set_tensor(source, picture[None])
            interpreter.invoke()
            answers.append(interpreter.get_tensor(target)[0] / 256)
        return np.array(answers)

    def off() -> float:
        return float(np.abs(said(litert_conversion.to_tflite(model, "uint8", pictures)) - wanted).mean())

    prepared = off()

    # A head for features that the file sees three quarters of, and moved.
    file = litert_conversion.to_tflite(model, "uint8", pictures)
    features = keras.Model(model.input, model.layers[-2].input)(PICTURES.round()).numpy()
    kernel, bias = (each.numpy() for each in model.layers[-2].weights)
    move = np.linspace(-0.1, 0.1, features.shape[1]) * features.std(axis=0)
    fitted = with_fitted_head(file, pictures, features * 0.75 + move, kernel, bias)
    other = softmax((features * 0.75 + move) @ kernel + bias)
    assert np.abs(said(fitted) - other).mean() < 0.25 * np.abs(said(file) - other).mean()
    assert np.abs(said(with_fitted_head(file, pictures, features, kernel, bias)) - wanted).mean() < 1.1 * prepared
    sure = np.array([2.0, 0.0, -1.0, 0.0], np.float32)
    model.layers[-2].set_weights([kernel * 1e-12, sure])
    flat = litert_conversion.to_tflite(model, "uint8", pictures)
    assert np.abs(said(flat) - softmax(sure[None])).max() < 0.05, "nothing but its bias"
    model.layers[-2].set_weights([kernel, bias])
    assert with_fitted_head(file, pictures, features[:, :3], kernel[:3], bias) == file, (
        "it has no head of three features"
    )

    for step in ("equalised", "rounded_for_integers"):
        monkeypatch.setattr(litert_conversion, step, lambda *_: nullcontext())
    monkeypatch.setattr(litert_conversion, "with_fitted_head", lambda file, *_: file)
    assert prepared < 0.7 * off()
