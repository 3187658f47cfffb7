"""Modules of TensorFlow Hub: fetched from a server of our own that can behave badly, loaded in each shape that they come in."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.backbones import BACKBONES, Backbone, get_backbone
from core.models import weights_store
from core.system import download
from core.system.errors import ConfigError, FieldguideError, ModelError
from core.system.tasks.job import Stopped
from tests.core.datasets.test_examples import Site, handler_of
from tests.serving import free_port

# Keras 3.15 saves variables in a way that NumPy 2 warns of; nothing of ours is in between.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PIXELS = 32


def silent(*_: int) -> None:
    pass


def never() -> bool:
    return False


get = partial(weights_store.fetch, timeout=5.0, pauses=(0, 0))


def packed(files: dict[str, bytes], *links: tuple[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    site = Site(packed({"./saved_model.pb": b"graph" * 9000, "./variables/variables.index": os.urandom(40_000)}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(site))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}/google/small/feature_vector/1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield site
    site.patience.set()
    server.shutdown()
    server.server_close()


def allowed(place: str | Path) -> Backbone:
    backbone = get_backbone(f"hub:{place}#{PIXELS}")
    weights_store.trust(backbone)
    return backbone


def left(home: Path) -> set[str]:
    """What lies in the cache, without the locks and what a next try goes on with."""
    return {path.name for path in (home / "hub").glob("*") if ".part" not in path.name and path.suffix != ".lock"}


# The table and names


def test_the_fifty_modules_are_in_the_table() -> None:
    modules = [backbone for backbone in BACKBONES.values() if backbone.source == "hub"]
    assert len(modules) == len({backbone.handle for backbone in modules}) == 50
    assert all(backbone.handle.startswith("https://tfhub.dev/") for backbone in modules)
    assert all(weights_store.trusted(backbone) and not weights_store.is_here(backbone) for backbone in modules)
    assert get_backbone("hub-mobilenet_v2_100_224").input_pixels == 224
    assert get_backbone("hub-efficientnet_b7").input_pixels == 600


def test_any_other_module_can_be_named(tmp_path: Path) -> None:
    far = get_backbone("hub:https://tfhub.dev/google/aiy/vision/classifier/birds_V1/1")
    assert (far.handle, far.input_pixels) == ("https://tfhub.dev/google/aiy/vision/classifier/birds_V1/1", 224)
    assert far.title == "birds_V1 (Hub)"
    near = get_backbone(f"hub:{tmp_path}/#96")
    assert (near.handle, near.input_pixels) == (str(tmp_path), 96)


@pytest.mark.parametrize(
    "nonsense",
    ["", "#224", "module", "../module", "http://example.org/module", "ftp://example.org/m", "https://", "https://a b/c",
     "https://me:secret@example.org/m", "file:///etc", "/x\ny", "https://example.org/m#0", "https://example.org/m#99999",
     "https://example.org/m#-5", "https://example.org/m#²"],
)  # fmt: skip
def test_nonsense_is_no_module(nonsense: str) -> None:
    with pytest.raises(ConfigError) as caught:
        get_backbone(f"hub:{nonsense}")
    assert caught.value.hint


# Fetching


def test_a_module_is_fetched_once(site: Site, own_home: Path) -> None:
    backbone = allowed(site.url)
    assert not weights_store.is_here(backbone)
    told: list[tuple[int, int]] = []
    place = get(backbone, lambda done, total: told.append((done, total)), never)
    assert place is not None
    assert (place / "variables" / "variables.index").stat().st_size == 40_000
    assert weights_store.is_here(backbone)
    assert told[-1][0] <= told[-1][1] == len(site.content)
    assert get(backbone, silent, never) == place
    assert len(site.asked) == 1
    assert left(own_home) == {place.name}
    assert list(own_home.glob("hub/*.part*")) == []


@pytest.mark.parametrize("folder", ["", "module/"])
def test_an_archive_may_hold_a_folder(site: Site, own_home: Path, folder: str) -> None:
    site.content = packed({f"{folder}saved_model.pb": b"graph"})
    place = get(allowed(site.url), silent, never)
    assert place is not None
    assert (place / "saved_model.pb").read_bytes() == b"graph"


def test_a_redirect_is_followed_and_a_cut_mended(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "cut", 1
    assert get(allowed(site.url), silent, never)
    half = len(site.content) // 2
    assert site.asked == ["", f"bytes={half}-"]
    site.mood = "moved"
    assert get(allowed(f"{site.url}2"), silent, never)


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        ("404", "not at its address any more"),
        ("403", "not given out here"),
        ("500", "trouble at the moment"),
        ("html", "web page came instead of the module"),
        ("hidden_html", "web page came instead of the module"),
        ("nothing", "broke off"),
        ("cut", "broke off"),
        ("wrong", "not a model, or is damaged"),
        ("shorter", "not a model, or is damaged"),
        ("astray", "not given out here"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_leaves_nothing(site: Site, own_home: Path, mood: str, said: str) -> None:
    site.mood, site.cuts = mood, 99
    backbone = allowed(site.url)
    with pytest.raises(FieldguideError, match=said) as caught:
        get(backbone, silent, never)
    assert caught.value.hint
    assert not weights_store.is_here(backbone)
    assert left(own_home) == set()
    site.mood = "good"
    assert get(backbone, silent, never)
    assert left(own_home) == {weights_store.module_folder(backbone.handle).name}


def test_without_a_server_it_says_offline(own_home: Path) -> None:
    with pytest.raises(download.DownloadError, match="offline"):
        get(allowed(f"http://127.0.0.1:{free_port()}/module"), silent, never, pauses=(600,))


def test_a_silent_server_is_given_up(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "hang", 99
    with pytest.raises(download.DownloadError, match="does not answer"):
        get(allowed(site.url), silent, never, timeout=0.2)


def test_a_stop_is_heard_while_the_server_is_silent(site: Site, own_home: Path) -> None:
    site.mood, site.cuts = "hang", 1
    backbone = allowed(site.url)
    with pytest.raises(Stopped):
        get(backbone, silent, site.halfway.is_set, timeout=600)
    assert left(own_home) == set()
    site.mood = "good"
    assert get(backbone, silent, never)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (packed({"saved_model.pb": b"graph", "../evil": b"x"}), "outside"),
        (packed({"saved_model.pb": b"graph", "/tmp/evil": b"x"}), "outside"),
        (packed({"saved_model.pb": b"graph", "C:\\evil": b"x"}), "outside"),
        (packed({"saved_model.pb": b"graph"}, ("variables", "/tmp")), "a link"),
        (packed({"readme.txt": b"no graph"}), "not a model"),
        (packed({}), "not a model"),
        (b"no archive" * 2000, "not a model"),
    ],
    # An archive tells the second in which it was packed: as names, two test processes would not agree on them.
    ids=["up", "root", "drive", "link", "no graph", "empty", "no archive"],
)
def test_a_strange_archive_is_refused(site: Site, own_home: Path, content: bytes, said: str) -> None:
    site.content = content
    before = {path for path in own_home.parent.rglob("*") if own_home not in path.parents}
    with pytest.raises(ModelError, match=said):
        get(allowed(site.url), silent, never)
    assert left(own_home) == set()
    assert {path for path in own_home.parent.rglob("*") if own_home not in path.parents} - {own_home} == before - {
        own_home
    }


def test_an_archive_that_grows_without_end_is_refused(
    site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_store, "MAX_BYTES", 1_000_000)
    site.content = packed({"saved_model.pb": bytes(2_000_000)})
    with pytest.raises(ModelError, match="far more"):
        get(allowed(site.url), silent, never)
    assert left(own_home) == set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_a_sentence(site: Site, own_home: Path) -> None:
    backbone = allowed(site.url)
    part = weights_store.module_folder(backbone.handle).with_suffix(".part")
    part.parent.mkdir(parents=True)
    address = f"{site.url}?tf-hub-format=compressed"
    download.storage.write_json(part.with_name(f"{part.name}.json"), {"url": address, "etag": site.etag})
    part.symlink_to("/dev/full")
    with pytest.raises(download.DownloadError, match="disk is full"):
        get(backbone, silent, never)


# Trust


def test_a_module_from_elsewhere_is_asked_for(site: Site, own_home: Path) -> None:
    backbone = get_backbone(f"hub:{site.url}")
    assert not weights_store.trusted(backbone)
    with pytest.raises(ModelError, match="can run code") as caught:
        get(backbone, silent, never)
    assert "--trust" in caught.value.hint
    assert site.asked == []
    weights_store.trust(backbone)
    weights_store.trust(backbone)
    assert weights_store.trusted(backbone)
    assert not weights_store.trusted(get_backbone(f"hub:{site.url}2"))
    assert download.storage.read_json(own_home / "trusted.json") == [site.url]


def test_a_folder_without_a_module_is_said(own_home: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no saved_model\.pb"):
        get(allowed(tmp_path), silent, never)


def test_fetching_loads_no_tensorflow() -> None:
    code = "import sys, core.models.weights_store; print({'tensorflow', 'keras'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# Loading: every shape that modules come in


def kernel() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.3, (3, 3, 3, 8)).astype(np.float32)


def with_training(folder: Path) -> None:
    """As feature_vector/5: `training` changes what happens, and lists of variables, trainable ones and penalties."""
    import tensorflow as tf

    class Module(tf.train.Checkpoint):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(kernel(), name="stem/kernel")
            self.mean = tf.Variable(tf.zeros(8), name="stem/mean")
            self.unused = tf.Variable(tf.ones(2), trainable=False, name="unused")
            self.variables = [self.kernel, self.mean, self.unused]
            self.trainable_variables = [self.kernel]
            self.regularization_losses = [self.penalty]

        @tf.function(input_signature=[])
        def penalty(self) -> Any:
            return 0.5 * tf.reduce_sum(self.kernel**2)

        @tf.function
        def __call__(self, inputs: Any, training: Any = False, batch_norm_momentum: float = 0.9) -> Any:
            found = tf.nn.conv2d(inputs, self.kernel, 2, "SAME")
            if training:
                self.mean.assign(0.5 * self.mean + 0.5 * tf.reduce_mean(found, [0, 1, 2]))
            return tf.reduce_mean(tf.nn.relu(found - self.mean), [1, 2])

    module = Module()
    for training in (True, False):
        module.__call__.get_concrete_function(tf.TensorSpec((None, None, None, 3)), training, 0.9)
    tf.saved_model.save(module, str(folder))


def without_training(folder: Path) -> None:
    """As BiT: it can be called, and knows nothing of training."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(kernel(), name="root_block/kernel")

        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
        def __call__(self, x: Any) -> Any:
            return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, self.kernel, 2, "SAME")), [1, 2])

    tf.saved_model.save(Module(), str(folder))


