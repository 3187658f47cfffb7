from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.changes import with_changes
from core.config.framing import FITS, Framing
from core.config.training import TrainConfig, make_config
from core.system.errors import ConfigError

sides = st.integers(1, 5000)
edges = st.tuples(st.floats(0, 0.9), st.floats(0.1, 1)).map(
    lambda pair: (pair[0], min(1, pair[0] + max(0.11, pair[1])))
)


@given(sides, sides, st.integers(1, 608), st.sampled_from(list(FITS)), edges, edges)
def test_what_is_taken_lies_in_the_picture_and_what_is_made_in_the_square(
    width: int, height: int, pixels: int, fit: str, across: tuple[float, float], down: tuple[float, float]
) -> None:
    if min(across[1] - across[0], down[1] - down[0]) < 0.105:
        return
    framing = Framing.model_validate({"fit": fit, "region": (across[0], down[0], across[1], down[1])})
    placed = framing.place(width, height, pixels)
    left, top, right, bottom = placed.box
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    for offset, size in zip(placed.offset, placed.size, strict=True):
        assert size >= 1
        assert offset >= 0
        assert offset + size <= pixels
    assert max(placed.size) == pixels
    if fit == "crop":
        assert right - left == bottom - top


@given(sides, sides)
def test_the_usual_one_is_the_centre_square(width: int, height: int) -> None:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    assert Framing().place(width, height, 224).box == (left, top, left + side, top + side)


def test_a_whole_picture_keeps_its_shape_between_borders() -> None:
    placed = Framing(fit="letterbox").place(640, 160, 200)
    assert (placed.box, placed.size, placed.offset) == ((0, 0, 640, 160), (200, 50), (0, 75))
    assert Framing(fit="squeeze").place(640, 160, 200).size == (200, 200)


@pytest.mark.parametrize(
    "region", ["0.1,0,0.12,1", "0.9,0,0.1,1", "0,0,1", "a,b,c,d", "0,0,1.5,1", "0,0,1,1,1", "nan,0,1,1", '"0",0,1,1']
)
def test_a_region_that_is_none_is_refused_with_words(region: str) -> None:
    with pytest.raises(ConfigError, match=r"framing\.region") as error:
        with_changes(TrainConfig(), [f"framing.region=[{region}]"])
    assert "Traceback" not in str(error.value)


def test_it_is_a_setting_like_others_and_left_to_the_project_where_nothing_is_said() -> None:
    assert TrainConfig().framing is None
    assert TrainConfig().input_framing == Framing()
    config = with_changes(TrainConfig(), ["framing.fit=letterbox", "framing.region=[0.1,0,0.9,1]"])
    assert config.framing == Framing(fit="letterbox", region=(0.1, 0, 0.9, 1))
    assert make_config(config.model_dump(mode="json")) == config


def test_marks_tell_framings_apart_and_the_usual_one_has_none() -> None:
    framings = [Framing(fit=fit, region=region) for fit in FITS for region in ((0, 0, 1, 1), (0.1, 0, 0.9, 1))]  # type: ignore[arg-type]
    assert len({framing.mark for framing in framings}) == len(framings) == len({framing.words for framing in framings})
    assert Framing().mark == ""
