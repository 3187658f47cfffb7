from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.config.augmentation import AugmentConfig
from core.config.backbones import BACKBONES
from core.config.changes import with_changes
from core.config.recipes import RECIPES, get_recipe
from core.config.split import SplitConfig
from core.config.training import STEPPING, TrainConfig, make_config
from core.system.errors import ConfigError


def test_every_setting_has_a_title_and_help() -> None:
    for settings in (TrainConfig, SplitConfig, AugmentConfig):
        for name, info in settings.model_fields.items():
            assert info.title, name
            assert info.description or name in ("split", "augment"), name


def test_changes_reach_inside_and_keep_the_rest() -> None:
    config = with_changes(
        TrainConfig(), ["epochs=7", "augment.flip=horizontal", "split.test=0.25", "class_weights=False"]
    )
    assert (config.epochs, config.augment.flip, config.split.test, config.class_weights) == (
        7,
        "horizontal",
        0.25,
        False,
    )
    assert config.batch_size == TrainConfig().batch_size


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("epochs=0", ["epochs", "greater than or equal to 1", "0"]),
        ("epochs=many", ["epochs", "integer", "many"]),
        ("learning_rate=nan", ["learning_rate"]),
        ("split.test=0.9", ["split.test", "0.5"]),
        ("backbone=resnet99", ["backbone", "efficientnet-lite0", "resnet99"]),
        ("colour=red", ["no setting", "epochs"]),
        ("augment.colour=1", ["no setting", "augment.flip"]),
        ("augment=1", ["augment"]),
        ("epochs", ["key=value"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(change: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        with_changes(TrainConfig(), [change])
    assert all(word in str(error.value) for word in words)


def test_validation_and_test_leave_something_to_learn_from() -> None:
    with pytest.raises(ConfigError, match="something is left"):
        make_config({"split": {"validation": 0.5, "test": 0.5}})


def test_configs_survive_json() -> None:
    for recipe in RECIPES.values():
        assert make_config(recipe.config.model_dump()) == recipe.config
        assert TrainConfig.model_validate_json(recipe.config.model_dump_json()) == recipe.config


def test_settings_of_before_under_sampling_are_read() -> None:
    older = TrainConfig().model_dump(exclude={"sampling"})
    assert make_config(older | {"over_sampling": True}).sampling == "over-sampling"
    assert make_config(older | {"over_sampling": False}) == TrainConfig()
    assert make_config(older | {"over_sampling": True, "optimizer": "adam"}).optimizer == "adam"
    assert with_changes(TrainConfig(), ["sampling=under-sampling"]).sampling == "under-sampling"
    with pytest.raises(ConfigError, match="'off', 'over-sampling' or 'under-sampling'"):
        make_config(older | {"over_sampling": "perhaps"})


def test_the_tutorial_recipes_have_the_settings_of_their_source() -> None:
    plain, improved = get_recipe("tutorial-cnn").config, get_recipe("tutorial-cnn-improved").config
    for config in (plain, improved):
        assert BACKBONES[config.backbone].input_pixels == 180
        assert (config.batch_size, config.seed, config.split.validation) == (32, 123, 0.2)
        assert (config.learning_rate, config.schedule, config.class_weights) == (0.001, "constant", False)
        assert config.optimizer == "adam"
    assert (plain.epochs, plain.dropout, plain.augment.active) == (10, 0, False)
    assert (improved.epochs, improved.dropout) == (15, 0.2)
    assert improved.augment == AugmentConfig(flip="horizontal", rotation=0.1, zoom=0.1)


@pytest.mark.parametrize(
    "change",
    [
        "batch_size=32",
        "learning_rate=0.01",
        "schedule=constant",
        "loss=focal",
        "label_smoothing=0.1",
        "l1=0.1",
        "dropout=0.2",
        "patience=3",
        "keep_best=true",
    ],
)
def test_a_setting_for_small_steps_makes_the_head_learn_in_steps(change: str) -> None:
    solved = TrainConfig()
    assert solved.solved
    assert with_changes(solved, ["l2=3", "seed=4", "class_weights=false"]).solved
    stepping = with_changes(solved, [change])
    assert stepping.optimizer == "adam"
    assert change.partition("=")[0] in STEPPING
    with pytest.raises(ConfigError, match=f"no use for {change.partition('=')[0]}"):
        with_changes(solved, [change, "optimizer=lbfgs"])
    assert with_changes(stepping, ["optimizer=sgd"]).optimizer == "sgd"


def test_a_copy_is_checked_as_if_it_were_made_anew() -> None:
    config = TrainConfig(epochs=3, split=SplitConfig(test=0.2))
    copy = config.model_copy(update={"dropout": 0.1, "augment": AugmentConfig(flip="horizontal")})
    assert copy == TrainConfig(
        epochs=3, split=SplitConfig(test=0.2), dropout=0.1, augment=AugmentConfig(flip="horizontal")
    )
    assert config.model_copy() == config
    with pytest.raises(ValidationError):
        config.model_copy(update={"epochs": 0})


def test_an_unknown_recipe_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="quick"):
        get_recipe("slow")
