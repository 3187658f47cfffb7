"""Networks of Keras Applications, with random weights: what they say of themselves, their pixel ranges, their weights files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.backbones import BACKBONES, Backbone, get_backbone
from core.models import weights_store
from core.system.download import DownloadError
from core.system.errors import ModelError
from tests.core.datasets.test_examples import Site
from tests.core.models.test_hub import get, never, silent, site

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

__all__ = ["site"]

NAMES = [name for name, backbone in BACKBONES.items() if backbone.source == "applications"]
OTHER_SIZES = [name for name in NAMES if name[-2:] in ("b1", "b2", "b3", "-s")]
ALWAYS = ("mobilenet-v2", "mobilenet-v3-small", "vgg16")
"""Small ones, one for each way in which the pixels are prepared."""
THOROUGHLY = [pytest.param(name, marks=pytest.mark.thorough) for name in NAMES if name not in (*ALWAYS, *OTHER_SIZES)]
PIXELS = 96


def their_own(name: str) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
    """What Keras itself has for a network: how it is made, and how it is to be given pixels."""
    from keras import applications

    found = {
        "mobilenet-v2": ("MobileNetV2", "mobilenet_v2"),
        "mobilenet-v3-small": ("MobileNetV3Small", "mobilenet_v3"),
        "mobilenet-v3-large": ("MobileNetV3Large", "mobilenet_v3"),
        "resnet50": ("ResNet50", "resnet50"),
        "inception-v3": ("InceptionV3", "inception_v3"),
        "vgg16": ("VGG16", "vgg16"),
        "xception": ("Xception", "xception"),
        "densenet121": ("DenseNet121", "densenet"),
        "convnext-tiny": ("ConvNeXtTiny", "convnext"),
    }
    make, module = found.get(name, (f"EfficientNetV2{name.rpartition('-')[2].upper()}", "efficientnet_v2"))
    return getattr(applications, make), getattr(applications, module).preprocess_input


def pictures(count: int, pixels: int = PIXELS) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, pixels, pixels, 3)).astype(np.float32)


def weights_file(name: str, folder: Path) -> tuple[Path, Any]:
    """A file of random weights in the old HDF5 layout, as the real ones have it, and the network of Keras that it is from."""
    import keras

    make, _ = their_own(name)
    keras.utils.set_random_seed(7)
    network = make(include_top=False, weights=None, input_shape=(PIXELS, PIXELS, 3))
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / "random.h5")
    return folder / "random.h5", network


def with_file(name: str, file: Path, url: str = "https://nowhere.invalid/random.h5") -> Backbone:
    return replace(BACKBONES[name], handle=url, checksum=hashlib.md5(file.read_bytes()).hexdigest())


def put(backbone: Backbone, file: Path) -> Backbone:
    place = weights_store.place_of(backbone)
    assert place is not None
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(file.read_bytes())
    return backbone


def test_the_table_knows_what_keras_knows() -> None:
    assert len(NAMES) == 14
    for name in NAMES:
        backbone = BACKBONES[name]
        assert backbone.handle.startswith("https://storage.googleapis.com/tensorflow/keras-applications/")
        assert backbone.handle.endswith(("notop.h5", "no_top.h5", "no_top_v2.h5"))
        assert weights_store.trusted(backbone)
        if name == "mobilenet-v2":  # of which Keras keeps no checksum
            assert backbone.checksum == ""
        else:
            assert len(bytes.fromhex(backbone.checksum)) in (16, 32)


def check_table(backbone: Backbone, model: Any, channels: int) -> None:
    """What the table says of a network is so. `channels`: of its last layer."""
    from core.models.loading import blocks

    assert backbone.megabytes == pytest.approx(backbone.parameters * 4 / 1e6, abs=0.1)
    assert model.input_shape == (None, PIXELS, PIXELS, 3)
    assert not model.trainable_weights
    assert not any(layer.name.startswith("_") for layer in model.layers)
    averages = [tensor.shape[-1] for tensor in model.get_layer("features").input]
    assert len(averages) in (3, 4)
    assert averages[-1] == channels
    assert model.output_shape[-1] == sum(averages)
    divided = blocks(model)
    assert len(divided) >= 5
    everything = [layer for block in divided for layer in block]
    assert sum(layer.count_params() for layer in everything) == backbone.parameters
    assert len({layer.name for layer in everything}) == len(everything)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ALWAYS, *THOROUGHLY])
def test_the_table_is_true_and_pixels_are_prepared_as_keras_does_it(name: str, own_home: Path, tmp_path: Path) -> None:
    """Through the whole way: a weights file of Keras' own network, loaded into ours, gives the same features."""
    from core.models.loading import build

    file, theirs = weights_file(name, tmp_path / "files")
    _, prepare = their_own(name)
    ours = build(put(with_file(name, file), file), pixels=PIXELS, multi_level=True)
    check_table(BACKBONES[name], ours, theirs.output_shape[-1])
    expected = np.asarray(theirs(prepare(pictures(2).copy()))).mean(axis=(1, 2))
    found = np.asarray(ours(pictures(2)))[:, -expected.shape[1] :]  # the last stage comes last
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1.0, np.abs(expected).max()))
    assert np.abs(expected).max() > 0


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("name", OTHER_SIZES)
def test_the_table_is_true_of_those_that_differ_in_size_only(name: str) -> None:
    from core.models.applications import features, network

    core = network(BACKBONES[name], PIXELS)
    check_table(BACKBONES[name], features(core, "model", multi_level=True), core.output.shape[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet-v3-small"])
def test_it_is_tuned_saved_and_converted(name: str, own_home: Path, tmp_path: Path) -> None:
    import keras
    from ai_edge_litert.interpreter import Interpreter

    from core.models.litert_conversion import to_tflite
    from core.models.loading import blocks, build

    file, _ = weights_file(name, tmp_path / "files")
    backbone = build(put(with_file(name, file), file), pixels=PIXELS, multi_level=True)
    joined = keras.Model(backbone.input, keras.layers.Dense(2, name="logits")(backbone.output))
    for layer in blocks(backbone)[-1]:
        layer.trainable = True
    tuned = {variable.path for variable in joined.trainable_variables}
    assert 2 < len(tuned) < len(joined.variables) / 4
    before = {variable.path: variable.numpy().copy() for variable in joined.trainable_variables}
    joined.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    joined.fit(pictures(4), np.array([0, 1, 0, 1]), epochs=1, verbose=0)
    assert any(np.abs(variable.numpy() - before[variable.path]).max() > 0 for variable in joined.trainable_variables)
    joined.save(tmp_path / "joined.keras")
    again = keras.models.load_model(tmp_path / "joined.keras")
    ours = joined.predict(pictures(1), verbose=0)
    np.testing.assert_allclose(again.predict(pictures(1), verbose=0), ours, atol=1e-5)
    interpreter = Interpreter(model_content=to_tflite(again))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pictures(1))
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), ours, atol=1e-4)


