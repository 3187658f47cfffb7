"""A Keras model as an HDF5 file: it opens in Keras 3 and in Keras 2, and answers the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from core.config.backbones import get_backbone

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

IN_KERAS_2 = """
import sys
import numpy as np
import tf_keras
for name in sys.argv[1:]:
    model = tf_keras.models.load_model(f"{name}.h5", compile=False)
    model.run_eagerly = True  # a graph takes longer to make than to be asked once
    np.save(f"{name}.said.npy", model.predict(np.load(f"{name}.npy"), verbose=0))
"""


def with_head(*extractors: Any) -> Any:
    """A classifier of four classes whose answers are well apart."""
    from core.models.frozen import classifier

    kernel = np.random.default_rng(0).normal(size=(sum(one.output_shape[1] for one in extractors), 4))
    return classifier(extractors, kernel.astype(np.float32) * 0.05, np.zeros(4, np.float32))


def packaged(**options: bool) -> Any:
    from core.models.feature_extractor import ExtractorSpec, build_extractor

    return build_extractor(ExtractorSpec(get_backbone("efficientnet-lite0"), 64, True, **options))


def application(name: str) -> Any:
    from core.models import applications

    return applications.features(applications.network(get_backbone(name), 64), "network", multi_level=True)


def from_scratch() -> Any:
    import keras

    from core.config.network import NETWORKS
    from core.models.scratch import build_network
    from core.training import fit

    return fit.with_softmax(build_network(NETWORKS["small-cnn"], 32, 4, 0.2, keras.regularizers.L1L2(0.1, 0.1)))


def stacked() -> Any:
    from core.training import ensemble_worker

    kernel = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32) * 5
    return ensemble_worker.stacked([from_scratch(), from_scratch()], kernel, np.zeros(4, np.float32))


def averaged() -> Any:
    from core.training.ensemble_worker import joined

    return joined([from_scratch(), from_scratch()], [0.3, 0.7])


def steps_that_are_no_layers() -> Any:
    """As MobileNetV3 has them."""
    import keras

    picture = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 32, offset=-4)(picture)
    x = (keras.layers.Activation("hard_silu")(x) + 0.5) * 0.7
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, activation="silu")(x))
    return keras.Model(picture, keras.layers.Softmax()(keras.layers.Dense(4)(x)))


MODELS: dict[str, Callable[[], Any]] = {
    "averaged": averaged,
    "stacked": stacked,
    "all features, mirrored": lambda: with_head(packaged(deviations=True, expanded=True, mirrored=True)),
    "steps that are no layers": steps_that_are_no_layers,
}
LARGE: dict[str, Callable[[], Any]] = {
    "two networks": lambda: with_head(packaged(mirrored=True), packaged()),
    "layer scale": lambda: with_head(application("convnext-tiny")),
}


@pytest.mark.slow
@pytest.mark.parametrize("models", [MODELS, pytest.param(LARGE, marks=pytest.mark.thorough)], ids=["small", "large"])
def test_they_answer_the_same_in_keras_3_and_keras_2(models: dict[str, Callable[[], Any]], tmp_path: Path) -> None:
    import keras

    from core.models import keras_hdf5

    keras.utils.set_random_seed(3)
    wanted = {}
    for name, make in models.items():
        model, file = make(), tmp_path / f"{name}.h5"
        pictures = np.random.default_rng(2).integers(0, 256, (4, *model.input_shape[1:])).astype(np.float32)
        np.save(tmp_path / f"{name}.npy", pictures)
        model.run_eagerly = True
        wanted[name], weights = model.predict(pictures, verbose=0), model.get_weights()
        assert wanted[name].std(axis=0).max() > 0.001, name  # else to answer the same were no art
        keras_hdf5.write(model, file)
        again = keras.models.load_model(file, compile=False)
        again.run_eagerly = True
        np.testing.assert_allclose(again.predict(pictures, verbose=0), wanted[name], atol=1e-5, err_msg=name)
        for before, after in zip(weights, model.get_weights(), strict=True):
            np.testing.assert_array_equal(before, after)  # it is used for other files, too
    pytest.importorskip("tf_keras", reason="Keras 2 is not installed")
    command = [sys.executable, "-c", IN_KERAS_2, *models]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for name, answers in wanted.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.said.npy"), answers, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_its_description_has_no_words_of_keras_3(tmp_path: Path) -> None:
    from core.models import keras_hdf5

    keras_hdf5.write(averaged(), tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5") as file:
        text = str(file.attrs["model_config"])
    assert not [word for word in ("module", "DTypePolicy", "batch_shape", "__keras_tensor__") if word in text]
    assert text.count("Functional") == 1  # no model inside it
    assert json.loads(text)["config"]["input_layers"] == [["picture", 0, 0]]


@pytest.mark.slow
def test_what_keras_2_has_nothing_for_is_refused(tmp_path: Path) -> None:
    import keras

    from core.models import keras_hdf5
    from core.models.saved import softened

    with pytest.raises(TypeError, match="Keras 2 has nothing for"):
        keras_hdf5.write(softened(averaged(), 2.0), tmp_path / "model.h5")
    picture = keras.Input((8, 8, 3))
    other = keras.Model(picture, keras.layers.Activation("hard_sigmoid")(picture))  # means another thing there
    with pytest.raises(TypeError, match="Activation"):
        keras_hdf5.write(other, tmp_path / "model.h5")
    assert not (tmp_path / "model.h5").exists()
