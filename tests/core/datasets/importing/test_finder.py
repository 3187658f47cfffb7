"""Which file a table means."""

from __future__ import annotations

import pytest

from core.datasets.importing.finder import Finder


@pytest.mark.parametrize(
    "wanted",
    ["C:\\bilder\\PIC1.PNG?w=200", "https://example.org/set/pic1.png?v=2#top", "pic1.png#xywh=1,2,3,4", "pic1?w=9"],
)
def test_what_an_address_asks_for_is_no_part_of_the_name(wanted: str) -> None:
    found = Finder(["set/pic1.png", "set/pic2.png"]).find(wanted)
    assert found
    assert found.name == "set/pic1.png"


def test_a_file_that_is_called_so_is_the_one() -> None:
    found = Finder(["pic1.png", "pic1.png?w=200", "a#1.png", "a.png"])
    assert [found.find(name).name for name in ("pic1.png?w=200", "a#1.png")] == ["pic1.png?w=200", "a#1.png"]  # type: ignore[union-attr]
