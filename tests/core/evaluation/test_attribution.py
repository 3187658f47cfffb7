"""Why: the maps, what they are worth, the process that makes them possible, and the most similar training pictures."""

from __future__ import annotations

import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from PIL import Image

from core import Project, Run, TrainConfig, train
from core.cli.explain import explain as command
from core.config.backbones import Backbone, get_backbone
from core.config.framing import Framing
from core.evaluation import attribution
from core.evaluation.attribution import Explainer, Explanation, check, folder_of, keep, overlay
from core.evaluation.attribution.maps import brightest, occlusion, scaled
from core.evaluation.neighbours import Neighbours, places_of
from core.imaging.decode import read_square
from core.inference.calibration import cooled
from core.inference.classifier import Classifier
from core.inference.decision import Decision, keep_decision
from core.models import frozen
from core.runs.records import RunRecords
from core.system.errors import ModelError, PictureError
from core.system.tasks import queue
from core.system.tasks.processes import birth_of
from core.system.tasks.records import TaskState
from core.training import feature_matrix
from tests.waiting import until

CLASSES = {"cross <b>": (230, 60, 50), "**disc**": (60, 90, 230), "ring\\:red[x]": (70, 200, 80)}
SIDE = 96
OBJECT = 24


def scene(name: str, seed: int) -> tuple[Image.Image, tuple[int, int]]:
    """A small object of its class's shape and colour somewhere on coloured noise, and (top, left) of it."""
    rng = np.random.default_rng([seed, *CLASSES[name]])
    ground = rng.normal(rng.uniform(70, 170, 3), 35, (SIDE, SIDE, 3))
    top, left = (int(value) for value in rng.integers(0, SIDE - OBJECT, 2))
    y, x = np.mgrid[0:OBJECT, 0:OBJECT] - (OBJECT - 1) / 2
    far = np.hypot(y, x)
    shapes = [(abs(y) < 4) | (abs(x) < 4), far < OBJECT / 2, (far < OBJECT / 2) & (far > OBJECT / 4)]
    shape = shapes[list(CLASSES).index(name)]
    ground[top : top + OBJECT, left : left + OBJECT][shape] = CLASSES[name]
    return Image.fromarray(ground.clip(0, 255).astype(np.uint8)), (top, left)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("explain") / "scenes"
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(20):
            scene(name, number)[0].save(folder / name / f"{number:03}.png")
    return train(Project.open(folder), TrainConfig(epochs=15))


@dataclass
class Story:
    """What happened while a run was made ready to explain."""

    run: Run
    before: bool
    after_kill: tuple[str, bool, str]
    workers: set[int]


@pytest.fixture(scope="module")
def story(scenes: Run) -> Story:
    """A worker that is killed half way, then eight tabs that look ahead at once, while somebody else computes."""
    before = attribution.is_ready(scenes)
    attribution.prepare(scenes)
    (now,) = filter(None, [attribution.task(scenes).state()])
    os.kill(now.pid, signal.SIGKILL)
    found = until(lambda: (state := attribution.task(scenes).state()) and state.ended and state)
    killed = found.state, attribution.is_ready(scenes), Explainer(scenes).method

    def ask(_: int) -> int:
        attribution.prepare(scenes, aside=True)
        return RunRecords(folder_of(scenes)).state().pid

    with queue.turn_lock():
        with ThreadPoolExecutor(8) as tabs:
            workers = set(tabs.map(ask, range(8)))
        attribution.make(scenes)
    return Story(scenes, before, killed, workers)


