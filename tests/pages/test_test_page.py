"""The Test page: many pictures, not sure, putting right, models from files; and what the server answers to it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from core import Project, Run
from core.config.framing import Framing
from core.datasets import importing, labels
from core.datasets.edit_journal import HIDDEN
from core.inference.classifier import Classifier
from core.inference.decision import Decision, keep_decision
from pages.shared.http import routes
from tests import asgi
from tests.pages.test_pages import button, visit, words
from tests.pictures import COLOURS, encoded, shaded, zipped
from tests.runs import copy_with

PAGE = "pages/5_Test.py"
APP = Starlette(routes=routes.ROUTES)


def picture(colour: str, seed: int) -> bytes:
    return encoded(shaded(COLOURS[colour], seed), "JPEG", quality=95)


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> tuple[Path, Run]:
    """The colours and their run, to be changed."""
    copy_with(trained, tmp_path / "p")
    return tmp_path / "p", Run(tmp_path / "p" / HIDDEN / "runs" / trained.id)


def given(at: AppTest, files: dict[str, bytes], key: str = "files") -> AppTest:
    at.file_uploader(key=key).set_value([(name, content, "") for name, content in files.items()])
    at.run()
    assert not at.exception, at.exception
    return at


def plain(at: AppTest) -> str:
    return words(at).replace("\\", "").replace("\u2060", "")


def test_many_pictures_become_a_table(trained: Run, colours: Path, tmp_path: Path) -> None:
    at = visit(PAGE, colours, run=trained.id)
    inside = zipped({"a/1.jpg": picture("blue", 101), "a/2.jpg": picture("green", 102), "a/notes.md": b"x"})
    given(at, {"=red.jpg": picture("red", 100), "more.zip": inside, "bad.jpg": b"x"})
    table = at.dataframe[0].value
    assert list(table["answer"]) == ["red", "blue", "green"]
    assert list(table["file"]) == ["'=red.jpg", "a/1.jpg", "a/2.jpg"]
    assert all(shown.startswith("data:image/jpeg;base64,") for shown in table["picture"])
    assert table["how sure"].between(34, 100).all()
    assert "bad.jpg could not be read: not a picture" in plain(at)
    assert "**3 pictures**" in plain(at)


def test_folders_called_as_the_classes_are_a_test_set_of_ones_own(trained: Run, colours: Path, tmp_path: Path) -> None:
    for number, (colour, folder) in enumerate(
        [("red", "Red"), ("red", "blue"), ("green", "green"), ("blue", "purple")]
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(picture(colour, 500 + number))
    shutil.copy(next((colours / "blue").iterdir()), tmp_path / "blue")
    at = visit(PAGE, colours, run=trained.id)
    at.text_input(key="test folder").set_value(str(tmp_path)).run()
    assert not at.exception, at.exception
    said = plain(at)
    assert "3 of 4 right" in [heading.value for heading in at.header]
    assert "75 % of your own test set" in said
    assert "Not counted: 1 picture of no class that it knows (purple)." in said
    assert "1 of these pictures is among those that it learned from" in said
    assert sorted(at.dataframe[1].value["is"]) == ["Red", "blue", "blue", "green", "purple"]


def test_a_folder_on_this_computer(trained: Run, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / "b").mkdir(parents=True)
    for number, colour in enumerate(COLOURS):
        (tmp_path / "new" / f"{colour}.jpg").write_bytes(picture(colour, 200 + number))
    at = visit(PAGE, colours, run=trained.id)
    at.text_input(key="test folder").set_value(str(tmp_path / "new")).run()
    assert list(at.dataframe[0].value["answer"]) == list(COLOURS)
    (tmp_path / "new" / "blue.jpg").write_bytes(picture("red", 210))
    at.run()
    assert list(at.dataframe[0].value["answer"]) == ["red", "green", "red"]
    at.text_input(key="test folder").set_value(str(tmp_path / "nowhere")).run()
    assert "There is no file or folder" in plain(at)


def test_below_the_threshold_it_is_not_sure(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    at = visit(PAGE, folder, run=run.id)
    assert "## red" in plain(given(at, {"r.jpg": picture("red", 300)}))
    keep_decision(run.folder, Decision(threshold=1.0))
    said = plain(at.run())
    assert "## Not sure" in said
    assert "Perhaps **red**" in said
    given(at, {"r.jpg": picture("red", 300), "g.jpg": picture("green", 301)})
    table = at.dataframe[0].value
    assert list(table["answer"]) == ["not sure", "not sure"]
    assert list(table["perhaps"]) == ["red", "green"]


def test_a_wrong_answer_is_put_right_by_one_click(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    at = given(visit(PAGE, folder, run=run.id), {"**odd** red.jpg": picture("red", 400)})
    before = len(Project.open(folder).scan().pictures)
    next(pills for pills in at.pills if pills.key and pills.key.startswith("right ")).set_value("blue").run()
    assert not at.exception, at.exception
    catalogue = Project.open(folder).scan()
    assert len(catalogue.pictures) == before + 1
    assert [p.class_name for p in catalogue.pictures if "odd" in p.path] == ["blue"]
    assert "Added to **blue**. Train again" in plain(at)
    next(b for b in at.button if b.label.startswith("Undo")).click().run()
    assert not at.exception, at.exception
    assert len(Project.open(folder).scan().pictures) == before


def test_a_class_that_is_set_aside_is_not_taught(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    labels.set_aside(Project.open(folder), "blue", aside=True)
    at = given(visit(PAGE, folder, run=run.id), {"odd.jpg": picture("red", 400)})
    offered = next(pills for pills in at.pills if pills.key and pills.key.startswith("right "))
    assert offered.options == ["green", "red"]
    next(box for box in at.text_input if box.key and box.key.startswith("new ")).set_value("Blue").run()
    assert "That class is set aside: take it back in to train on it." in plain(at)
    assert "Train again" not in plain(at)


def test_what_became_of_it_is_told_until_the_next_training(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    at = correct(given(visit(PAGE, folder, run=run.id), {"odd.jpg": picture("red", 400)}), "blue")
    assert "Train again to learn from it." in plain(at)
    shutil.copytree(run.folder, run.folder.with_name("later"))
    at.query_params["run"] = "later"
    at.run()
    assert not at.exception, at.exception
    assert "Added to" not in plain(at)


def correct(at: AppTest, to: str) -> AppTest:
    next(pills for pills in at.pills if pills.key and pills.key.startswith("right ")).set_value(to).run()
    assert not at.exception, at.exception
    return at


def undo(at: AppTest) -> list[str]:
    return [button.label for button in at.button if button.label.startswith("Undo")]


def test_after_undo_the_classes_are_offered_again(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    at = correct(given(visit(PAGE, folder, run=run.id), {"odd.jpg": picture("red", 400)}), "blue")
    assert "Added to" in plain(at)
    next(b for b in at.button if b.label.startswith("Undo")).click().run()
    assert "Added to" not in plain(at)
    assert not undo(at)
    assert "Added to **green**. Train again" in plain(correct(at, "green"))
    assert [p.class_name for p in Project.open(folder).scan().pictures if "odd" in p.path] == ["green"]


def test_undo_is_offered_only_while_it_is_of_this_picture(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    at = correct(given(visit(PAGE, folder, run=run.id), {"odd.jpg": picture("red", 400)}), "blue")
    assert undo(at)
    labels.new_class(Project.open(folder), "yellow")
    at.run()
    assert not undo(at)
    assert "Added to" not in plain(at)


def test_a_picture_that_is_there_already_is_said_and_nothing_else(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    labels.new_class(Project.open(folder), "yellow")
    content = (folder / "red" / "000.png").read_bytes()
    at = correct(given(visit(PAGE, folder, run=run.id), {"again.png": content}), "red")
    assert ["the same picture is here already" in toast.value for toast in at.toast] == [True]
    assert "Train again" not in plain(at)
    assert not undo(at)
    assert "yellow" in Project.open(folder).scan().classes


@pytest.mark.parametrize("added", [False, True], ids=["as it lies there", "stored without its EXIF data"])
def test_a_picture_that_is_in_another_class_is_moved(copied: tuple[Path, Run], added: bool) -> None:
    folder, run = copied
    content = (folder / "red" / "000.png").read_bytes()
    if added:
        exif = Image.Exif()
        exif[0x010E] = "what is on it"
        content = encoded(shaded(COLOURS["red"], 400), "JPEG", exif=exif)
        importing.take(Project.open(folder), importing.from_pictures([("new.jpg", content)]).into("red"))
    before = Project.open(folder).scan()
    at = correct(given(visit(PAGE, folder, run=run.id), {"again.jpg": content}), "blue")
    after = Project.open(folder).scan()
    assert len(after.pictures) == len(before.pictures)
    assert len(after.by_class["blue"]) == len(before.by_class["blue"]) + 1
    assert "moved from **red** to **blue**. Train again" in plain(at)
    next(b for b in at.button if b.label.startswith("Undo")).click().run()
    assert Project.open(folder).scan().counts == before.counts


def test_a_new_class_may_be_typed(copied: tuple[Path, Run]) -> None:
    folder, run = copied
    at = given(visit(PAGE, folder, run=run.id), {"x.jpg": picture("red", 500)})
    box = next(box for box in at.text_input if box.key and box.key.startswith("new "))
    box.set_value("../evil").run()
    assert "cannot be the name of a class" in plain(at)
    assert "evil" not in " ".join(Project.open(folder).scan().classes)
    next(box for box in at.text_input if box.key and box.key.startswith("new ")).set_value("$rust$").run()
    assert "$rust$" in Project.open(folder).scan().classes
    assert "Added to **$rust$**" in plain(at)


def alone() -> None:
    import streamlit as st

    from core import Project
    from core.runs.lifecycle import list_runs
    from pages.shared.predict import model, one
    from pages.shared.ui.page import Here

    project = Project.open(st.session_state["folder"])
    runs = list_runs(project)
    if st.toggle("Ask", value=True, key="asking"):
        model.ask()
    here = Here(project, project.scan(), runs[0].snapshot() if runs else None)
    one.ask(here, model.choose(here), "r.jpg", st.session_state["content"])


def asking(folder: Path) -> AppTest:
    at = AppTest.from_function(alone, default_timeout=60)
    at.session_state["folder"] = str(folder)
    at.session_state["content"] = picture("red", 600)
    at.run()
    assert not at.exception, at.exception
    return at


@pytest.fixture
def model_zip(trained: Run) -> bytes:
    return zipped({name: (trained.folder / name).read_bytes() for name in ("model.tflite", "fieldguide.json")})


def test_a_model_file_is_opened_and_left_again(copied: tuple[Path, Run], model_zip: bytes) -> None:
    folder, _ = copied
    at = given(asking(folder), {"bad.zip": b"no zip"}, "model file")
    assert "bad.zip: This is not a whole zip file" in plain(at)
    at = given(asking(folder), {"**my** model.zip": model_zip}, "model file")
    assert "This is a model from a file: ****my** model.zip**. It tells 3 classes apart" in plain(at)
    assert "## red" in plain(at)
    at.toggle(key="asking").set_value(False).run()
    button(at, "Back to this project's model").click().run()
    assert "model from a file" not in plain(at)
    assert "## red" in plain(at)


def test_without_a_training_a_model_file_can_be_tested(copied: tuple[Path, Run], model_zip: bytes) -> None:
    folder, run = copied
    shutil.rmtree(run.folder.parent)  # other tests may have trained with it, too
    button(visit(PAGE, folder), "Open a model file")
    at = asking(folder)
    assert "There is no model yet" in plain(at)
    at = given(at, {"m.zip": model_zip}, "model file")
    assert "## red" in plain(at)


class Slow(Classifier):
    """Answers when it is told to; its answer is always the same."""

    def __init__(self) -> None:
        self.classes, self.pixels, self.threshold = ("a", "b"), 8, 0.5
        self.framing = Framing()
        self.asked, self.go = threading.Event(), threading.Event()
        self.go.set()

    def probabilities(self, square: np.ndarray) -> np.ndarray:
        self.asked.set()
        assert self.go.wait(60)
        return np.array([0.75, 0.25], np.float32)


JPEG = {"content-type": "image/jpeg"}


def post(path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    status, _, content = asyncio.run(
        asgi.answer(APP, "POST", path, body, JPEG | {k.replace("_", "-"): v for k, v in headers.items()})
    )
    return status, content


def test_a_live_picture_is_answered() -> None:
    url = routes.live_url(Slow(), "one")
    status, content = post(url, picture("red", 1), origin="http://localhost", sec_fetch_site="same-origin")
    assert status == 200
    assert b'"probabilities":[0.75,0.25],"sure":true' in content


def test_a_live_picture_from_elsewhere_or_of_another_kind_is_not() -> None:
    url, content = routes.live_url(Slow(), "two"), picture("red", 1)
    assert post("/live/guess", content)[0] == 404
    assert post(url, content, origin="http://evil.example")[0] == 403
    assert post(url, content, origin="null")[0] == 403
    assert post(url, content, sec_fetch_site="cross-site")[0] == 403
    assert post(url, content, content_type="text/plain")[0] == 403
    assert post(url, b"x" * (routes.MAX_LIVE + 1))[0] == 413
    assert post(url, b"\xff\xd8\xffno picture")[0] == 422
    assert post(url, content)[0] == 200


def test_a_live_picture_never_waits_for_another() -> None:
    model = Slow()
    model.go.clear()
    url, content = routes.live_url(model, "three"), picture("red", 1)

    async def both() -> tuple[int, int]:
        first = asyncio.create_task(asgi.answer(APP, "POST", url, content, JPEG))
        await asyncio.to_thread(model.asked.wait, 60)
        second, *_ = await asgi.answer(APP, "POST", url, content, JPEG)
        model.go.set()
        return (await first)[0], second

    assert asyncio.run(both()) == (200, 429)
    assert post(url, content)[0] == 200


def test_only_the_last_models_are_known() -> None:
    urls = [routes.live_url(Slow(), f"number {number}") for number in range(40)]
    assert post(urls[0], picture("red", 1))[0] == 404
    assert post(urls[-1], picture("red", 1))[0] == 200


def test_row_55_two_files_of_one_name_and_size_are_two_downloads(tmp_path: Path) -> None:
    contents = [b"a" * 3_000_000 + bytes([number]) + b"b" * 3_000_000 for number in range(2)]
    urls = []
    for number, content in enumerate(contents):
        (tmp_path / str(number)).mkdir()
        file = tmp_path / str(number) / "model.zip"
        file.write_bytes(content)
        urls.append(routes.file_url(file))
    answers = [asgi.ask(APP, "GET", url) for url in urls]
    assert [content for _, _, content in answers] == contents
    assert all('attachment; filename="model.zip"' in headers["content-disposition"] for _, headers, _ in answers)
    assert asgi.ask(APP, "GET", "/file/guess")[0] == 404
