"""What a search may try: networks that are here, and those that come from a server of our own; stand-ins for large ones."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import Project
from core.config.backbones import BACKBONES, Backbone
from core.config.framing import Framing
from core.config.training import TrainConfig
from core.imaging.decode import read_square
from core.models import efficientnet_lite, loading, weights_store
from core.models.divided import divided
from core.models.feature_extractor import ExtractorSpec, build_extractor
from core.runs.lifecycle import freeze
from core.runs.records import RunPlan, RunRecords
from core.system.tasks.records import TaskState
from core.training import attempts, budgeted_search, tuned_attempts
from core.training.candidates import Candidate, CrossValidation, Look, mixed, networks_here, worth_fetching
from core.training.job import Job
from core.training.tuned_attempts import Search
from tests.core.datasets.test_examples import Site
from tests.core.models import test_timm_networks
from tests.core.models.test_applications import ALWAYS, NAMES, PIXELS, put, weights_file, with_file
from tests.core.models.test_applications import pictures as squares
from tests.core.models.test_hub import site
from tests.core.models.timm_reference import TIMM
from tests.pictures import noise_project

# Keras 3.15 saves variables in a way that NumPy 2 warns of; nothing of ours is in between.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

__all__ = ["site"]

THOROUGHLY = [pytest.param(name, marks=pytest.mark.thorough) for name in (*NAMES, *TIMM) if name != ALWAYS[1]]
SERVED = ("efficientnet-lite1", "efficientnet-lite2")
CONFIG = TrainConfig(recipe="best", minutes=60, pixels=64)


def at_random(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts random weights where those of a network would be downloaded to."""
    if name in NAMES:
        file, _ = weights_file(name, folder / "files")
        monkeypatch.setitem(BACKBONES, name, put(with_file(name, file), file))
    elif name in TIMM:
        place = weights_store.place_of(BACKBONES[name])
        assert place is not None
        place.parent.mkdir(parents=True)
        place.write_bytes(test_timm_networks.file_of(test_timm_networks.arrays_of(name)))


def file_of(name: str) -> bytes:
    """The weights of a packaged network, as its package has them."""
    spec = importlib.util.find_spec(BACKBONES[name].handle.replace("-", "_"))
    assert spec is not None
    assert spec.origin is not None
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    return file.read_bytes()


@pytest.fixture(name="table")
def _table(site: Site, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Backbone]]:
    """A table with Lite0, which is here, and two that a server of ours has: Lite1, and Lite2, whose file is another one."""
    packaged = dict(BACKBONES)
    site.content = file_of(SERVED[0])
    served = {
        name: replace(packaged[name], source="served", handle=f"{site.url}/{name}.pth", name=name) for name in SERVED
    }

    def build(backbone: Backbone, pixels: int, *, multi_level: bool) -> Any:
        weights_store.check_weights(backbone)
        return efficientnet_lite.build(packaged[backbone.name], pixels, multi_level=multi_level)

    table = {"efficientnet-lite0": packaged["efficientnet-lite0"], **served}
    monkeypatch.setitem(loading.LOADERS, "served", build)
    monkeypatch.setattr(budgeted_search, "fetch", partial(weights_store.fetch, timeout=5.0, pauses=()))
    BACKBONES.clear()
    BACKBONES.update(table)
    yield table
    BACKBONES.clear()
    BACKBONES.update(packaged)  # in its order


def search_in(folder: Path, config: TrainConfig) -> Search:
    project = Project.open(noise_project(folder / "noise", classes=2, each=12))
    split, pictures = freeze(project.scan(), config)
    plan = RunPlan("run", str(project.root), 0.0, config, tuple(split.classes), pictures)
    (folder / "run").mkdir()
    return Search(Job(RunRecords(folder / "run"), TaskState("running", "fit"), plan=plan, quiet=True))


def test_networks_that_are_here_are_tried_and_what_was_named_is_fetched(table: dict[str, Backbone]) -> None:
    assert networks_here(CONFIG) == ["efficientnet-lite0"]
    assert worth_fetching(CONFIG, ["efficientnet-lite0"]) == []
    enough = CONFIG.model_copy(update={"download_megabytes": 20})
    assert worth_fetching(enough, ["efficientnet-lite0"]) == ["efficientnet-lite2", "efficientnet-lite1"]
    assert worth_fetching(enough.model_copy(update={"download_megabytes": 17}), ["efficientnet-lite0"]) == [SERVED[0]]
    assert worth_fetching(enough, ["efficientnet-lite2"]) == []  # it knows less than that
    named = CONFIG.model_copy(update={"backbone": "efficientnet-lite1"})
    assert worth_fetching(named, ["efficientnet-lite2"]) == ["efficientnet-lite1"]
    place = weights_store.place_of(BACKBONES["efficientnet-lite1"])
    assert place is not None
    place.parent.mkdir()
    place.write_bytes(b"")
    assert networks_here(CONFIG) == ["efficientnet-lite0", "efficientnet-lite1"]


