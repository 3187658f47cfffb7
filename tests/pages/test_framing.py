"""What the model sees of a picture, as Configure shows it and lets it be chosen, and as other pages then tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import Project
from core.config.framing import Framing
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, shaded

CONFIGURE, PICTURES = "pages/2_Configure.py", "pages/1_Pictures.py"
TOLD = "the model sees only the middle 20 % of them"


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    for name, colour in COLOURS.items():
        (tmp_path / "wide" / name).mkdir(parents=True)
        for number in range(6):
            shaded(colour, number, (200, 40)).save(tmp_path / "wide" / name / f"{number}.png")
    return tmp_path / "wide"


def test_the_fit_is_the_projects(wide: Path) -> None:
    at = visit(CONFIGURE, wide)
    assert TOLD in words(at)
    assert any("the centre square" in box.label for box in at.expander)
    at.radio(key=f"framing fit 0 {wide}").set_value("letterbox").run()
    assert not at.exception
    assert TOLD not in words(at)
    assert any("the whole picture, with borders" in box.label for box in at.expander)
    assert Project.open(wide).framing() == Framing(fit="letterbox")
    Project.open(wide).keep_framing(Framing(fit="squeeze"))  # on the command line, say
    assert visit(CONFIGURE, wide).run().radio(key=f"framing fit 0 {wide}").value == "squeeze"
    at.run()
    assert at.radio(key=f"framing fit 1 {wide}").value == "squeeze"
    assert Project.open(wide).framing() == Framing(fit="squeeze")


def test_a_part_of_the_picture_is_chosen_and_given_up(wide: Path) -> None:
    at = visit(CONFIGURE, wide)
    at.toggle(key=f"framing part 0 {wide}").set_value(True).run()
    assert Project.open(wide).framing() == Framing()
    at.slider(key=f"framing across 0 {wide}").set_value((60, 100)).run()
    assert Project.open(wide).framing() == Framing(region=(0.6, 0, 1, 1))
    at.slider(key=f"framing down 0 {wide}").set_value((50, 52)).run()
    assert "At least 10% of the width and of the height" in words(at)
    assert Project.open(wide).framing() == Framing(region=(0.6, 0, 1, 1))
    at.toggle(key=f"framing part 0 {wide}").set_value(False).run()
    assert not at.exception
    assert Project.open(wide).framing() == Framing()


def test_the_pictures_tell_what_is_seen_of_them(wide: Path) -> None:
    seen = "Each picture is shown as the model sees it"
    at = visit(PICTURES, wide)
    assert TOLD in words(at)
    assert f"{seen}: the centre square" in words(at)
    Project.open(wide).keep_framing(Framing(fit="squeeze"))
    at.run()
    assert TOLD not in words(at)
    assert f"{seen}: the whole picture, squeezed into a square" in words(at)


def test_usual_photos_are_not_talked_about(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(4):
            shaded(colour, number, (96, 72)).save(folder / name / f"{number}.png")
    assert "the model sees" not in words(visit(PICTURES, folder))
    assert "the model sees" not in words(visit(CONFIGURE, folder))
