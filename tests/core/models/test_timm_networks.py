"""Networks whose weights timm has converted, HGNetV2 and MobileNetV4, with weights drawn by name: that they say what timm's own
say, that what is fetched is checked, and that they are converted, trained and fine-tuned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.backbones import BACKBONES, Backbone
from core.models import weights_store
from core.models.feature_extractor import ExtractorSpec, build_extractor, prepare
from core.system.download import DownloadError
from core.system.errors import ModelError
from tests.core.datasets.test_examples import Site
from tests.core.models import timm_reference
from tests.core.models.test_applications import put
from tests.core.models.test_hub import get, never, silent, site
from tests.core.models.timm_reference import TIMM, drawn
from tests.one_process import one_process
from tests.serving import free_port

__all__ = ["site"]


def network(name: str, tensors: Any = drawn, pixels: int = timm_reference.PIXELS) -> Any:
    from core.models import hgnet, mobilenet_v4

    make = {"hgnet": hgnet.network, "mobilenet-v4": mobilenet_v4.network}[BACKBONES[name].source]
    return make(BACKBONES[name], pixels, tensors, multi_level=True)


def arrays_of(name: str) -> dict[str, np.ndarray]:
    """All tensors that a network asks for, and some that it does not need, as the real files have them."""
    asked = {"head.fc.bias": np.zeros(1000, np.float32), "stem.bn.num_batches_tracked": np.array(7)}

    def noting(tensor: str, shape: tuple[int, ...]) -> np.ndarray:
        asked[tensor] = drawn(tensor, shape)
        return asked[tensor]

    network(name, noting, 64)
    return asked


def file_of(arrays: dict[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save(arrays)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A weights file of each family, made once."""
    folder = tmp_path_factory.mktemp("weights")

    def file(name: str) -> Path:
        place = folder / f"{name}.safetensors"
        if not place.exists():
            place.write_bytes(file_of(arrays_of(name)))
        return place

    return file


def served(name: str, site: Site) -> Backbone:
    """A network of the table whose file a server of ours has, where the real one would have it."""
    return replace(BACKBONES[name], handle=f"{site.url}/resolve/main/model.safetensors")


def answers(name: str) -> tuple[Any, list[np.ndarray]]:
    """Ours, and what it says of the pictures, by stages."""
    model = network(name)
    widths = [tensor.shape[-1] for tensor in model.get_layer("features").input]
    said = np.asarray(model(timm_reference.pictures().astype(np.float32)))
    return model, np.split(said, np.cumsum(widths)[:-1], axis=1)