def test_of_one_network_that_two_sources_have_one_is_fetched(own_home: Path) -> None:
    here = networks_here(CONFIG)
    assert here == ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]
    config = CONFIG.model_copy(update={"download_megabytes": 60})
    wanted = worth_fetching(config, here)
    assert wanted[:4] == ["mobilenet-v4-medium-384", "efficientnet-v2-b3", "hgnetv2-b2", "hub-efficientnet_b3"]
    assert "hub-efficientnetv2-b3" not in wanted
    assert all(BACKBONES[name].megabytes <= 60 and BACKBONES[name].imagenet > 77.6 for name in wanted)
    trusted_later = config.model_copy(update={"backbone": "hub:https://nowhere.invalid/module/1"})
    assert worth_fetching(trusted_later, here) == wanted  # nobody allowed it


@pytest.mark.slow
def test_what_may_be_downloaded_is_fetched_and_told(table: dict[str, Backbone], site: Site, tmp_path: Path) -> None:
    found = search_in(tmp_path, CONFIG.model_copy(update={"download_megabytes": 30}))
    budgeted_search.fetch_more(found, networks_here(found.config))
    assert list(found.networks) == ["efficientnet-lite1"]
    assert found.networks["efficientnet-lite1"].features.shape == (len(found.some), 4328)
    assert weights_store.is_here(table["efficientnet-lite1"])
    assert not weights_store.is_here(table["efficientnet-lite2"])
    wrong, *others = found.log.left_out.values()
    assert wrong.startswith("Went wrong: fetching EfficientNet-Lite2. The file that came is not the right one")
    assert others == []
    assert found.log.too_long == []


def test_only_so_much_is_downloaded_and_not_for_too_long(
    table: dict[str, Backbone], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = search_in(tmp_path, CONFIG.model_copy(update={"download_megabytes": 30}))
    monkeypatch.setattr(Search, "probe", lambda self, name: None)
    BACKBONES[SERVED[1]] = replace(table[SERVED[1]], checksum=table[SERVED[0]].checksum)
    budgeted_search.fetch_more(found, networks_here(found.config))
    assert [weights_store.is_here(BACKBONES[name]) for name in SERVED] == [False, True]
    assert list(found.log.left_out.values()) == [
        "Not fetched: EfficientNet-Lite1. It has 17 megabytes, and 10 more may be downloaded."
    ]
    found.config = found.config.model_copy(update={"download_megabytes": 100})
    found.budget.fetched(SERVED[1], 3600.0)  # so slow was it
    budgeted_search.fetch_more(found, ["efficientnet-lite0"])
    assert not weights_store.is_here(BACKBONES[SERVED[0]])
    assert found.log.left_out["EfficientNet-Lite1"].startswith("Not tried: EfficientNet-Lite1. It was expected to take")
    del found.budget._slower["fetching"]
    site.mood, site.cuts = "hang", 1
    ends = found.budget._ends
    monkeypatch.setattr(found.budget, "clock", lambda: ends - (10 if site.halfway.is_set() else 3000))
    budgeted_search.fetch_more(found, ["efficientnet-lite0"])
    assert not weights_store.is_here(BACKBONES[SERVED[0]])
    assert found.log.left_out["fetching EfficientNet-Lite1"].startswith("Broken off: fetching EfficientNet-Lite1.")


def test_pictures_of_each_class_tell_what_a_network_promises(tmp_path: Path) -> None:
    found = search_in(tmp_path, CONFIG)
    folds = CrossValidation(found.job.plan, CONFIG)
    labels = np.array([picture.label for picture in folds.pictures])
    assert folds.some(10_000).tolist() == list(range(len(labels)))
    few = folds.some(2)
    assert np.bincount(labels[few]).tolist() == [8, 8]
    assert few.tolist() == CrossValidation(found.job.plan, CONFIG).some(2).tolist()


def test_two_together_are_at_least_as_sure_as_the_better_of_them() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 60)
    made: list[Candidate] = []
    for _ in range(2):
        kernel = rng.normal(size=(5, 3)).astype(np.float32)
        logits = 2 * np.eye(3)[truth] + rng.normal(size=(60, 3))
        looks = {f"own {len(made)}": Look(list, kernel, 10), "shared": Look(list, kernel, 100)}
        made.append(Candidate("one", {"val": logits, "test": logits}, looks, np.ones(3), 64, 3))
    both = mixed(made[0], made[1], truth, "both")
    assert both.score(truth)[1] > max(each.score(truth)[1] for each in made)
    assert (both.parameters, both.epoch, both.frozen) == (10 + 100 + 10 + 3 * 15 + 3, 0, ())
    weights = [both.looks[f"own {n}"].kernel[0, 0] / made[n].looks["shared"].kernel[0, 0] for n in range(2)]
    shared = sum(weight * one.looks["shared"].kernel for weight, one in zip(weights, made, strict=True))
    np.testing.assert_allclose(both.looks["shared"].kernel, shared, rtol=1e-5)
    np.testing.assert_allclose(both.bias, sum(weights), rtol=1e-5)
    expected = sum(weight * one.logits["val"] for weight, one in zip(weights, made, strict=True))
    np.testing.assert_allclose(both.logits["val"], expected, rtol=1e-5)


