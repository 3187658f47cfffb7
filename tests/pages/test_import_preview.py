"""What the page says of an import before anything is taken, and what can be chosen there."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import Project
from pages.shared.http import arriving
from tests.pages.test_pages import button, words
from tests.pictures import COLOURS, encoded, flat_project, noise, shaded, zipped


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "p", COLOURS, each=2)


def labelled(folder: Path, table: str) -> Path:
    """Pictures called red_0.png and so on, beside a table."""
    folder.mkdir()
    for name, colour in COLOURS.items():
        for number in range(4):
            shaded(colour, 50 + number).save(folder / f"{name}_{number}.png")
    (folder / "labels.csv").write_text(table)
    return folder


def _way(root: str, way: str) -> None:
    """What the dialog shows of one way to add pictures; AppTest closes a dialog at each step."""
    from core import Project
    from pages.shared.pictures import add

    {"files": add._files, "place": add._place}[way](Project.open(root))


def chosen_place(project: Path, place: Path) -> AppTest:
    at = AppTest.from_function(_way, args=(str(project), "place"), default_timeout=60).run()
    at.text_input(key="place").set_value(str(place)).run()
    assert not at.exception, at.exception
    return at


def arrive(at: AppTest, files: dict[str, bytes]) -> None:
    """Lets files arrive in the tab, as a browser sends them, by their paths."""
    arrivals = arriving._KNOWN[at.session_state["arriving"]]
    for path, content in files.items():
        with arrivals.receiving(path, len(content)) as write:
            write(content)
    at.run()
    assert not at.exception, at.exception


def box(at: AppTest, label: str) -> object:
    return next(each for each in at.selectbox if each.label == label)


LINES = [f"{name}_{n}.png,{n % 2 + 1},{name}" for name in COLOURS for n in range(4)]
TABLE = "\n".join(["photo,side,label", *LINES, "gone.png,1,red"])


def test_a_table_is_said_and_its_columns_can_be_chosen(project: Path, tmp_path: Path) -> None:
    at = chosen_place(project, labelled(tmp_path / "source", TABLE))
    said = words(at).replace("\\", "")
    assert "The table labels.csv names the pictures in the column photo and the classes in the column label." in said
    assert "red · 4" in said
    assert "Left out: 1 file, no such file here." in said
    assert len(at.get("image")) == 3
    assert box(at, "Column of the classes").options == ["side", "label"]
    box(at, "Column of the classes").set_value("side").run()
    assert "1 · 6" in words(at).replace("\\", "")
    button(at, "As it was recognised").click().run()
    assert "red · 4" in words(at).replace("\\", "")
    box(at, "The classes come from").set_value("names").run()
    said = words(at).replace("\\", "")
    assert "The names of the pictures begin with their classes" in said
    assert not [each for each in at.selectbox if each.label == "Column of the classes"]
    assert len(Project.open(project).scan().pictures) == 6
    button(at, "Add 12 pictures").click().run()
    assert not at.exception, at.exception
    assert Project.open(project).scan().counts == dict.fromkeys(COLOURS, 6)


def test_pictures_without_anything_to_choose_stay_short(project: Path) -> None:
    at = AppTest.from_function(_way, args=(str(project), "files"), default_timeout=60).run()
    arrive(at, {f"{n}.png": encoded(noise(n)) for n in range(3)})
    said = words(at)
    assert "**files**: 3 pictures." in said
    assert [each.label for each in at.selectbox] == ["What is on these pictures?"]
    assert "Left out" not in said
    assert not [each for each in at.button if each.label == "As it was recognised"]


def test_a_folder_a_zip_and_what_is_neither_arrive_together(project: Path) -> None:
    at = AppTest.from_function(_way, args=(str(project), "files"), default_timeout=60).run()
    assert not at.button
    in_zip = {f"set/{name}/{n}.png": encoded(shaded(COLOURS[name], 50 + n)) for name in COLOURS for n in range(2)}
    in_folder = {f"new/{name}/a.png": encoded(shaded(COLOURS[name], 7)) for name in ("red", "blue")}
    arrive(at, {**in_folder, "set.zip": zipped(in_zip)})
    said = words(at).replace("\\", "")
    assert "**new**: 2 pictures in 2 classes" in said
    assert "**set.zip**: 6 pictures in 3 classes" in said
    arrive(at, {"bad.zip": b"no zip"})
    assert "bad.zip: This is not a whole zip file" in words(at).replace("\\", "")
    folder = arriving._KNOWN[at.session_state["arriving"]].folder
    assert folder.is_dir()
    button(at, "Add 8 pictures").click().run()
    assert not at.exception, at.exception
    assert Project.open(project).scan().counts == {"red": 5, "green": 4, "blue": 5}
    assert not folder.exists()


def test_many_classes_are_cut_short(project: Path, tmp_path: Path) -> None:
    for number in range(15):
        (tmp_path / "many" / f"kind {number:02}").mkdir(parents=True)
        noise(number).save(tmp_path / "many" / f"kind {number:02}" / "1.png")
    said = words(chosen_place(project, tmp_path / "many"))
    assert "kind 11" in said
    assert "kind 12" not in said
    assert "and 3 more classes" in said


def test_a_folder_that_is_opened_for_the_first_time_says_what_it_was_taken_for(project: Path, tmp_path: Path) -> None:
    (project / "red" / "scan.jxl").write_bytes(b"II*")
    at = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=60).run()
    at.text_input(key="folder").set_value(str(project))
    at.button(key="FormSubmitter:open a folder-Open").click().run()
    at.switch_page("pages/1_Pictures.py").run()
    assert not at.exception, at.exception
    said = words(at).replace("\\", "")
    assert "**Classes:** blue · 2, green · 2, red · 2" in said
    assert "1 JPEG XL picture is not read: save them as PNG or JPEG." in said
    button(at, "Understood").click().run()
    assert "**Classes:**" not in words(at)