def of_keras(folder: Path) -> None:
    """As EfficientNet 1: a Keras model that was exported, with batch normalisation."""
    import keras

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("swish")(x))
    keras.Model(inputs, x).export(folder, verbose=False)


def signature_only(folder: Path) -> None:
    """Cannot be called, but has a signature that gives a dictionary; takes one size only."""
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable(kernel())
    size = tf.TensorSpec((None, PIXELS, PIXELS, 3), name="images")
    run = tf.function(
        lambda images: {"default": tf.reduce_mean(tf.nn.conv2d(images, module.kernel, 2, "SAME"), [1, 2])},
        input_signature=[size],
    )
    tf.saved_model.save(module, str(folder), signatures={"default": run})


def of_tensorflow_1(folder: Path) -> None:
    """The older format: a graph without tags beside one for training, the signature "default", and a mark."""
    import tensorflow as tf

    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(folder))
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.float32, (None, None, None, 3), name="images")
        weights = v1.get_variable("kernel", initializer=kernel())
        found = tf.reduce_mean(tf.nn.conv2d(images, weights, 2, "SAME"), [1, 2])
        signature = v1.saved_model.signature_def_utils.predict_signature_def({"images": images}, {"default": found})
        session.run(v1.global_variables_initializer())
        builder.add_meta_graph_and_variables(session, [], signature_def_map={"default": signature})
        builder.add_meta_graph(["train"], signature_def_map={"default": signature})
    builder.save()
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")


