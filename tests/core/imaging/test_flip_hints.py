from __future__ import annotations

import pytest

from core.imaging.flip_hints import side_word


@pytest.mark.parametrize(
    "name",
    [
        *("left", "Turn Right", "arrow_left", "handLeft", "Linkskurve links", "à gauche", "DERECHA", "vänster"),
        *("правый", "左", "b", "Б", "7", "two", "FÜNF", "letter d", "Ziffer 3", "→", "a -> b"),
    ],
)
def test_names_that_a_mirror_may_change(name: str) -> None:
    said = side_word(["cat", name])
    assert f"The class {name} " in said
    assert said.endswith("may harm.")


@pytest.mark.parametrize(
    "names",
    [
        ["daisy", "tulip"],
        ["class 0", "class 1"],
        ["bright", "leftovers"],
        ["one-legged gull", "two swans"],
        ["猫", "犬"],
        [],
    ],
)
def test_names_that_say_nothing_of_it(names: list[str]) -> None:
    assert side_word(names) == ""