@pytest.fixture
def copied(story: Story, tmp_path: Path) -> Run:
    shutil.copytree(story.run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def squares_of(run: Run) -> list[tuple[np.ndarray, Path]]:
    plan = run.records.plan()
    files = [plan.file(picture) for picture in plan.part("test")]
    return [(read_square(file, plan.config.input_pixels, Framing()), file) for file in files]


@pytest.mark.slow
def test_a_killed_worker_leaves_nothing_and_eight_tabs_start_one(story: Story) -> None:
    assert not story.before
    assert story.after_kill == ("interrupted", False, "occlusion")
    assert len(story.workers) == 1
    assert attribution.is_ready(story.run)
    # The file counts before its process says that it is done.
    state = until(lambda: (state := attribution.task(story.run).state()) and state.ended and state)
    assert state.state == "done"


@pytest.mark.slow
def test_it_answers_as_the_model_and_its_map_sums_to_the_logit(story: Story) -> None:
    from core.models.saved import load_model

    explainer, classifier = Explainer(story.run), Classifier.load(story.run.folder)
    assert explainer.method == "gradient"
    bias = load_model(story.run.records.model).get_layer("logits").get_weights()[1]
    for square, _ in squares_of(story.run):
        answers = classifier.probabilities(square)
        assert explainer.probabilities(square) == pytest.approx(answers, abs=1e-4)
        assert explainer._file
        logits = np.array([explainer._file.ask(square, label)[1].sum() for label in range(3)])
        apart = np.log(answers) - logits  # the bias, and a number that is the same for all classes
        assert apart - apart[0] == pytest.approx(bias - bias[0], abs=0.02)


@pytest.mark.slow
def test_the_bright_part_is_where_the_object_is_and_counts(story: Story) -> None:
    explainer = Explainer(story.run)
    found = [(square, explainer.explain(square)) for square, _ in squares_of(story.run)]
    tested = check(explainer.probabilities, found)
    assert tested.bright > tested.random + 0.1
    assert tested.better >= 0.7
    hits = []
    for (square, one), (_, file) in zip(found, squares_of(story.run), strict=True):
        assert one.map.dtype == np.float32
        assert (one.map.min(), one.map.max()) == (0, 1)
        assert one.class_name == story.run.records.plan().classes[one.label]
        top, left, length = brightest(one.map, len(square))
        y, x = ((edge + OBJECT / 2) / SIDE * len(square) for edge in scene(file.parent.name, int(file.stem))[1])
        hits.append(top <= y <= top + length and left <= x <= left + length)
    assert np.mean(hits) >= 0.7, hits


@pytest.mark.slow
def test_a_chosen_temperature_counts_here_too(copied: Run) -> None:
    square = squares_of(copied)[0][0]
    before, stamp = Explainer(copied).explain(square), attribution.stamp(copied)
    keep_decision(copied.folder, Decision(temperature=3.0))
    after = Explainer(copied).explain(square)
    assert attribution.stamp(copied) != stamp
    assert after.answers == pytest.approx(cooled(before.answers, 3.0), abs=1e-6)
    assert np.array_equal(after.map, before.map)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut short", "gone", "note", "other model"])
def test_a_damaged_file_is_never_used_and_is_made_again(copied: Run, damage: str) -> None:
    model, note = (folder_of(copied) / name for name in ("explain.tflite", "explain.json"))
    if damage == "cut short":
        model.write_bytes(model.read_bytes()[:-100])
    elif damage == "gone":
        model.unlink()
    elif damage == "note":
        note.write_text('{"version": 1')
    else:
        result = copied.records.result()
        assert result
        copied.records.write_result(result.model_copy(update={"model_sha256": "another"}))
    assert Explainer(copied).method == "occlusion"
    assert not attribution.is_ready(copied)


@pytest.mark.slow
def test_without_the_keras_model_parts_are_covered(copied: Run) -> None:
    shutil.rmtree(folder_of(copied))
    copied.records.model.unlink()
    attribution.make(copied)
    assert attribution.is_ready(copied)
    assert attribution.task(copied).state() is None
    found = Explainer(copied).explain(squares_of(copied)[0][0], 1)
    assert (found.method, found.label, found.map.shape) == ("occlusion", 1, (10, 10))


@pytest.mark.slow
def test_an_exchanged_model_is_not_opened(copied: Run) -> None:
    from core.evaluation.attribution import worker

    shutil.rmtree(folder_of(copied))
    folder_of(copied).mkdir()
    copied.records.model.write_bytes(b"something else")
    me = psutil.Process()
    RunRecords(folder_of(copied)).write_state(TaskState("running", "loading", pid=me.pid, born=birth_of(me.pid)))
    assert worker.main(copied.folder) == 1
    assert "made on another computer" in RunRecords(folder_of(copied)).state().message
    assert attribution.is_ready(copied)  # nothing can be made of it
    assert Explainer(copied).method == "occlusion"


@pytest.mark.slow
def test_a_model_that_cannot_be_seen_into_is_noted(copied: Run) -> None:
    keep(copied, None)
    assert attribution.is_ready(copied)
    assert Explainer(copied).method == "occlusion"


@pytest.mark.slow
def test_the_command_writes_the_picture_and_one_json_object(story: Story, tmp_path: Path) -> None:
    _, file = squares_of(story.run)[0]
    out, other = tmp_path / "why.png", "**disc**" if "disc" not in str(file) else "cross <b>"
    done = CliRunner().invoke(
        command, [str(story.run.folder), str(file), "--out", str(out), "--class", other, "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["class"] == other
    assert told["method"] == "gradient"
    assert told["label"] == Classifier.load(story.run.folder).predict([file]).labels[0]
    assert {"bright", "random", "better", "pictures", "sentence"} == told["check"].keys()
    assert (len(told["similar"]), told["similar_by"]) == (5, "own")
    with Image.open(out) as drawn:
        assert drawn.format == "PNG"
    for wrong, said in (
        ([str(file), "--out", str(out), "--class", "none"], "knows no class 'none'"),
        ([str(file), "--out", str(tmp_path / "why.gif")], "does not end in .png"),
        ([str(tmp_path / "gone.png"), "--out", str(out)], "the file is gone"),
    ):
        failed = CliRunner().invoke(command, [str(story.run.folder), *wrong])
        assert said in str(failed.exception)


# --- the most similar training pictures


@pytest.mark.slow
def test_similar_pictures_are_of_training_and_still_there(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = story.run.records.plan()
    memory, places = Neighbours(story.run), places_of(Project.open(plan.project).scan())
    assert (memory.own, memory.missing) == (True, 0)
    learned = {picture.id: picture for picture in plan.part("train")}
    assert set(memory.ids) == set(learned)
    one = plan.part("train")[0]
    found = memory.like(plan.file(one), places)
    assert (found[0].id, found[0].path) == (one.id, one.path)
    assert found[0].similarity == pytest.approx(1, abs=1e-4)
    assert [one.similarity for one in found] == sorted((one.similarity for one in found), reverse=True)
    assert all(plan.classes[learned[each.id].label] == each.class_name for each in found)
    rest = memory.like(plan.file(one).read_bytes(), places, but=one.id)
    assert rest[:4] == found[1:]
    gone = rest[0].id
    assert gone not in [each.id for each in memory.like(plan.file(one), {k: v for k, v in places.items() if k != gone})]
    assert memory.like(plan.file(one), {}) == []
    with pytest.raises(PictureError):
        memory.like(b"no picture", places)
    monkeypatch.setattr(feature_matrix, "fits", lambda *_: False)
    from_file = Neighbours(story.run).like(plan.file(one), places)
    assert [each.similarity for each in from_file] == pytest.approx([each.similarity for each in found], abs=1e-3)


@pytest.mark.slow
def test_a_run_without_features_of_its_own_takes_those_of_quick(copied: Run, tmp_path: Path) -> None:
    plan = copied.records.plan()
    for changed in ({"backbone": "small-cnn"}, {"fine_tune": "all"}, {"minutes": 5.0}, {"recipe": "ensemble"}):
        copied.records.write_plan(replace(plan, config=plan.config.model_copy(update=changed)))
        assert not Neighbours(copied).own, changed
    (tmp_path / "elsewhere").mkdir()
    copied.records.write_plan(replace(plan, project=str(tmp_path / "elsewhere")))
    with pytest.raises(ModelError, match="Let Fieldguide look at all pictures once"):
        Neighbours(copied)


# --- the graph


class Asked:
    """An explaining file, asked as the page does."""

    def __init__(self, content: bytes) -> None:
        self.file = attribution._File(content)

    def __call__(self, square: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
        return self.file.ask(square, label)


def square_of(pixels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (pixels, pixels, 3)).astype(np.uint8)


def two_levels(backbone: Backbone, *, pixels: int, multi_level: bool) -> Any:
    """A tiny network of random weights in the place of a large one: averages of three stages, the second ends in a ReLU6, and
    the third has two depthwise convolutions that are alike."""
    import keras

    picture = keras.Input((pixels, pixels, 3))
    early = keras.layers.Conv2D(5, 3, strides=3, name="early")(keras.layers.Rescaling(1 / 128, offset=-1)(picture))
    late = keras.layers.ReLU(6.0)(keras.layers.Conv2D(7, 3, strides=2, padding="same", name="late")(early))
    inside = keras.layers.ReLU()(keras.layers.DepthwiseConv2D(3, strides=3, padding="same")(late))
    alike = keras.layers.DepthwiseConv2D(3, padding="same")(inside)
    averages = [keras.layers.GlobalAveragePooling2D()(one) for one in (early, late, alike)]
    return keras.Model(picture, keras.layers.Concatenate()(averages), name=backbone.name.replace("-", "_"))


def test_two_networks_with_all_that_they_see_and_both_views_sum_to_the_logit(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.models.feature_extractor import ExtractorSpec, build_extractor

    monkeypatch.setattr("core.models.loading.build", two_levels)
    keras.utils.set_random_seed(1)
    networks = [
        build_extractor(ExtractorSpec(get_backbone("efficientnet-lite0"), 40, multi_level=True, expanded=True)),
        build_extractor(ExtractorSpec(get_backbone("efficientnet-lite1"), 40, True, deviations=True, mirrored=True)),
    ]
    rng = np.random.default_rng(1)
    features = sum(network.output_shape[1] for network in networks)
    assert features == (19 + 7) + 2 * 19
    bias = rng.normal(size=3).astype(np.float32)
    model = frozen.classifier(networks, rng.normal(size=(features, 3)).astype(np.float32), bias)
    square = square_of(40)
    logits = keras.Model(model.input, model.get_layer("logits").output)(square[None].astype(np.float32)).numpy()[0]
    asked = Asked(to_explaining_tflite(model))
    for label in range(3):
        answers, found = asked(square, label)
        assert found.shape == (13, 13)
        assert found.sum() + bias[label] == pytest.approx(logits[label], abs=1e-4)
    assert answers == pytest.approx(np.exp(logits) / np.exp(logits).sum(), abs=1e-5)


def reddish(*, views: bool) -> Any:
    """A network that sees red, in one or both views."""
    import keras

    from core.models.feature_extractor import mirrored

    picture = keras.Input((16, 16, 3))
    seen = keras.layers.Conv2D(1, 1, use_bias=False)(picture)
    plain = keras.Model(picture, keras.layers.GlobalAveragePooling2D()(seen))
    plain.set_weights([np.array([1, -0.5, -0.5], np.float32).reshape(1, 1, 3, 1)])
    network = mirrored(plain) if views else plain
    return frozen.classifier([network], np.array([[1.0, -1.0]], np.float32), np.zeros(2, np.float32))


@pytest.mark.parametrize("views", [False, True])
def test_what_is_on_the_left_is_bright_on_the_left(views: bool) -> None:
    from core.evaluation.attribution.graph import to_explaining_tflite

    square = np.full((16, 16, 3), 90, np.uint8)
    square[3:6, 1:4] = (250, 0, 0)
    found = Asked(to_explaining_tflite(reddish(views=views)))(square, 0)[1]
    expected = np.zeros((16, 16))
    expected[3:6, 1:4] = 250 / 256
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_deeper_head_gives_gradient_times_activation() -> None:
    import keras
    import tensorflow as tf

    from core.config.network import NETWORKS
    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.models.scratch import build_network
    from core.training import fit

    keras.utils.set_random_seed(3)
    network = build_network(NETWORKS["small-cnn"], 32, 3, 0.2)
    square = square_of(32)
    layers = network.layers
    last = next(number for number, layer in enumerate(layers) if isinstance(layer, keras.layers.Flatten))
    maps = tf.constant(square[None].astype(np.float32))
    for layer in layers[:last]:
        maps = layer(maps)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        answer = maps
        for layer in layers[last:]:
            answer = layer(answer)
        score = answer[0, 2]
    expected = tf.reduce_sum(maps * tape.gradient(score, maps), axis=3)[0].numpy()
    found = Asked(to_explaining_tflite(fit.with_softmax(network)))(square, 2)[1]
    assert found.shape == (6, 6)
    assert found == pytest.approx(expected, abs=1e-4)


def test_models_that_vote_add_their_maps() -> None:
    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.training.ensemble_worker import joined

    one, both = reddish(views=False), reddish(views=True)
    together = joined([one, both], [0.25, 0.75])
    square = square_of(16)
    answers, found = Asked(to_explaining_tflite(together))(square, 0)
    each = [Asked(to_explaining_tflite(model))(square, 0) for model in (one, both)]
    assert answers == pytest.approx(0.25 * each[0][0] + 0.75 * each[1][0], abs=1e-5)
    assert found == pytest.approx(0.25 * each[0][1] + 0.75 * each[1][1], abs=1e-4)


def test_one_block_cannot_be_seen_into() -> None:
    import keras

    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.models.litert_conversion import Refused

    class Block(keras.Layer):
        def build(self, shape: tuple[int, ...]) -> None:
            self.kernel = self.add_weight(shape=(3, 4))

        def call(self, pictures: Any) -> Any:
            return keras.ops.mean(keras.ops.matmul(pictures, self.kernel), (1, 2))

    picture = keras.Input((16, 16, 3))
    answers = keras.layers.Dense(2, activation="softmax")(Block()(keras.layers.Rescaling(1 / 255)(picture)))
    with pytest.raises(Refused, match="cannot be seen into"):
        to_explaining_tflite(keras.Model(picture, answers))


# --- maps without a model


def looks_for_spot(square: np.ndarray) -> np.ndarray:
    """A model for the tests: the more red in one corner, the surer of class 0."""
    red = float((square[20:40, 60:80, 0] > 200).mean())
    return np.array([0.1 + 0.8 * red, 0.9 - 0.8 * red], np.float32)


@pytest.fixture
def spotted() -> np.ndarray:
    square = np.full((100, 100, 3), 60, np.uint8)
    square[20:40, 60:80, 0] = 255
    return square


def test_covering_finds_what_counts(spotted: np.ndarray) -> None:
    found = occlusion(looks_for_spot, spotted, 0)
    assert found.shape == (10, 10)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert (row in (2, 3), column in (6, 7)) == (True, True)
    assert found[6:, :4] == pytest.approx(0)
    assert occlusion(looks_for_spot, spotted, 1) == pytest.approx(-found, abs=1e-5)


def explanation(values: np.ndarray, square: np.ndarray) -> Explanation:
    answers = looks_for_spot(square)
    return Explanation(values, 0, "a", float(answers[0]), answers, "occlusion")


def test_the_check_tells_a_good_map_from_a_bad_one(spotted: np.ndarray) -> None:
    good = scaled(occlusion(looks_for_spot, spotted, 0))
    tested = check(looks_for_spot, [(spotted, explanation(good, spotted))])
    assert tested.bright == pytest.approx(0.8, abs=0.01)
    assert tested.random < 0.5
    assert tested.better == 1
    assert tested.sentence.startswith("Covering the bright part takes away 80 points of confidence, covering a random")
    bad = check(looks_for_spot, [(spotted, explanation(good[::-1, ::-1].copy(), spotted))])
    assert bad.bright <= 0 < bad.random
    assert bad.better == 0
    assert check(looks_for_spot, [(spotted, explanation(good, spotted))]) == tested
    with pytest.raises(ValueError, match="nothing to check"):
        check(looks_for_spot, [])


def test_a_check_in_words() -> None:
    words = [
        attribution.Check(bright, random, 1, 1).sentence for bright, random in ((0.43, 0.06), (-0.01, 0.0), (0, 0))
    ]
    assert words[0] == (
        "Covering the bright part takes away 43 points of confidence, covering a random part of the same size takes "
        "away 6 points."
    )
    assert "adds 1 point of confidence" in words[1]
    assert "hardly changes" in words[2]


def test_a_map_is_scaled_from_its_middle_to_its_most() -> None:
    assert scaled(np.array([[-5.0, 1], [2, 5]])) == pytest.approx(np.array([[0, 0], [0.5 / 3.5, 1]]))
    flat = scaled(np.full((3, 3), 7.0))
    assert (flat.dtype, flat.max()) == (np.float32, 0)


def test_the_overlay_grows_lighter_with_the_map() -> None:
    square = square_of(64)
    ramp = np.linspace(0, 1, 32, dtype=np.float32)[None].repeat(32, axis=0)
    assert np.array_equal(overlay(square, ramp, 0), square)
    over = overlay(square, ramp, 1)
    assert (over.shape, over.dtype) == ((64, 64, 3), np.uint8)
    lightness = over[10].astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] - lightness[0] > 200
    half = overlay(square, ramp, 0.5).astype(int)
    assert np.abs(half - (square.astype(int) + over) / 2).max() <= 1


def test_the_brightest_part_is_a_ninth_of_the_area() -> None:
    values = np.zeros((8, 8), np.float32)
    values[6, 1] = 1
    top, left, length = brightest(values, 96)
    assert length == 32
    assert top <= 6.5 / 8 * 96 <= top + length
    assert left <= 1.5 / 8 * 96 <= left + length
