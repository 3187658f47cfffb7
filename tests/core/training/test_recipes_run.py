"""Recipes from end to end on tiny pictures: fine-tuning, two networks, integers, the search; real worker, real file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import Classifier, Project, Run, TrainConfig, evaluate, export, start, train
from core.config.augmentation import AugmentConfig
from core.config.framing import Framing
from core.config.recipes import RECIPES, all_recipes, forget_recipe, get_recipe, read_recipe, recipe_file, save_recipe
from core.evaluation.attribution import Explainer
from core.runs.lifecycle import wait
from core.system.errors import ConfigError, RunError
from core.training import budgeted_search, tuned_attempts
from core.training.candidates import Candidate, networks_here
from tests.core.training.test_candidates import search_in
from tests.core.training.test_film import check_film
from tests.pictures import COLOURS, flat_project, noise_project
from tests.waiting import until


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.open(flat_project(tmp_path_factory.mktemp("recipes") / "p", COLOURS, each=8))


def small(recipe: str, **changes: object) -> TrainConfig:
    return get_recipe(recipe).config.model_copy(update={"epochs": 3, **changes})


def largest_difference(run: Run) -> float:
    """Between what the trained network said of the test pictures, and what its file says."""
    plan = run.records.plan()
    said = Classifier.load(run.folder).predict([plan.file(picture) for picture in plan.part("test")])
    return float(np.abs(said.probabilities - run.records.predictions("test")).max())


TUNED = small(
    "quick", fine_tune="last", fine_tune_blocks=1, fine_tune_epochs=2, pixels=64, augment=AugmentConfig(zoom=0.1)
)


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_fine_tuning_goes_on_where_the_head_ended_and_converts(project: Project) -> None:
    run = train(project, TUNED)
    assert [epoch["epoch"] for epoch in run.snapshot().history] == [1, 2, 3, 4, 5]
    check_film(run)
    assert largest_difference(run) < 1e-3


@pytest.mark.thorough
def test_fine_tuning_is_the_same_once_more(project: Project) -> None:
    told = [train(project, TUNED).snapshot() for _ in range(2)]
    strip = [[{k: v for k, v in epoch.items() if k != "seconds"} for epoch in run.history] for run in told]
    assert strip[0] == strip[1]


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_fine_tuning_that_destroys_is_not_kept(tmp_path: Path) -> None:
    project = Project.open(noise_project(tmp_path / "noise", classes=2, each=12))
    before = small("quick", pixels=64)
    destructive = {"fine_tune": "all", "fine_tune_epochs": 1, "fine_tune_rate": 0.1, "fine_tune_warm_up": 0.0}
    frozen, tuned = train(project, before), train(project, before.model_copy(update=destructive))
    scores = [run.snapshot().result.val for run in (frozen, tuned)]  # type: ignore[union-attr]
    assert scores[1].accuracy >= scores[0].accuracy
    assert len(tuned.snapshot().history) > len(frozen.snapshot().history)
    if scores[1].accuracy == scores[0].accuracy:
        assert scores[1].log_loss <= scores[0].log_loss + 1e-6


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_two_networks_and_mirrored_views_are_one_file(project: Project) -> None:
    run = train(project, small("balanced", pixels=64))
    assert evaluate(run).accuracy >= 0.9
    assert largest_difference(run) < 1e-4


@pytest.mark.thorough
def test_two_networks_are_one_file_of_integers(project: Project) -> None:
    made = export(train(project, small("balanced", pixels=64)), "int8")
    assert made.agreement >= 0.9
    assert made.integer_only


@pytest.mark.slow
def test_integer_features_are_close_to_those_of_floats(project: Project) -> None:
    from core.models.feature_extractor import prepare, specs_of
    from core.training.features import FeatureExtractor, PictureView

    run = train(project, small("instant", epochs=60))
    assert evaluate(run).accuracy >= 0.9
    assert run.snapshot().history[-1]["val_accuracy"] >= 0.9
    sights = [PictureView(p.id, project.path_of(p.path), Framing()) for p in project.scan().pictures[:6]]
    found = []
    for recipe in ("quick", "instant"):
        (spec,) = specs_of(get_recipe(recipe).config)
        assert spec.integer == (recipe == "instant")
        file = prepare(spec)
        assert file is not None
        found.append(np.stack(list(FeatureExtractor(file, 224, 1).compute(sights, AugmentConfig(), 0))))
    for exact, whole in zip(*found, strict=True):
        assert np.corrcoef(exact, whole)[0, 1] > 0.9
    assert not np.array_equal(*found)


@pytest.fixture(name="little")
def _little(monkeypatch: pytest.MonkeyPatch, one_process: None) -> None:
    """A search that has little to try, so that all of it is tried however slow the machine is."""
    monkeypatch.setattr(budgeted_search, "networks_here", lambda _: ["efficientnet-lite0"])
    monkeypatch.setattr(budgeted_search, "_TUNINGS", 1)
    monkeypatch.setattr(tuned_attempts, "_ROUNDS", 2)
    monkeypatch.setattr(tuned_attempts, "_STEPS", 0)


@pytest.mark.slow
def test_a_search_tells_what_it_tried_and_makes_one_file(
    tmp_path: Path, little: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Candidate, "worth", lambda self, _: float(self.parameters))  # so that the largest is kept
    project = Project.open(noise_project(tmp_path / "noise", classes=2, each=14))
    run = train(project, small("best", pixels=64, minutes=600))
    result, tried = run.snapshot().result, run.records.tried()
    assert result is not None
    names = [attempt.what.replace("EfficientNet-", "") for attempt in tried]
    assert names[0] == "Lite0"
    assert any(name.endswith("mirrored views") and "fine-tuned" not in name for name in names)
    tuned = next(name for name in names if name.endswith("fine-tuned"))
    place = names.index(tuned)
    assert names[place + 1] == f"{tuned}, averaged weights"
    assert names[place + 2] in (f"{tuned}, mirrored views", f"{tuned}, averaged weights, mirrored views")
    assert names[place + 3].endswith("with the best before it")
    assert names[place + 4 :] == [f"{tuned}, a new head on all{more}" for more in ("", ", with the best before it")]
    assert [attempt.gained is None for attempt in tried] == [True] + [False] * (len(tried) - 1)
    assert [attempt.cross_validated is None for attempt in tried] == [False] * place + [True] * 6
    assert result.chosen.replace("EfficientNet-", "") in names[place + 3 :]
    assert (result.why_stopped, result.left_out) == ("Everything that it knows was tried.", [])
    assert len(run.snapshot().history) == 2
    assert largest_difference(run) < 1e-3
    made = export(run)
    assert (made.agreement, made.max_difference < 1e-3) == (1.0, True)


@pytest.mark.slow
def test_a_search_ends_where_all_is_right(project: Project, little: None) -> None:
    run = train(project, small("best", pixels=64, minutes=600))
    assert [attempt.what for attempt in run.records.tried()] == ["EfficientNet-Lite0"]
    result = run.snapshot().result
    assert result is not None
    assert (result.why_stopped or "").startswith("Every picture to learn from and to check with is named right")
    assert evaluate(run).accuracy >= 0.9
    assert largest_difference(run) < 1e-4


@pytest.mark.slow
def test_what_a_search_without_time_keeps_opens_at_a_size_of_its_own(project: Project) -> None:
    run = train(project, small("best", pixels=64, minutes=0.1))
    result = run.snapshot().result
    assert result is not None
    assert (result.chosen, result.pixels, run.records.input_pixels()) == ("Quick", 224, 224)
    assert evaluate(run).accuracy >= 0.9
    assert Classifier.load(run.folder).pixels == Explainer(run).pixels == 224
    assert largest_difference(run) < 1e-4
    assert export(run).agreement == 1.0


@pytest.mark.slow
def test_a_stopped_search_keeps_the_best_so_far(tmp_path: Path) -> None:
    run = start(
        Project.open(noise_project(tmp_path / "noise", classes=2, each=12)), small("best", pixels=64, minutes=30)
    )
    until(lambda: run.records.tried() or run.records.state().ended)
    run.stop()
    snapshot = wait(run)
    assert (snapshot.state.state, snapshot.has_model) == ("stopped", True)
    assert snapshot.result is not None
    assert snapshot.result.why_stopped == "Someone stopped it."


@pytest.mark.slow
def test_fine_tuning_two_networks_is_refused_with_a_sentence(project: Project) -> None:
    with pytest.raises(RunError, match="one model"):
        train(project, small("balanced", pixels=64, fine_tune="all"))


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_the_tiny_network_learns_tiny_pictures(project: Project) -> None:
    run = train(project, small("small-cnn", epochs=12))
    assert evaluate(run).accuracy >= 0.9
    weights = (3 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (6 * 6 * 64 + 1) * 128 + 129 * 3
    assert run.snapshot().as_dict()["parameters"] == weights


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_a_module_of_hub_trains_by_its_folder(project: Project, tmp_path: Path) -> None:
    import tensorflow as tf

    from core.config.backbones import get_backbone
    from core.models.weights_store import trust

    folder, module = tmp_path / "module", tf.Module()
    module.kernel = tf.Variable(tf.random.stateless_normal((3, 16), (1, 2)))
    module.__call__ = tf.function(
        lambda pictures: tf.nn.relu(tf.reduce_mean(pictures, (1, 2)) @ module.kernel),
        input_signature=[tf.TensorSpec((None, 96, 96, 3))],
    )
    tf.saved_model.save(module, str(folder))
    name = f"hub:{folder}#96"
    config = small("hub-retraining", backbone=name, split=TrainConfig().split)
    with pytest.raises(RunError, match="can run code"):
        train(project, config)
    trust(get_backbone(name))
    assert evaluate(train(project, config)).accuracy >= 0.9
    found = search_in(tmp_path, small("best", backbone=name, pixels=64, minutes=600))
    assert networks_here(found.config)[0] == name
    found.look(["efficientnet-lite0"])
    found.probe(name)  # which takes no pictures of 64 pixels
    assert found.networks[name].pixels == 96
    assert np.isfinite(found.promise_of([name]))
    assert budgeted_search._options(found) == [(name,)]  # it cannot look at the same squares as the other


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no json", "no JSON"),
        (b"[]", "no settings"),
        (b'{"config": {}}', "another version"),
        (b'{"fieldguide_recipe": 1, "config": {}}', "no title"),
        (b'{"fieldguide_recipe": 1, "title": "x", "sentence": "", "config": {"epochs": -1}}', "epochs"),
        (b"[" * 100_000, "no JSON"),
    ],
)
@pytest.mark.slow
def test_a_file_that_is_no_recipe_is_refused_with_the_reason(content: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_recipe(content)


@pytest.mark.slow
def test_recipes_travel_as_files_and_are_kept_here() -> None:
    for recipe in RECIPES.values():
        assert read_recipe(recipe_file(recipe)) == recipe
        assert json.loads(recipe_file(recipe))["config"].keys() == TrainConfig.model_fields.keys()
    saved = save_recipe("Käfer & Co", TrainConfig(epochs=7), "For beetles.")
    assert saved.name == "kafer-co"
    assert get_recipe("kafer-co") == saved
    assert save_recipe("木", TrainConfig()).name.startswith("recipe-")
    for title in ("", "   ", "x" * 61, "Quick"):
        with pytest.raises(ConfigError):
            save_recipe(title, TrainConfig())
    forget_recipe("kafer-co")
    forget_recipe("../kafer-co")
    assert "kafer-co" not in all_recipes()


@pytest.mark.slow
def test_a_recipe_from_a_file_trains_on_the_command_line(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(recipe_file(save_recipe("Mine", small("quick", epochs=2))))
    command = [sys.executable, "-m", "core", "train", str(project.root), "--recipe", str(file), "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    assert (told["recipe"], len(told["history"])) == ("mine", 2)
