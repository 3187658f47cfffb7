from __future__ import annotations

import hashlib
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from core.config.backbones import BACKBONES, get_backbone
from core.models.feature_extractor import ExtractorSpec, prepare
from core.models.torch_weights import read_weights
from core.system.errors import ConfigError, ModelError


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
    weights = efficientnet_lite._weights("lite0")
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