def test_what_is_too_unsure_becomes_as_sure_as_it_is_right() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    logits = 2 * np.eye(3)[truth] + rng.normal(size=(600, 3))
    looks = {"one": Look(list, rng.normal(size=(5, 3)).astype(np.float32), 10)}
    right = Candidate("one", {"val": logits, "test": logits}, looks, np.ones(3), 64).as_sure_as_right(truth)
    unsure = right.times(0.4)
    assert unsure.score(truth)[1] < right.score(truth)[1]
    again = unsure.as_sure_as_right(truth)
    np.testing.assert_allclose(again.logits["test"], right.logits["test"], rtol=1e-4)
    np.testing.assert_allclose(again.looks["one"].kernel, right.looks["one"].kernel, rtol=1e-4)
    np.testing.assert_allclose(again.bias, right.bias, rtol=1e-4)


def test_a_mixture_must_gain_more_than_its_weights_do_by_chance() -> None:
    rng = np.random.default_rng(3)
    truth = np.arange(60) % 3
    shown = rng.normal(size=(2, 60, 3))

    def made(seen: np.ndarray) -> Candidate:
        logits = np.eye(3)[truth] + seen
        return Candidate("x", {"val": logits, "test": logits}, {}, np.zeros(3), 64).as_sure_as_right(truth)

    one, same, other = made(shown[0]), made(shown[0] + rng.normal(size=(60, 3)) / 20), made(shown[1])
    assert one.worth(truth) == pytest.approx(one.score(truth)[1] - 1 / 60)
    idle, useful = mixed(one, same, truth, "idle"), mixed(one, other, truth, "useful")
    assert idle.score(truth)[1] > one.score(truth)[1]
    assert idle.worth(truth) < one.worth(truth)
    assert useful.worth(truth) > one.worth(truth)
    assert mixed(useful, idle, truth, "all").fitted == 4


def test_averaged_weights_and_mirrored_views_are_taken_where_they_gain() -> None:
    from core.training.weight_averaging import weigh_views

    truth = np.array([0, 1, 0, 1])
    right, wrong = np.eye(2)[truth] * 4.0, np.eye(2)[1 - truth] * 4.0
    half = np.where(np.arange(4)[:, None] < 2, right, wrong)
    other = np.where(np.arange(4)[:, None] < 2, right / 2, 2 * right)

    def weighed(ended: tuple[Any, Any], averaged: tuple[Any, Any], times: int = 2) -> Any:
        """With time for so many more looks, of a second each, and then for two at a part as large."""
        now = 0.0

        def ask(mean: bool, mirror: bool) -> Any:
            nonlocal now
            now += 1
            return (ended, averaged)[mean][mirror]

        return weigh_views(ask, truth, 1.0, times + 1.5 * 3 + 0.1, lambda: now)

    plain = weighed((right, wrong), (half, right))
    assert (plain.averaged, plain.mirrored) == (False, False)
    assert plain.logits is right
    assert [why for why, _ in plain.tried] == ["", "averaged weights", "mirrored views"]
    better = weighed((wrong, wrong), (half, other))
    assert (better.averaged, better.mirrored) == (True, True)
    assert [why for why, _ in better.tried] == ["", "averaged weights", "averaged weights, mirrored views"]
    np.testing.assert_array_equal(better.logits, (half + other) / 2)
    np.testing.assert_array_equal(better.tried[-1][1], better.logits)
    late = weighed((wrong, wrong), (half, other), times=1)
    assert (late.averaged, late.mirrored, len(late.tried)) == (True, False, 2)
    assert weighed((wrong, wrong), (half, other), times=0).logits is wrong


