"""The settings that are folded away: those that mean nothing beside the others are not shown, and do nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from streamlit.testing.v1 import AppTest

from core import Project
from core.config.augmentation import AugmentConfig
from core.config.augmentation_presets import LEVELS
from core.config.estimate import size_of
from core.config.network import NETWORKS, Block, Variation
from core.config.recipes import RECIPES
from core.config.split import SplitConfig
from core.config.training import STEPPING, TrainConfig
from core.system.settings import Slider
from pages.shared.session import state
from pages.shared.ui import forms
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, flat_project


def alone() -> None:
    import streamlit as st

    from core import TrainConfig
    from core.config.training import make_config
    from pages.shared.configure import settings

    config = make_config(st.session_state.get("kept", TrainConfig().model_dump()))
    values = config.model_dump()
    settings.show(config, values, lambda name: f"k {name}")
    st.session_state["kept"] = make_config(values).model_dump()


def opened(**changes: Any) -> AppTest:
    at = AppTest.from_function(alone, default_timeout=60)
    at.session_state["kept"] = TrainConfig(**changes).model_dump()
    return drawn(at)


def drawn(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, at.exception
    return at


def shown(at: AppTest) -> set[str]:
    kinds: tuple[Any, ...] = (at.number_input, at.slider, at.toggle, at.button_group)
    return {str(widget.key).removeprefix("k ") for kind in kinds for widget in kind}


def choose(at: AppTest, optimizer: str) -> AppTest:
    at.button_group(key="k optimizer").set_value(optimizer)
    return drawn(at)


def test_a_solved_head_has_no_settings_for_small_steps() -> None:
    at = opened()
    assert not shown(at) & set(STEPPING)
    assert {"l2", "class_weights", "sampling"} < shown(at)
    assert any("learning rate" in caption.value for caption in at.caption)
    choose(at, "adam")
    assert set(STEPPING) < shown(at)
    assert not any("learning rate" in caption.value for caption in at.caption)
    at.slider(key="k dropout").set_value(0.3)
    drawn(at)
    assert at.session_state["kept"]["dropout"] == 0.3
    choose(at, "lbfgs")
    assert (at.session_state["kept"]["optimizer"], at.session_state["kept"]["dropout"]) == ("lbfgs", 0)


def test_a_network_from_scratch_learns_in_steps_whatever_is_chosen() -> None:
    at = opened(backbone="tutorial-cnn")
    assert set(STEPPING) < shown(at)


def test_the_layers_of_a_network_from_scratch_are_chosen() -> None:
    assert not any("network" in name for name in shown(opened()))
    at = opened(backbone="small-cnn")
    assert at.session_state["kept"]["network"] is None  # its usual ones, untouched
    at.number_input(key="k network small-cnn blocks").set_value(3)
    at.number_input(key="k network small-cnn filters 1").set_value(48)
    at.toggle(key="k network small-cnn batch_norm 0").set_value(True)
    at.number_input(key="k network small-cnn dense").set_value(2)
    drawn(at)
    at.number_input(key="k network small-cnn dense 1").set_value(16)
    at.toggle(key="k network small-cnn pooling 2").set_value(False)
    network = TrainConfig(**drawn(at).session_state["kept"]).architecture
    unpadded = "3 x 3, unpadded"
    assert network.words == (
        f"conv 32 ({unpadded}), batch norm, pool, conv 48 ({unpadded}), pool, conv 32 ({unpadded}), dense 128, dense 16"
    )
    again = opened(**TrainConfig(**at.session_state["kept"]).model_dump())
    assert TrainConfig(**again.session_state["kept"]).architecture == network
    again.selectbox(key="k model").set_value("tutorial-cnn")
    assert drawn(again).session_state["kept"]["network"] is None  # another network begins as it usually is
    again.selectbox(key="k model").set_value("efficientnet-lite0")
    assert drawn(again).session_state["kept"]["network"] is None


def test_a_network_that_cannot_be_built_is_said_before_it_is_trained(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=6)
    project = Project.open(folder)
    tiny = RECIPES["small-cnn"].config
    for blocks in (3, 4):
        config = tiny.model_copy(update={"network": Variation(blocks=blocks).of(tiny.architecture)})
        state.keep_draft(project, config)
        at = visit("pages/2_Configure.py", folder)
        told = words(at).replace("\\", "")
        disabled = next(button for button in at.button if button.label == "Train").disabled
        if blocks == 3:
            assert f"{size_of(config, 3).parameters:,} weights (parameters)" in told
            assert not disabled
        else:
            assert "after block 4 nothing is left" in told + " ".join(str(error.value) for error in at.error)
            assert disabled


RECIPE_SETTINGS = [recipe.config for recipe in RECIPES.values()]
KNOWN: list[BaseModel] = [
    TrainConfig(), *RECIPE_SETTINGS, *(config.split for config in RECIPE_SETTINGS), *NETWORKS["tutorial-cnn"].blocks,
    AugmentConfig(), *LEVELS.values(),
]  # fmt: skip
"""Defaults, and the settings that we ourselves give."""
ASKED = {
    TrainConfig: TrainConfig.model_fields.keys()
    - {"recipe", "backbone", "second_backbone", "split", "augment", "framing", "network"},
    SplitConfig: SplitConfig.model_fields.keys(),
    Block: Block.model_fields.keys(),
    AugmentConfig: AugmentConfig.model_fields.keys(),
}
NUMBERS = [
    (kind, name) for kind in ASKED for name in sorted(ASKED[kind]) if kind.model_fields[name].annotation in (float, int)
]


def all_fields() -> None:
    import streamlit as st

    from pages.shared.ui import forms

    known, asked = st.session_state["settings"]
    st.session_state["told"] = {
        name: forms.field(type(known), name, getattr(known, name), f"k {name}") for name in asked
    }


def form_of(known: BaseModel) -> AppTest:
    at = AppTest.from_function(all_fields, default_timeout=60)
    at.session_state["settings"] = known, sorted(ASKED[type(known)])
    return drawn(at)


def widget(at: AppTest, name: str) -> Any:
    return next(one for one in (*at.number_input, *at.slider) if one.key == f"k {name}")


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{type(known).__name__} {getattr(known, 'recipe', '')}")
def test_every_setting_survives_the_form_untouched(known: BaseModel) -> None:
    told = form_of(known).session_state["told"]
    assert told == {name: getattr(known, name) for name in told}


@pytest.mark.parametrize(("kind", "name"), NUMBERS, ids=lambda value: getattr(value, "__name__", value))
def test_what_we_give_is_on_the_grid_of_its_widget(kind: type[BaseModel], name: str) -> None:
    info = kind.model_fields[name]
    low, high = forms.bounds(info)
    slider = next((mark for mark in info.metadata if isinstance(mark, Slider)), None)
    for value in {getattr(known, name) for known in KNOWN if isinstance(known, kind)}:
        assert low is None or low <= value
        assert high is None or value <= high
        if slider:
            steps = (value - (low or 0)) / slider.step
            assert steps == pytest.approx(round(steps))
            assert (high or 1) / slider.step < 200  # else a pixel of it is more than a step


@pytest.mark.parametrize("value", [3e-8, 1e-5, 0.0003, 0.00031, 0.1])
def test_a_rate_can_be_set_and_set_back(value: float) -> None:
    at = form_of(TrainConfig())
    rate = widget(at, "fine_tune_rate")
    assert rate.step == 0.00001  # a click changes it by little
    rate.set_value(max(value, rate.min))
    assert drawn(at).session_state["told"]["fine_tune_rate"] == pytest.approx(value, abs=1e-6)
    widget(at, "fine_tune_rate").set_value(0.0003)
    assert drawn(at).session_state["told"]["fine_tune_rate"] == 0.0003
    given = form_of(TrainConfig(fine_tune_rate=value, learning_rate=value))
    assert given.session_state["told"]["fine_tune_rate"] == value
    assert widget(given, "fine_tune_rate").min > 0


def test_what_a_search_may_download_is_asked_only_where_it_searches() -> None:
    at = opened()
    assert "minutes" in shown(at)
    assert "download_megabytes" not in shown(at)
    at.number_input(key="k minutes").set_value(5.0)
    drawn(at)
    at.number_input(key="k download_megabytes").set_value(60)
    drawn(at)
    assert at.session_state["kept"]["download_megabytes"] == 60


def test_a_search_is_said_to_take_its_minutes_at_most() -> None:
    from pages.shared.configure.recipes import time_for

    assert time_for(RECIPES["best"].config, 10) == "at most 20 min with your pictures"
    assert time_for(RECIPES["quick"].config, 10) == "a few seconds with your pictures"
    scratch = RECIPES["tutorial-cnn"].config.model_copy(update={"minutes": 5.0})  # which does not search
    assert not time_for(scratch, 10).startswith("at most")
