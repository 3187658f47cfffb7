"""Choosing the network, by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.config.backbones import BACKBONES, get_backbone
from core.models.weights_store import trusted
from core.system import storage


def alone() -> None:
    import streamlit as st

    from core.config.training import TrainConfig
    from pages.shared.configure import models

    start = st.session_state.get("start", "efficientnet-lite0")
    st.session_state["chosen"] = models.show(TrainConfig(backbone=start), lambda name: f"k {name}")


def opened(start: str = "efficientnet-lite0") -> AppTest:
    at = AppTest.from_function(alone, default_timeout=60)
    at.session_state["start"] = start
    at.run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    return " ".join(caption.value for caption in at.caption).replace("\\", "")


def test_the_common_ones_come_first_and_all_are_there(own_home: Path) -> None:
    at = opened()
    (box,) = at.selectbox
    assert len(box.options) == len(BACKBONES) + 1
    assert box.options[0].startswith("EfficientNet-Lite0:")
    assert "downloaded" not in said(at)
    (table,) = at.dataframe
    assert len(table.value) == len(BACKBONES)
    assert table.value["Here now"].value_counts().to_dict() == {"download": 64, "yes": len(BACKBONES) - 64}
    assert table.value["Time"].isna().all()


def test_what_is_not_here_is_said_with_its_size(own_home: Path) -> None:
    storage.write_json(own_home / "speeds.json", {"efficientnet-lite0": 5.0, "resnet50": 20, "x": "nonsense"})
    at = opened()
    at.selectbox[0].select("resnet50").run()
    assert at.session_state["chosen"] == "resnet50"
    assert "23.6 million weights" in said(at)
    assert "downloaded once (94 MB)" in said(at)
    assert "4.0 times as long" in said(at)
    table = at.dataframe[0].value.set_index("Model")["Time"]
    assert table["ResNet50"] == 4.0
    assert table["EfficientNet-Lite0"] == 1.0


def test_another_module_is_asked_for_once(own_home: Path) -> None:
    at = opened()
    at.selectbox[0].select("elsewhere").run()
    assert at.session_state["chosen"] == "efficientnet-lite0"
    at.text_input[0].input("http://example.org/module").run()
    assert "not the place of a Hub module" in at.error[0].value.replace("\\", "")
    assert at.session_state["chosen"] == "efficientnet-lite0"
    at.text_input[0].input("https://example.org/module/1").run()
    at.number_input[0].set_value(96).run()
    name = "hub:https://example.org/module/1#96"
    assert at.session_state["chosen"] == name
    assert "know who made it" in at.warning[0].value
    assert not trusted(get_backbone(name))
    at.button[0].click().run()
    assert trusted(get_backbone(name))
    assert not at.warning
    assert at.session_state["chosen"] == name


@pytest.mark.parametrize("module", ["hub:https://example.org/**bold**/1#64", "hub:https://tfhub.dev/google/x/1"])
def test_a_module_that_was_chosen_before_is_shown(own_home: Path, module: str) -> None:
    at = opened(module)
    assert at.text_input[0].value == get_backbone(module).handle
    assert at.number_input[0].value == get_backbone(module).input_pixels
    assert get_backbone(at.session_state["chosen"]).handle == get_backbone(module).handle