def test_the_packaged_network_has_blocks_and_sizes_too() -> None:
    from core.models.loading import blocks, build

    model = build(BACKBONES["efficientnet-lite0"], pixels=64, multi_level=True)
    assert model.input_shape == (None, 64, 64, 3)
    divided = blocks(model)
    assert len(divided) == 18
    assert [layer.name for layer in divided[-1]] == ["head", "head_bn"]
    assert all(layer.name.startswith("block15_") for layer in divided[-2])


def test_what_has_no_weights_is_said() -> None:
    from core.models.loading import build

    with pytest.raises(ModelError, match="no weights"):
        build(BACKBONES["tutorial-cnn"], pixels=64, multi_level=False)


def test_a_picture_that_is_too_small_is_said() -> None:
    from core.models.applications import network

    with pytest.raises(ModelError, match="as small as 32"):
        network(BACKBONES["inception-v3"], 32)


@pytest.fixture(scope="module")
def random_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights_file("mobilenet-v3-small", tmp_path_factory.mktemp("weights"))[0]


def test_weights_are_fetched_once(site: Site, own_home: Path, random_file: Path) -> None:
    from core.models.loading import build

    site.content = random_file.read_bytes()
    backbone = with_file("mobilenet-v3-small", random_file, f"{site.url}.h5")
    assert not weights_store.is_here(backbone)
    with pytest.raises(ModelError, match="not on this computer"):
        build(backbone, pixels=PIXELS, multi_level=False)
    place = get(backbone, silent, never)
    assert place is not None
    assert place.read_bytes() == site.content
    assert get(backbone, silent, never) == place
    assert len(site.asked) == 1
    assert weights_store.is_here(backbone)
    assert build(backbone, pixels=PIXELS, multi_level=False).output_shape == (None, 576)


@pytest.mark.parametrize(
    ("mood", "said"),
    [("wrong", "checksum"), ("html", "web page"), ("404", "not at its address"), ("cut", "broke off")],
)
def test_wrong_weights_are_never_kept(site: Site, own_home: Path, random_file: Path, mood: str, said: str) -> None:
    site.content, site.mood, site.cuts = random_file.read_bytes(), mood, 99
    backbone = with_file("mobilenet-v3-small", random_file, f"{site.url}.h5")
    with pytest.raises(DownloadError, match=said):
        get(backbone, silent, never, pauses=())
    assert not weights_store.is_here(backbone)
    site.mood = "good"
    assert get(backbone, silent, never)


def test_without_a_checksum_it_must_at_least_be_weights(site: Site, own_home: Path, random_file: Path) -> None:
    site.content, site.mood = random_file.read_bytes(), "wrong"
    backbone = replace(with_file("mobilenet-v3-small", random_file, f"{site.url}.h5"), checksum="")
    with pytest.raises(ModelError, match="not a model"):
        get(backbone, silent, never)
    assert not weights_store.is_here(backbone)


def test_a_file_put_there_by_hand_is_used_if_it_is_the_right_one(own_home: Path, random_file: Path) -> None:
    from core.models.loading import build

    right = put(with_file("mobilenet-v3-small", random_file), random_file)
    assert get(right, silent, never) == weights_store.place_of(right)
    assert build(right, pixels=PIXELS, multi_level=True).output_shape == (None, 744)
    wrong = replace(right, checksum="0" * 32)
    for refuse in (lambda: get(wrong, silent, never), lambda: build(wrong, pixels=PIXELS, multi_level=False)):
        with pytest.raises(ModelError, match="checksum"):
            refuse()
    other = put(with_file("mobilenet-v2", random_file), random_file)  # the weights of another network
    with pytest.raises(ModelError, match="does not hold the weights"):
        build(other, pixels=PIXELS, multi_level=False)


def test_the_others_have_nothing_to_fetch() -> None:
    for name in ("efficientnet-lite0", "tutorial-cnn"):
        backbone = get_backbone(name)
        assert weights_store.is_here(backbone)
        assert get(backbone, silent, never) is None
