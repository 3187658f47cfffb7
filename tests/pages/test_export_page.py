"""The Export page without a browser: what it offers, what it says of a file, and what it shows of one that errs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import Run
from core.config.export_formats import ALL, possible_kinds
from core.export.exports import exports_folder
from core.system import signing
from pages.shared.ui.text import literal
from tests.pages.test_pages import button, visit, words

PAGE = "pages/6_Export.py"


@pytest.fixture
def told(trained: Run) -> Iterator[Run]:
    """Reports as the export process leaves them: one file as trained, one that errs on two pictures of six."""
    run = Run(trained.folder.with_name("told"))
    shutil.copytree(trained.folder, run.folder, ignore=shutil.ignore_patterns("exports"))
    two = [picture.id for picture in trained.records.plan().part("test")][:2]
    for kind, agreement, differ, note in (
        ("dynamic", 1.0, [], ""),
        ("web-page", 1.0, [], ""),
        ("uint8", 4 / 6, two, "Integers throughout cost more."),
    ):
        folder = exports_folder(run, kind)
        folder.mkdir(parents=True)
        for name in ("model.tflite", "a.zip"):
            (folder / name).write_bytes(b"x" * 10)
        report = {
            "kind": kind, "sureness": {"temperature": 1.0, "threshold": 0.0}, "file": str(folder / "model.tflite"),
            "download": str(folder / "a.zip"), "bytes": 10, "agreement": agreement, "max_difference": 0.5, "accuracy": 0.9,
            "milliseconds": 2.0, "milliseconds_all": 1.0, "threads": 2, "differ": differ, "said": ["**red**"] * len(differ),
            "integer_only": kind == "uint8", "pictures": 6, "note": note,
        }  # fmt: skip
        (folder / "report.json").write_text(json.dumps(report))
        signing.sign_files(*folder.iterdir())
    yield run
    shutil.rmtree(run.folder)


def run_at(at: AppTest, place: str) -> None:
    [places] = [group for group in at.button_group if place in group.options]
    places.set_value([place] if isinstance(places.value, list) else place).run()
    assert not at.exception


def test_a_place_chooses_a_kind_and_each_kind_is_offered(trained: Run, colours: Path) -> None:
    at = visit(PAGE, colours, run=trained.id)
    assert at.selectbox[0].value == "float32"
    # AppTest gives the options as they are shown.
    assert len(at.selectbox[0].options) == len(possible_kinds()) >= len(ALL) - 1
    run_at(at, "Somewhere else")
    where, kind = at.selectbox
    where.set_value("On a Coral board").run()
    assert not at.exception
    where, kind = at.selectbox
    assert kind.value == "uint8"
    assert "edgetpu_compiler" in words(at)
    assert button(at, "Prepare the download")


def test_a_file_that_errs_is_told_in_red_with_its_pictures(told: Run, colours: Path) -> None:
    at = visit(PAGE, colours, run=told.id)
    assert "whole numbers, unsigned (uint8) answers differently" in words(at)
    at.selectbox[0].set_value("uint8").run()
    assert not at.exception
    assert "the same answer only 4 of 6 times" in at.error[0].value
    assert "Integers throughout cost more" in words(at).replace("\\", "")
    captions = [image.caption for element in at.get("image") for image in element.proto.imgs]
    assert captions == [f"{literal('now: **red**')}"] * 2
    at.selectbox[0].set_value("dynamic").run()
    assert "on 6 of 6 test pictures" in at.success[0].value
    assert "The zip holds the model" in words(at)
    table = at.dataframe[0].value
    assert dict(zip(table["kind"], table["as trained"], strict=True)) == {
        ALL["web-page"].title: "✓ yes",
        ALL["dynamic"].title: "✓ yes",
        ALL["uint8"].title: "✗ no",
    }


def test_a_web_page_that_needs_nothing_is_offered_as_that(told: Run, colours: Path) -> None:
    at = visit(PAGE, colours, run=told.id)
    run_at(at, "On a web page that needs nothing")
    assert at.selectbox[0].value == "web-page"
    assert "a double click opens it in a browser" in words(at)
    assert "The page holds the model and what runs it" in words(at)
    assert "The zip" not in words(at)
