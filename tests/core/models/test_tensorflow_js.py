"""A Keras model in TensorFlow.js' layers format, read back by the program in the zips; a browser reads it in tests/browser."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.export import parity

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]


def small(side: int = 24) -> Any:
    """Activations inside of layers, as EfficientNetV2 has them, and what is called twice."""
    import keras

    from core.models.feature_extractor import mirrored

    keras.utils.set_random_seed(1)
    picture = keras.Input((side, side, 3))
    x = keras.layers.Rescaling([1 / 20, 1 / 30, 1 / 40], offset=[-1, -2, -3])(picture)
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="silu")(x)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.layers.Multiply()([x, keras.layers.Conv2D(6, 1, activation="sigmoid")(gate)])
    x = keras.layers.DepthwiseConv2D(3, depthwise_initializer="he_normal")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("relu6")(x))
    both = mirrored(keras.Model(picture, x))
    return keras.Model(both.input, keras.layers.Softmax()(keras.layers.Dense(4)(both.output)))


def program(folder: Path) -> ModuleType:
    """predict.py beside the model."""
    (folder / "fieldguide.json").write_text(
        json.dumps({"model": "model.json", "input": {"pixels": 224, "framing": {}}})
    )
    file = Path(shutil.copy(Path(parity.__file__).with_name("predict.py"), folder))
    spec = importlib.util.spec_from_file_location("predict_of_a_zip", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("side", [24, 224])
def test_it_answers_the_same_to_what_teachable_machine_feeds(side: int, tmp_path: Path) -> None:
    import keras

    from core.models import tensorflow_js

    model = small(side)
    before = model.get_weights()
    tensorflow_js.write(model, tmp_path / "model.json")
    for one, after in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, after)  # it is used for other files, too
    blocks = np.random.default_rng(2).integers(0, 256, (3, 4, 4, 3)).astype(np.float32)
    picture = blocks.repeat(56, axis=1).repeat(56, axis=2)
    shares = tensorflow_js.shares(224, side)
    seen = picture if side == 224 else np.einsum("nhwc,hi,wj->nijc", picture, shares, shares).astype(np.float32)
    model.run_eagerly = True
    wanted = model.predict(seen, verbose=0)
    assert wanted.std(axis=0).max() > 1e-3
    again = program(tmp_path).rebuilt(keras)
    again.run_eagerly = True
    np.testing.assert_allclose(again.predict(picture / 127 - 1, verbose=0), wanted, atol=1e-5)


def test_its_description_has_layers_only_that_the_oldest_version_has(tmp_path: Path) -> None:
    from core.models import tensorflow_js

    tensorflow_js.write(small(), tmp_path / "model.json")
    topology = json.loads((tmp_path / "model.json").read_text())["modelTopology"]
    steps = topology["config"]["layers"]
    assert topology["class_name"] == "Model"
    assert {step["class_name"] for step in steps} == {
        "Activation", "Average", "BatchNormalization", "Conv2D", "Dense", "DepthwiseConv2D", "GlobalAveragePooling2D",
        "InputLayer", "Multiply", "Permute", "ReLU", "Reshape", "Softmax",
    }  # fmt: skip
    activations = {step["config"].get("activation") for step in steps}
    assert activations == {None, "linear", "sigmoid"}
    assert len({step["name"] for step in steps}) == len(steps)
    names = [step["class_name"] for step in steps]
    assert (names.count("Conv2D"), names.count("DepthwiseConv2D")) == (2, 1)  # each once, though it is called twice


def test_weights_that_no_layer_has_are_found_out(tmp_path: Path) -> None:
    import keras

    from core.models import tensorflow_js

    tensorflow_js.write(small(), tmp_path / "model.json")
    told = json.loads((tmp_path / "model.json").read_text())
    told["weightsManifest"][0]["weights"][-1]["name"] = "elsewhere/bias"
    (tmp_path / "model.json").write_text(json.dumps(told))
    with pytest.raises(KeyError, match="/bias"):
        program(tmp_path).rebuilt(keras)
    told["weightsManifest"][0]["weights"].append({"name": "dense/bias", "shape": [0], "dtype": "float32"})
    (tmp_path / "weights.bin").write_bytes((tmp_path / "weights.bin").read_bytes()[:-4])
    (tmp_path / "model.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="buffer is smaller"):
        program(tmp_path).rebuilt(keras)


def refused() -> dict[str, Callable[[Any], Any]]:
    """What TensorFlow.js 1.3.1 has nothing for, made of pictures."""
    from keras import layers, ops

    return {
        "gelu": layers.Activation("gelu"),
        "Conv2D": layers.Conv2D(3, 3, groups=3),
        "ReLU": layers.ReLU(negative_slope=0.1),
        "LeakyReLU": layers.LeakyReLU(),
        "Log": ops.log,
    }


def test_what_it_has_nothing_for_is_refused_with_a_sentence(tmp_path: Path) -> None:
    import keras

    from core.models import tensorflow_js
    from core.models.flattening import NoSuchLayerError

    for name, step in refused().items():
        picture = keras.Input((8, 8, 3))
        with pytest.raises(NoSuchLayerError, match=r"^TensorFlow\.js has nothing for its step \w+ \(") as raised:
            tensorflow_js.write(keras.Model(picture, step(picture)), tmp_path / "model.json")
        assert name in str(raised.value) or name == "gelu"
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("side", [24, 64, 260])
def test_pictures_are_scaled_inside_as_by_pillow(side: int) -> None:
    from core.models import tensorflow_js

    values = np.random.default_rng(0).uniform(-1, 1, (224, 224)).astype(np.float32)
    shares = tensorflow_js.shares(224, side)
    wanted = Image.fromarray(values).resize((side, side), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(shares.T @ values @ shares, np.asarray(wanted), atol=1e-5)