def check_same(said: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for ours, theirs in zip(said, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())
        assert np.abs(theirs[0] - theirs[1]).max() > 0.02 * np.abs(theirs).max()  # which tells pictures apart


def learned_by(model: Any) -> int:
    """Weights as timm counts them: without the statistics of batch normalisation, with the two numbers of each learnable affine
    block, which are settings here."""
    learned = [weight for weight in model.weights if not weight.path.endswith(("moving_mean", "moving_variance"))]
    affine = [layer for layer in model.layers if layer.name.endswith("_affine")]
    return sum(int(np.prod(weight.shape)) for weight in learned) + 2 * len(affine)


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_they_say_what_timm_says_and_the_table_is_true(name: str) -> None:
    from core.models.loading import blocks

    told = json.loads(timm_reference.FILE.read_text(encoding="utf-8"))[name]
    model, said = answers(name)
    check_same([timm_reference.some(each) for each in said], [np.array(each) for each in told["features"]])
    assert learned_by(model) == told["parameters"]
    backbone = BACKBONES[name]
    assert model.count_params() == backbone.parameters
    assert not model.trainable_weights
    divided = [layer for block in blocks(model) for layer in block]
    assert len(blocks(model)) > 5
    assert {id(layer) for layer in divided} == {id(layer) for layer in model.layers if layer.weights}
    assert all(layer.name.startswith("head") for layer in blocks(model)[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_they_say_what_timm_says_where_it_is_installed(name: str) -> None:
    pytest.importorskip("timm", reason="timm is not installed: its answers that are kept are compared instead")
    expected, parameters = timm_reference.timms_own(name)
    check_same(answers(name)[1], expected)
    told = json.loads(timm_reference.FILE.read_text(encoding="utf-8"))[name]
    assert parameters == told["parameters"]
    check_same([timm_reference.some(each) for each in expected], [np.array(each) for each in told["features"]])


def test_the_table_tells_where_they_come_from() -> None:
    rows = [backbone for backbone in BACKBONES.values() if backbone.source in ("hgnet", "mobilenet-v4")]
    assert {backbone.name for backbone in rows} == {*TIMM, "mobilenet-v4-medium-384"}
    for backbone in rows:
        assert backbone.handle.startswith("https://huggingface.co/timm/")
        assert backbone.licence == "Apache-2.0"
        assert backbone.megabytes > backbone.parameters * 4 / 1e6  # the classifier comes along
    assert len({weights_store.place_of(backbone) for backbone in rows}) == len(rows)


def check_converted(name: str, inside: int) -> None:
    """That the converted network says what it says in Keras, of stages and, by so many channels, from inside of blocks."""
    from ai_edge_litert.interpreter import Interpreter

    spec = ExtractorSpec(BACKBONES[name], 64, multi_level=True, expanded=True)
    picture = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    theirs = np.asarray(build_extractor(spec)(picture))
    assert theirs.shape[1] == network(name, pixels=64).output_shape[1] + inside
    interpreter = Interpreter(str(prepare(spec)))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    ours = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.slow
def test_a_converted_one_says_the_same(files: Callable[[str], Path], own_home: Path) -> None:
    put(BACKBONES["mobilenet-v4-medium"], files("mobilenet-v4-medium"))
    check_converted("mobilenet-v4-medium", 640 + 1024)


# What is fetched


TINY = {"head.fc.bias": np.arange(1000, dtype=np.float32)}


@pytest.mark.parametrize("told", [True, False])
def test_what_comes_is_checked_and_remembered(site: Site, own_home: Path, told: bool) -> None:
    site.content, backbone = file_of(TINY), served("hgnetv2-b1", site)
    digest = hashlib.sha256(site.content).hexdigest()
    site.mood, site.linked = ("linked", digest) if told else ("good", "")
    assert weights_store.checksum_of(backbone) is None
    place = get(backbone, silent, never)
    assert place == own_home / "weights" / "hgnetv2-b1.safetensors" == weights_store.place_of(BACKBONES["hgnetv2-b1"])
    assert place.read_bytes() == site.content
    assert weights_store.checksum_of(backbone) == weights_store.Checksum(digest, "publisher" if told else "here")
    assert weights_store.check_weights(backbone) == place
    assert sorted(path.name for path in place.parent.iterdir() if not path.name.startswith(".")) == [
        "hgnetv2-b1.safetensors",
        "hgnetv2-b1.safetensors.json",
    ]
    place.write_bytes(file_of({"head.fc.bias": np.zeros(1000, np.float32)}))
    with pytest.raises(ModelError, match="checksum") as caught:
        weights_store.check_weights(backbone)
    assert "hgnetv2-b1.safetensors.json" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "told", "said"),
    [
        (file_of(TINY)[:-1], True, "checksum .SHA-256. differs"),
        (file_of(TINY)[:-1], False, "not a model, or is damaged"),
        (file_of({}) + b"more", True, "checksum .SHA-256. differs"),
        (b"PK\x03\x04" * 900, False, "not a model, or is damaged"),
        (b"<html>Please log in</html>", True, "web page"),
    ],
    ids=["short", "short, nothing told", "another", "no safetensors", "login"],
)
def test_what_is_wrong_is_a_sentence_and_not_kept(
    site: Site, own_home: Path, content: bytes, told: bool, said: str
) -> None:
    site.content, backbone = content, served("hgnetv2-b1", site)
    site.mood, site.linked = "linked", hashlib.sha256(file_of(TINY)).hexdigest() if told else "no checksum"
    with pytest.raises((DownloadError, ModelError), match=said) as caught:
        get(backbone, silent, never, pauses=())
    assert caught.value.hint
    assert not weights_store.is_here(backbone)
    assert weights_store.checksum_of(backbone) is None
    site.content = file_of(TINY)
    assert get(backbone, silent, never)


def test_without_the_internet_it_says_so(own_home: Path) -> None:
    backbone = replace(BACKBONES["hgnetv2-b1"], handle=f"http://127.0.0.1:{free_port()}/model.safetensors")
    with pytest.raises(DownloadError, match="offline"):
        get(backbone, silent, never, pauses=(600,))


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["missing", "no floats", "shape"])
def test_the_weights_of_another_network_are_thrown_away(site: Site, own_home: Path, wrong: str) -> None:
    from core.models.loading import build

    arrays = {"stem.stem1.conv.weight": np.zeros((24, 3, 3, 3), np.float32)}
    if wrong != "missing":
        arrays["stem.stem1.bn.weight"] = np.zeros(25, np.float32 if wrong == "shape" else np.int64)
    said = "it has no numbers called stem.stem1.bn.weight"
    if wrong == "shape":
        said = r"its stem.stem1.bn.weight has the shape \(25,\), not \(24,\)"
    site.content, backbone = file_of(arrays), served("hgnetv2-b1", site)
    place = get(backbone, silent, never)
    assert place is not None
    with pytest.raises(ModelError, match=said) as caught:
        build(backbone, pixels=64, multi_level=True)
    assert "thrown away" in caught.value.hint
    assert not weights_store.is_here(backbone)
    place.write_bytes(site.content)  # by a person
    with pytest.raises(ModelError, match=said) as caught:
        build(backbone, pixels=64, multi_level=True)
    assert "Delete it" in caught.value.hint
    assert place.read_bytes() == site.content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "inside"),
    [("hgnetv2-b1", 0), pytest.param("mobilenet-v4-medium", 640 + 1024, marks=pytest.mark.thorough)],
)
def test_a_fetched_one_learns_frozen_and_fine_tuned(
    name: str, inside: int, site: Site, files: Callable[[str], Path], own_home: Path, tmp_path: Path
) -> None:
    """With the file that came from a server; frozen, in the real worker."""
    from core import Project, train
    from tests.core.training.test_recipes_run import largest_difference, small
    from tests.pictures import COLOURS, flat_project

    site.content, site.mood = files(name).read_bytes(), "linked"
    site.linked = hashlib.sha256(site.content).hexdigest()
    assert get(served(name, site), silent, never)
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=6))
    frozen = small("quick", backbone=name, pixels=64)
    run = train(project, frozen)
    check_converted(name, inside)  # by the file that the worker made
    assert run.snapshot().as_dict()["parameters"] > BACKBONES[name].parameters
    assert largest_difference(run) < 1e-3
    changes = {"fine_tune": "last", "fine_tune_blocks": 2, "fine_tune_epochs": 1}
    with one_process():
        tuned = train(project, frozen.model_copy(update=changes))
    assert len(tuned.snapshot().history) == len(run.snapshot().history) + 1
    assert largest_difference(tuned) < 1e-3
