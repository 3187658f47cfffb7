from __future__ import annotations

import hashlib
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from core.config.backbones import BACKBONES, REFERENCE, SCRATCH, TABLE, Backbone, get_backbone, read_table
from core.config.changes import with_changes
from core.config.estimate import seconds
from core.config.training import TrainConfig
from core.models import weights_store
from core.models.feature_extractor import ExtractorSpec, prepare
from core.models.torch_weights import read_weights
from core.system.errors import ConfigError, ModelError
from tests.pages.test_pages import visit


def test_an_unknown_backbone_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="efficientnet-lite0"):
        get_backbone("nothing")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/fieldguide-was-fooled",)


def test_a_weights_file_cannot_run_code(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"".join(pickle.dumps(part) for part in (0x1950A86A20F9469CFC6C, 1001, {}, Evil(), [])))
    with pytest.raises(ModelError, match="plain weights never need"):
        read_weights(file, hashlib.sha256(file.read_bytes()).hexdigest())


def test_a_changed_weights_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"anything")
    with pytest.raises(ModelError, match="damaged"):
        read_weights(file, "0" * 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, backbone in BACKBONES.items() if backbone.source == "packaged"])
def test_the_table_says_what_is_true(name: str) -> None:
    from core.models.efficientnet_lite import build

    backbone = BACKBONES[name]
    model = build(backbone, multi_level=True)
    assert model.count_params() == backbone.parameters
    assert model.input_shape[1:] == (backbone.input_pixels, backbone.input_pixels, 3)
    assert not model.trainable_weights
    assert backbone.megabytes == pytest.approx(backbone.parameters * 4 / 1e6, abs=0.1)


@pytest.mark.slow
def test_lite0_knows_what_imagenet_taught_it() -> None:
    """With the classifier that lies in the same weights file, a photo of a temple is called a temple."""
    from sklearn.datasets import load_sample_images

    from core.models import efficientnet_lite

    temple = load_sample_images().images[0]
    side = min(temple.shape[:2])
    left = (temple.shape[1] - side) // 2
    from PIL import Image

    square = np.asarray(Image.fromarray(temple[:side, left : left + side]).resize((224, 224)))
    weights = efficientnet_lite.weights_of(BACKBONES["efficientnet-lite0"])
    features = efficientnet_lite.build(BACKBONES["efficientnet-lite0"], multi_level=False)(
        square[None].astype(np.float32)
    )
    logits = np.asarray(features)[0] @ weights["_fc.weight"].T + weights["_fc.bias"]
    palace, monastery, mosque, stupa = 698, 663, 668, 832
    assert logits.argmax() in (palace, monastery, mosque, stupa)


@pytest.mark.slow
def test_litert_features_are_those_of_keras() -> None:
    from ai_edge_litert.interpreter import Interpreter

    from core.models.efficientnet_lite import build

    backbone = BACKBONES["efficientnet-lite0"]
    interpreter = Interpreter(str(prepare(ExtractorSpec(backbone, 224, multi_level=True))))
    interpreter.allocate_tensors()
    picture = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    ours = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    theirs = np.asarray(build(backbone, multi_level=True)(picture))
    assert ours.shape == (1, 2024)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_preparing_twice_loads_nothing(trained: object) -> None:
    import subprocess

    code = (
        "import sys; from core.config.training import TrainConfig; "
        "from core.models.feature_extractor import prepare, specs_of; "
        "prepare(specs_of(TrainConfig())[0]); print('tensorflow' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.fixture
def fern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """One more row in the table, of a source that there was not before."""
    row = {
        "name": "fern-1", "title": "Fern One", "source": "ferns", "network": "small", "input_pixels": "64",
        "parameters": "28", "megabytes": "1", "milliseconds": "200", "good_for": "shade and moss",
    }  # fmt: skip
    table = tmp_path / "backbones.csv"
    header = TABLE.read_text(encoding="utf-8").splitlines()[0].split(",")
    table.write_text(TABLE.read_text(encoding="utf-8") + ",".join(row.get(name, "") for name in header) + "\n")
    found = read_table(table)
    assert [*found] == [*BACKBONES, "fern-1"]
    monkeypatch.setitem(BACKBONES, "fern-1", found["fern-1"])
    return found["fern-1"]


def test_a_new_row_is_on_the_page_in_settings_and_in_estimates(fern: Backbone, colours: Path) -> None:
    at = visit("pages/2_Configure.py", colours)
    [models] = [box for box in at.selectbox if "Fern One: shade and moss" in box.options]
    models.set_value("fern-1").run()
    assert not at.exception
    assert any("Fern One: 0.0 million weights, is made for 64 x 64 pixels." in caption.value for caption in at.caption)
    config = with_changes(TrainConfig(), ["backbone=fern-1"])
    assert config.input_pixels == 64
    assert seconds(config, 1000) > 10 * (seconds(TrainConfig(), 1000) - 8)
    with pytest.raises(ConfigError, match="fern-1"):
        get_backbone("fern-2")
    assert weights_store.is_here(fern)
    assert weights_store.fetch(fern, lambda *_: None, lambda: False) is None


@pytest.mark.slow
def test_a_new_source_is_one_loader(fern: Backbone, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from core.models import loading

    def grow(backbone: Backbone, pixels: int, *, multi_level: bool) -> keras.Model:
        picture = keras.Input((pixels, pixels, 3))
        features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(7, 1)(picture))
        return keras.Model(picture, features, name=backbone.network, trainable=False)

    monkeypatch.setitem(loading.LOADERS, "ferns", grow)
    spec = ExtractorSpec(fern, 64, multi_level=True)
    file = prepare(spec)
    assert file is not None
    assert spec.ready
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file))
    assert interpreter.get_output_details()[0]["shape"].tolist() == [1, 7]


@pytest.mark.slow
def test_another_of_keras_applications_is_only_a_row() -> None:
    from core.models.applications import features, network

    row = Backbone("mobilenet", "MobileNet", "applications", 224, 0, 0.0, "", network="MobileNet", pixel_range="signed")
    model = features(network(row, 64), "mobilenet", multi_level=False)
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 1024)


@pytest.mark.slow
def test_stages_of_efficientnet_lite_follow_from_its_width_and_depth() -> None:
    from core.models.efficientnet_lite import stages_of

    assert stages_of(BACKBONES[REFERENCE].network) == ((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320))
    assert stages_of("1.0 x 1.1") == ((1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320))
    assert stages_of("1.1 x 1.2") == ((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352))


@pytest.mark.slow
def test_every_row_has_what_builds_it() -> None:
    from core.config.network import NETWORKS
    from core.models.loading import LOADERS

    for name, backbone in BACKBONES.items():
        if backbone.source == SCRATCH:
            assert name in NETWORKS
        else:
            assert backbone.source in LOADERS
        assert (backbone.milliseconds > 0) == (backbone.source in ("packaged", "hgnet", "mobilenet-v4"))
