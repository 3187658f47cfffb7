"""Choosing the network, by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.config.backbones import BACKBONES, get_backbone
from core.models.weights_store import place_of, trusted
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
    assert table.value["Here now"].value_counts().to_dict() == {"download": 68, "yes": len(BACKBONES) - 68}
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


def test_where_weights_come_from_and_what_they_are_checked_against_is_said(own_home: Path) -> None:
    def about(name: str) -> str:
        at = opened(name)
        assert at.dataframe[0].value.set_index("Model")["Licence"][BACKBONES[name].title] == BACKBONES[name].licence
        return said(at)

    assert "Weights from" not in about("efficientnet-lite0") + about("hub-efficientnet_b0")
    known = about("efficientnet-v2-b0")
    assert "Weights from storage.googleapis.com, licence: none known." in known
    assert f"against the MD5 that Fieldguide knows: {BACKBONES['efficientnet-v2-b0'].checksum}." in known
    far = about("hgnetv2-b1")
    assert "is downloaded once (26 MB)" in far or "is downloaded once (25 MB)" in far
    assert "Weights from huggingface.co, licence: Apache-2.0. They are checked against the SHA-256 that their" in far
    place = place_of(BACKBONES["hgnetv2-b1"])
    assert place is not None
    place.parent.mkdir()
    place.write_bytes(b"")
    assert "Apache-2.0. No checksum of the file on this computer is known." in about("hgnetv2-b1")
    note = place.with_name(f"{place.name}.json")
    storage.write_json(note, {"sha256": "0f" * 32, "told": True})
    assert f"SHA-256 that their publisher told when they came: {'0f' * 32}." in about("hgnetv2-b1")
    storage.write_json(note, {"sha256": "0f" * 32, "told": False})
    assert f"SHA-256 of what came first, computed here: {'0f' * 32}." in about("hgnetv2-b1")


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