def test_weights_are_averaged_beside_those_that_learn() -> None:
    import keras

    from core.training.weight_averaging import WeightAverage

    class Watch(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[np.ndarray] = []

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.seen.append(self.model.layers[-1].get_weights()[0].copy())

    keras.utils.set_random_seed(1)
    frozen = keras.layers.Dense(4, trainable=False)
    model = keras.Sequential([keras.Input((3,)), frozen, keras.layers.Dense(2)])
    start = model.layers[-1].get_weights()[0].copy()
    average, watch = WeightAverage(4), Watch()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(48, 3)), rng.normal(size=(48, 2)), batch_size=4, callbacks=[average, watch], verbose=0)
    expected = start
    for step, kernel in enumerate(watch.seen, 1):
        keep = min(0.75, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * kernel
    weights = average.weights()
    np.testing.assert_allclose(weights[2], expected, rtol=1e-5)
    np.testing.assert_array_equal(weights[0], frozen.get_weights()[0])
    np.testing.assert_array_equal(model.layers[-1].get_weights()[0], watch.seen[-1])


def test_attempts_are_called_by_what_they_are() -> None:
    assert (
        attempts.named(["efficientnet-lite0", "efficientnet-lite2", "mobilenet-v2"])
        == "EfficientNet-Lite0 + Lite2 + MobileNetV2"
    )
    assert (
        tuned_attempts.tuning("efficientnet-lite0", mixing=True) == "EfficientNet-Lite0, fine-tuned with mixing (MixUp)"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [ALWAYS[1], *THOROUGHLY])
def test_a_downloaded_network_is_looked_through_fine_tuned_and_joined(
    name: str, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With random weights, through the whole way; the file of all together says what the search said."""
    from ai_edge_litert.interpreter import Interpreter

    from core.inference.calibration import softmax
    from core.models.litert_conversion import to_tflite

    at_random(name, tmp_path, monkeypatch)
    monkeypatch.setattr(tuned_attempts, "_ROUNDS", 1)
    monkeypatch.setattr(tuned_attempts, "_STEPS", 0)
    monkeypatch.setattr(Candidate, "worth", lambda self, _: float(self.parameters))  # the largest is kept
    found = search_in(tmp_path, CONFIG.model_copy(update={"pixels": PIXELS, "minutes": 1440}))
    assert name in networks_here(found.config)
    found.probe(name)
    assert np.isfinite(found.promise_of([name]))
    found.look([name], mirrored=True)
    found.tune(name)
    assert len(found.log.attempts) == 7
    best = found.best
    assert best is not None
    assert best.what.endswith("with the best before it")
    assert not best.frozen
    network = best.model
    assert callable(network)
    interpreter = Interpreter(model_content=to_tflite(network()))
    interpreter.allocate_tensors()
    (asked,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    for picture, expected in zip(found.job.plan.part("test"), softmax(best.logits["test"]), strict=True):
        square = read_square(found.job.plan.file(picture), PIXELS, Framing())
        interpreter.set_tensor(asked["index"], square[None].astype(np.float32))
        interpreter.invoke()
        np.testing.assert_allclose(interpreter.get_tensor(answer["index"])[0], expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet-lite0", ALWAYS[1], *THOROUGHLY])
def test_the_two_parts_of_a_network_are_the_whole(
    name: str, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its later part makes of what the earlier one does is what it sees; and what the later one learns, it has learned."""
    at_random(name, tmp_path, monkeypatch)
    whole = build_extractor(ExtractorSpec(BACKBONES[name], PIXELS, True, expanded=True))
    parts = divided(whole)
    assert parts is not None
    assert 0.2 < parts.upper.count_params() / whole.count_params() < 0.98
    between = parts.lower(squares(2))
    assert np.array_equal(parts.upper(between), whole(squares(2)))
    before = np.asarray(whole(squares(2)))
    *_, learned = (weight for weight in parts.upper.weights if len(weight.shape) > 1)
    learned.assign(1.5 * learned)
    after = np.asarray(whole(squares(2)))
    assert np.array_equal(parts.upper(between), after)
    assert np.abs(after - before).max() > 0


def test_what_has_no_parts_is_not_divided() -> None:
    import keras

    picture = keras.Input((32, 32, 3))
    plain = keras.Model(picture, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(picture)))
    assert divided(plain) is None
