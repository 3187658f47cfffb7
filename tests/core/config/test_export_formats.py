"""A kind of file is one entry of the table, and, where LiteRT's converter does not make it, one function that writes it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from core import ExportConfig, Run
from core.cli.export import export_command
from core.config.export_formats import ALL, Kind, Place, places_of, possible_kinds
from core.export.exports import exports_of, failure_of, task
from core.system.tasks.job import TaskJob
from core.system.tasks.records import TaskState
from tests.pages.test_export_page import run_at
from tests.pages.test_pages import visit, words

SMALL = Kind(
    "pocket",
    "for a pocket (float16)",
    "a pocket computer",
    places=(
        Place("In a pocket", 2, "Put it into the left one.", 10, "It has {megabytes:.0f} MB: no pocket is so large."),
    ),
    file="pocket.tflite",
    weights="float16",
)
WRITTEN = Kind(
    "backwards",
    "written another way",
    "programs of another age",
    file="backwards.keras",
    needs="tensorflow keras",
    opened_by="A program of another age.",
    converted=False,
)


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (SMALL, WRITTEN):
        monkeypatch.setitem(ALL, kind.name, kind)


def test_places_come_in_their_own_order_and_each_once() -> None:
    places = places_of(ALL.values())
    assert list(places) == [
        "On a computer, with Python", "On a phone", "On a web page that needs nothing", "On a web site of your own",
        "On a Raspberry Pi", "On a Coral board", "On a microcontroller",
        "In a Teachable Machine project", "In ml5, or an extension of Scratch", "In Keras", "In an older Keras",
        "On a TensorFlow server", "In a program that reads ONNX",
    ]  # fmt: skip
    kinds = [kind.name for _, kind in places.values()]
    assert kinds[:7] == ["float32", "float16", "web-page", "float32", "int8", "uint8", "int8"]
    assert kinds[7:] == ["teachable-machine", "teachable-machine-js", "keras", "h5", "saved-model", "onnx"]
    assert sum(len(kind.places) for kind in ALL.values()) == len(places)


def test_settings_of_an_export_name_a_kind_that_there_is() -> None:
    assert ExportConfig(format="int8").format == "int8"
    with pytest.raises(ValidationError, match="choose one of: float32, float16"):
        ExportConfig(format="float64")


@pytest.mark.usefixtures("more")
def test_a_new_entry_is_offered_on_the_page(trained: Run, colours: Path) -> None:
    at = visit("pages/6_Export.py", colours, run=trained.id)
    run_at(at, "Somewhere else")
    where = at.selectbox[0]
    assert where.options[0] == "In a pocket"
    where.set_value("In a pocket").run()
    assert not at.exception
    kind = at.selectbox[1]
    assert kind.value == "pocket"
    assert "for a pocket (float16): for a pocket computer" in kind.options
    assert "written another way: for programs of another age" in kind.options
    assert "Put it into the left one." in words(at)


@pytest.mark.usefixtures("more")
def test_a_new_entry_is_a_choice_of_the_command_line() -> None:
    told = CliRunner().invoke(export_command(), ["--help"]).output
    assert "onnx|pocket|backwards]" in "".join(told.split())
    assert "pocket                       for a pocket computer" in told
    refused = CliRunner().invoke(export_command(), ["run", "--format", "none"])
    assert "'backwards'" in refused.output


@pytest.mark.slow
@pytest.mark.usefixtures("more")
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_new_entry_is_exported_and_measured(trained: Run, colours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.export.worker import _Exporter
    from core.models import whole_files

    monkeypatch.setitem(whole_files.WRITERS, "backwards", lambda model, target: model.save(target))
    run = Run(trained.folder.with_name("more-kinds"))
    shutil.copytree(trained.folder, run.folder, ignore=shutil.ignore_patterns("exports"))
    try:
        _Exporter(run, TaskJob(task(run).records, TaskState())).make(["pocket", "backwards"])
        made = exports_of(run)
        assert [failure_of(run, kind) for kind in ("pocket", "backwards")] == [None, None]
        assert made["pocket"].good
        assert made["pocket"].bytes < 0.6 * run.records.tflite.stat().st_size
        assert made["backwards"].max_difference < 1e-4
        at = visit("pages/6_Export.py", colours, run=run.id)
        at.selectbox[0].set_value("backwards").run()
        assert "this file gave the trained model's answer" in at.success[0].value
        with zipfile.ZipFile(made["backwards"].download) as bundle:
            assert "backwards.keras" in bundle.namelist()
            read_me = bundle.read("README.txt").decode()
        assert "A program of another age." in read_me
        assert "the model, for programs of another age (backwards)" in read_me
    finally:
        shutil.rmtree(run.folder)


def test_what_makes_a_kind_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALL, "odd", Kind("odd", "Odd", "nobody", made_by=("no_such_module_anywhere",)))
    assert "odd" not in {kind.name for kind in possible_kinds()}
    assert "float32" in {kind.name for kind in possible_kinds()}
