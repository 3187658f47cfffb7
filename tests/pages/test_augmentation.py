"""The part of Configure about changes at random, by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import Project
from core.config.augmentation import AugmentConfig
from core.config.augmentation_presets import LEVELS
from core.system.errors import PictureError
from pages.shared.configure import augmentation
from tests.pictures import COLOURS, flat_project


def part(root: str) -> None:
    """The part as Configure shows it: choose, then the preview; the settings are kept in the session."""
    import streamlit as st

    from core import Project, TrainConfig
    from core.config.training import make_config
    from core.datasets.splits import make_split
    from pages.shared.configure import augmentation

    project = Project.open(root)
    config = make_config(st.session_state.get("kept", TrainConfig().model_dump()))
    values = config.model_dump()
    place = augmentation.choose(config, values, lambda name: f"{name} 0")
    st.session_state["kept"] = values
    config = make_config(values)
    with place:
        augmentation.preview(project, make_split(project.scan(), config.split, config.seed), config)


def show(root: Path) -> AppTest:
    at = AppTest.from_function(part, args=(str(root),), default_timeout=60).run()
    assert not at.exception, at.exception
    return at


def level(at: AppTest, name: str) -> AppTest:
    next(group for group in at.button_group if group.key == "augmentation level 0").set_value(name)
    at.run()
    assert not at.exception, at.exception
    return at


def changes(at: AppTest) -> Any:
    return AugmentConfig.model_validate(at.session_state["kept"]["augment"])


def pictures(at: AppTest) -> list[Any]:
    return list(at.get("image"))


def captions(at: AppTest) -> str:
    return "\n".join(caption.value for caption in at.caption)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=6)).root


def test_every_setting_lies_in_one_group() -> None:
    names = [name for group in augmentation.GROUPS.values() for name in group]
    assert sorted(names) == sorted(AugmentConfig.model_fields)


def test_each_level_is_taken_over_and_shown_nine_times(project: Path) -> None:
    at = show(project)
    assert changes(at) == LEVELS["off"]
    for name, config in LEVELS.items():
        level(at, name)
        assert changes(at) == config
        assert len(pictures(at)) == (9 if config.active else 0)  # nine times the same would tell nothing
    before = [image.proto.imgs[0].url for image in pictures(at)]
    next(button for button in at.button if button.label == "Another picture").click().run()
    assert [image.proto.imgs[0].url for image in pictures(at)] != before


def test_one_by_one_shows_each_change_with_its_name(project: Path) -> None:
    at = level(show(project), "light")
    next(group for group in at.button_group if group.key == "augmentation preview").set_value("One by one").run()
    assert [image.proto.imgs[0].caption for image in pictures(at)] == [
        "Mirror",
        "Nearer and farther",
        "Shift",
        "Darker and brighter",
    ]


def test_own_starts_from_the_level_and_asks_for_every_change(project: Path) -> None:
    at = level(level(show(project), "medium"), "own")
    assert changes(at) == LEVELS["medium"]
    next(slider for slider in at.slider if slider.key == "augment perspective 0").set_value(0.3).run()
    assert changes(at) == LEVELS["medium"].model_copy(update={"perspective": 0.3})
    asked = {widget.key for kind in (at.slider, at.number_input, at.button_group) for widget in kind}
    assert {f"augment {name} 0" for name in AugmentConfig.model_fields if name != "magnitude"} <= asked
    assert "augment magnitude 0" not in asked
    next(number for number in at.number_input if number.key == "augment rand_augment 0").set_value(2).run()
    assert changes(at).rand_augment == 2
    at.run()
    assert any(widget.key == "augment magnitude 0" for kind in (at.slider, at.number_input) for widget in kind)
    assert changes(level(level(at, "off"), "own")).perspective == 0.3  # what was chosen comes back


def test_mixing_is_shown_with_what_the_label_says(project: Path) -> None:
    at = level(show(project), "own")
    next(number for number in at.number_input if number.key == "augment cutmix 0").set_value(1.0).run()
    assert not at.exception, at.exception
    assert len(pictures(at)) == 3
    said = [image.proto.imgs[0].caption for image in pictures(at)]
    assert any(sum(name in text for name in COLOURS) == 2 and "%" in text for text in said)


def test_flipping_what_has_a_left_and_a_right_is_warned_of(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", {"arrow left": (40, 70, 200), "arrow right": (200, 50, 40)}, each=6)
    at = show(Project.open(folder).root)
    assert "arrow left" not in captions(at)
    assert "arrow left speaks of left or right" in captions(level(at, "light"))


def test_a_picture_that_went_bad_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise PictureError("the file is gone")

    monkeypatch.setattr(augmentation, "read_square", gone)
    assert "the file is gone" in captions(level(show(project), "light"))
