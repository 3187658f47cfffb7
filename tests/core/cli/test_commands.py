from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core import Run
from core.__main__ import _files, main
from tests.pictures import COLOURS, flat_project, shaded


def cli(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=240)


def here(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, which has loaded already what a new one loads for a second."""
    out, told = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(cwd)
        patched.setattr(sys, "argv", ["fieldguide", *arguments])
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", told)
        with pytest.raises(SystemExit) as ended:
            main()
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), told.getvalue())


def answer(*arguments: object) -> object:
    done = cli(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_check_counts_and_names_problems(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=12)
    (folder / "red" / "bad.jpg").write_text("x")
    told = answer("check", folder)
    assert isinstance(told, dict)
    assert told["classes"] == {"blue": 12, "green": 12, "red": 12}
    assert told["rejected"][0]["file"] == "red/bad.jpg"
    assert told["trainable"] is True
    assert len(told["suspects"]) >= 3
    assert {"file", "class", "suggested", "quality", "likely"} == told["suspects"][0].keys()


def test_check_names_duplicates_without_a_model(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=3)
    shutil.copy(folder / "red" / "000.png", folder / "red" / "copy.png")
    told = answer("check", folder, "--quick")
    assert isinstance(told, dict)
    assert told["duplicates"] == [["red/000.png", "red/copy.png"]]
    assert told["suspects"] == []
    assert "add 17 or more" in told["advice"]["blue"]


def test_import_makes_a_project_and_reports_each_file(tmp_path: Path) -> None:
    source = flat_project(tmp_path / "source", COLOURS, each=2)
    (source / "red" / "bad.jpg").write_text("x")
    target = tmp_path / "new"
    told = answer("import", source, target)
    assert isinstance(told, dict)
    assert (told["taken"], told["skipped"], told["rejected"]) == (6, 0, 1)
    assert {row["file"]: row["reason"] for row in told["files"]}["red/bad.jpg"].startswith("not a picture")
    assert len(list(target.glob("*/*.png"))) == 6
    again = answer("import", source / "red" / "000.png", target, "--into", "red")
    assert isinstance(again, dict)
    assert again["skipped"] == 1
    done = cli("import", tmp_path / "none", target)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: There is no file or folder")


def test_recipes_are_listed_with_their_settings() -> None:
    told = answer("recipes")
    assert isinstance(told, dict)
    assert [recipe["name"] for recipe in told["recipes"]][:1] == ["quick"]
    assert told["recipes"][0]["config"]["backbone"] == "efficientnet-lite0"


def test_a_config_file_changes_only_what_it_names() -> None:
    from core.config.changes import with_values
    from core.config.recipes import get_recipe

    before = get_recipe("tutorial-cnn-improved").config
    after = with_values(before, {"augment": {"flip": "off"}, "epochs": 3})
    assert after.augment == before.augment.model_copy(update={"flip": "off"})
    assert after == before.model_copy(update={"augment": after.augment, "epochs": 3})


@pytest.mark.slow
def test_train_evaluate_export_predict(colours: Path, tmp_path: Path) -> None:
    out = tmp_path / "my run"
    (tmp_path / "settings.json").write_text('{"epochs": 4}')
    done = cli(
        "train",
        colours,
        "--config",
        tmp_path / "settings.json",
        "--set",
        "batch_size=8",
        "--seed",
        3,
        "--out",
        out,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["state"], told["recipe"], told["backbone"]) == ("done", "quick", "efficientnet-lite0")
    assert Path(told["dir"]) == out
    assert len(told["history"]) == 4
    assert "epoch 4" in done.stderr
    assert Run(out).records.plan().config.seed == 3
    scores = answer("evaluate", out)
    assert isinstance(scores, dict)
    assert scores["accuracy"] == told["test"]["accuracy"]
    made = answer("export", out, "--format", "float16", "--out", tmp_path / "a.zip")
    assert isinstance(made, dict)
    assert {"file", "bytes", "agreement", "max_difference", "accuracy", "milliseconds"} <= made.keys()
    picture = colours / "red" / "000.png"
    [said] = answer("predict", tmp_path / "a.zip", picture)  # type: ignore[misc]
    assert (said["file"], said["label"]) == (str(picture), "red")
    assert sum(said["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    (colours / "red" / "notes.txt").write_text("no picture")
    done = cli("predict", tmp_path / "a.zip", colours / "red", "--csv", tmp_path / "said.csv")
    (colours / "red" / "notes.txt").unlink()
    assert done.returncode == 0
    assert "notes.txt - not a picture" in done.stderr
    with (tmp_path / "said.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(path) for path in sorted((colours / "red").glob("*.png"))]
    assert {row["label"] for row in rows} == {"red"}
    assert {"sure", "probability", "blue", "green", "red"} <= rows[0].keys()
    again = cli("train", colours, "--out", out)
    assert again.returncode == 2
    assert "not empty" in again.stderr


NOT_TEXT = os.fsdecode(b"caf\xe9.png")  # Latin-1, as old zips leave it on Linux


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file can have such a name")
def test_names_that_are_no_text_are_written(trained: Run, tmp_path: Path) -> None:
    shaded(COLOURS["red"], 1).save(tmp_path / NOT_TEXT, "PNG")
    shaded(COLOURS["blue"], 1).save(tmp_path / "plain.png")
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("no picture")
    done = cli("predict", trained.folder, tmp_path, "--csv", tmp_path / "said.csv", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert {row["file"] for row in told} == {str(tmp_path / NOT_TEXT), str(tmp_path / "plain.png")}
    with (tmp_path / "said.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["file"]: row["label"] for row in csv.DictReader(file)}
    assert rows == {str(tmp_path / "caf?.png"): "red", str(tmp_path / "plain.png"): "blue"}
    gone = cli("predict", trained.folder, tmp_path / os.fsdecode(b"\xe9gone.png"))
    assert gone.returncode == 2
    assert "Traceback" not in gone.stderr
    listed = answer("import", tmp_path / NOT_TEXT, tmp_path / "p", "--into", "red")
    assert isinstance(listed, dict)
    assert listed["taken"] == 1


def test_what_is_hidden_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    files = ["b/a.png", "c.png", "notes.txt"]
    hidden = [".fieldguide/runs/a.png", "b/.cache/a.png", ".a.png", "__MACOSX/a.png", "b/Thumbs.db"]
    for name in files + hidden:
        (tmp_path / ".home" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".home" / name).touch()
    found = list(_files([tmp_path / ".home", tmp_path / ".home" / ".a.png"]))
    assert [str(file.relative_to(tmp_path / ".home")) for file in found] == [*files, ".a.png"]


def test_a_model_of_teachable_machine_predicts(trained: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "tm.zip", "w") as bundle:
        bundle.write(trained.folder / "model.tflite", "model_unquant.tflite")
        bundle.writestr("labels.txt", "0 sky\n1 leaf\n2 rose\n")
    shaded(COLOURS["red"], 77).save(tmp_path / "a.png")
    [said] = answer("predict", tmp_path / "tm.zip", tmp_path / "a.png")  # type: ignore[misc]
    assert list(said["probabilities"]) == ["sky", "leaf", "rose"]
    assert said["file"] == str(tmp_path / "a.png")


def test_patterns_and_the_own_folder_are_filled_in(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("a.png", "b.png", "c.txt"):
        shaded(COLOURS["red"], 77).save(tmp_path / name, "PNG")
    said = answer("predict", trained.folder, "~/*.png")
    assert [one["file"] for one in said] == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]  # type: ignore[index]
    (tmp_path / "s.json").write_text("{")
    with pytest.raises(AssertionError, match="Expecting property name"):
        answer("train", tmp_path, "--config", "~/s.json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "/nowhere/at/all"], "no folder"),
        (["train", ".", "--recipe", "magic"], "no recipe called 'magic'"),
        (["train", ".", "--set", "epochs=0"], "epochs"),
        (["train", ".", "--config", "missing.json"], "cannot be read"),
        (["evaluate", "."], "not the folder of a training"),
        (["export", ".", "--format", "float64"], "float64"),
        (["export", "."], "not the folder of a training"),
        (["predict", "missing.tflite", "x.jpg"], "There is no file or folder x.jpg"),
        (["predict", "missing.tflite", "red.png"], "no file"),
        (["check", "x" * 300], "not the name of a folder"),
        (["check", "~nobody-at-all/x"], "not the name of a folder"),
        (["train", "p", "--out", "p/run"], "would become a class"),
        (["train", "p", "--set", "recipe=../evil"], "recipe"),
        (["export", "p", "--out", "x.exe"], "not the folder of a training"),
        (["predict", "missing.tflite"], "PICTURES"),
        (["fly"], "fly"),
        (["train"], "FOLDER"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    flat_project(tmp_path / "p", COLOURS, each=4)
    shaded((200, 0, 0), 1).save(tmp_path / "red.png")
    check_one_line(here(*arguments, cwd=tmp_path), words)


def test_a_mistake_is_told_alike_by_a_process_of_its_own(tmp_path: Path) -> None:
    shaded((200, 0, 0), 1).save(tmp_path / "red.png")
    check_one_line(cli("predict", "missing.tflite", "red.png", cwd=tmp_path), "no file")


def check_one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if not line.startswith("looking at pictures")]
    assert len(errors) == 1
    assert errors[0].startswith("Error: ")
    assert words in errors[0]