SHAPES = [with_training, without_training, of_keras, signature_only, of_tensorflow_1]


def told_by(folder: Path, pictures: np.ndarray) -> np.ndarray:
    """What the module gives when it is called without Keras."""
    import tensorflow as tf

    old = (folder / "tfhub_module.pb").exists()
    module = tf.saved_model.load(str(folder), tags=[] if old else None)
    inputs = tf.constant(pictures / 255)
    if not callable(module):
        signature = module.signatures.get("default") or module.signatures["serving_default"]
        found = signature(**dict.fromkeys(signature.structured_input_signature[1], inputs))
        return next(iter(found.values())).numpy()
    return (module(inputs, training=False) if folder.name == "with_training" else module(inputs)).numpy()


def numbers(variable: Any) -> np.ndarray:
    return variable.numpy().copy()


@pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
def test_a_module_works_in_keras(make: Any, own_home: Path, tmp_path: Path) -> None:
    import keras
    from ai_edge_litert.interpreter import Interpreter

    from core.models.litert_conversion import to_tflite
    from core.models.loading import blocks, build

    folder = tmp_path / make.__name__
    make(folder)
    pictures = np.random.default_rng(0).uniform(0, 255, (6, PIXELS, PIXELS, 3)).astype(np.float32)
    backbone = build(allowed(folder), pixels=PIXELS, multi_level=True)
    assert backbone.input_shape == (None, PIXELS, PIXELS, 3)
    assert not backbone.trainable_weights
    np.testing.assert_allclose(backbone(pictures), told_by(folder, pictures), atol=1e-5)

    # It fine-tunes, and only what it calls trainable is trained.
    (block,) = blocks(backbone)
    (layer,) = block
    logits = keras.layers.Dense(2, name="logits")(backbone.output)
    joined = keras.Model(backbone.input, logits)
    layer.trainable = True
    assert layer.trainable_weights
    before = [numbers(variable) for variable in layer.trainable_weights]
    mean_before = [numbers(variable) for variable in layer.non_trainable_weights]
    joined.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    joined.fit(pictures, np.array([0, 1, 0, 1, 0, 1]), epochs=2, verbose=0)
    moved = [np.abs(numbers(now) - then).max() for now, then in zip(layer.trainable_weights, before, strict=True)]
    assert max(moved) > 1e-4
    if make is with_training:
        assert [variable.name for variable in layer.trainable_weights] == ["stem_kernel"]
        assert [variable.name for variable in layer.non_trainable_weights] == ["stem_mean", "unused"]
        assert np.abs(numbers(layer.non_trainable_weights[0]) - mean_before[0]).max() > 1e-4  # it was told of training

    # It is saved with what it learned, and loaded without any server.
    joined.save(tmp_path / "joined.keras")
    again = keras.models.load_model(tmp_path / "joined.keras")
    ours = joined.predict(pictures, verbose=0)
    np.testing.assert_allclose(again.predict(pictures, verbose=0), ours, atol=1e-6)
    assert np.abs(numbers(again.get_layer("module").trainable_weights[0]) - before[0]).max() > 1e-4

    # It is converted, and agrees.
    interpreter = Interpreter(model_content=to_tflite(again))
    interpreter.allocate_tensors()
    for picture, expected in zip(pictures, ours, strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_modules_own_penalties_join_the_loss(own_home: Path, tmp_path: Path) -> None:
    from core.models.hub import HubModule

    with_training(tmp_path / "module")
    allowed(tmp_path / "module")
    layer = HubModule(str(tmp_path / "module"))
    pictures = np.zeros((1, PIXELS, PIXELS, 3), np.float32)
    layer(pictures, training=False)
    assert layer.losses == []
    layer(pictures, training=True)
    assert [float(loss) for loss in layer.losses] == [pytest.approx(0.5 * (kernel() ** 2).sum(), rel=1e-5)]
    layer.trainable = False
    layer(pictures, training=True)
    assert layer.losses == []


def test_a_size_that_the_module_refuses_is_said(own_home: Path, tmp_path: Path) -> None:
    from core.models.loading import build

    signature_only(tmp_path / "module")
    with pytest.raises(ModelError, match="48 x 48") as caught:
        build(allowed(tmp_path / "module"), pixels=48, multi_level=False)
    assert "It takes 32 pixels" in caught.value.hint


def test_what_is_no_module_is_said(own_home: Path, tmp_path: Path) -> None:
    from core.models.loading import build

    stranger = get_backbone(f"hub:{tmp_path}")
    with pytest.raises(ModelError, match="can run code"):
        build(stranger, pixels=PIXELS, multi_level=False)
    weights_store.trust(stranger)
    with pytest.raises(ModelError, match="not on this computer"):
        build(stranger, pixels=PIXELS, multi_level=False)
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot be loaded"):
        build(stranger, pixels=PIXELS, multi_level=False)


def test_a_saved_model_does_not_load_a_module_that_nobody_allowed(own_home: Path, tmp_path: Path) -> None:
    import keras

    from core.models.loading import build

    without_training(tmp_path / "module")
    build(allowed(tmp_path / "module"), pixels=PIXELS, multi_level=False).save(tmp_path / "model.keras")
    (own_home / "trusted.json").unlink()
    with pytest.raises(Exception, match="can run code"):
        keras.models.load_model(tmp_path / "model.keras")
