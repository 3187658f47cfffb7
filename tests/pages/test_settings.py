"""The settings that are folded away: those that mean nothing beside the others are not shown, and do nothing."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from core.config import STEPPING, TrainConfig


def alone() -> None:
    import streamlit as st

    from core import TrainConfig
    from core.config import make_config
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
    assert {"l2", "class_weights"} < shown(at)
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
