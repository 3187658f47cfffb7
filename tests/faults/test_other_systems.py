"""What Windows and Macs do otherwise, simulated (see tests.systems): nothing is lost, and what is refused is said."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import threading
import time
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import Project
from core.__main__ import _harmless
from core.cli import launch
from core.config import recipes
from core.config.training import TrainConfig
from core.datasets import importing, labels, packing
from core.datasets.importing import arrivals
from core.inference import sandbox
from core.system import confined, disk, storage
from core.system.errors import ProjectError, in_words
from core.system.naming import class_name, kept_name, safe_class_name
from core.system.tasks import processes
from core.training.features import FeatureExtractor
from pages.shared.ui import folder_picker
from tests import systems
from tests.pictures import COLOURS, flat_project, shaded

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="simulated with what Linux tells of open files")


@pytest.fixture
def project(tmp_path: Path, own_home: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=3))


def png(shade: int) -> bytes:
    out = io.BytesIO()
    shaded((shade, 9, 200), 1).save(out, "PNG")
    return out.getvalue()


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(20 * number))
    return out.getvalue()


# One name in two cases: Windows and Macs


@pytest.mark.parametrize(
    ("now", "then"),
    [("red", "Red"), ("red", "RED"), (unicodedata.normalize("NFD", "ré"), unicodedata.normalize("NFC", "Ré"))],
)
def test_a_class_is_renamed_to_its_own_name_in_capitals(
    project: Project, monkeypatch: pytest.MonkeyPatch, now: str, then: str
) -> None:
    (project.root / "red").rename(project.root / now)
    systems.one_case(monkeypatch, project.root)
    assert (project.root / then).is_dir()  # the simulation: one name
    [name] = [name for name in project.scan().classes if name not in COLOURS or name == now]
    labels.set_colour(project, name, 7)

    def classes() -> dict[str, int]:
        return project.scan().counts

    labels.rename_class(project, name, then)
    after = {"blue": 3, "green": 3, then: 3}
    assert classes() == after
    assert project.scan().colours[then] == 7
    labels.undo(project)
    assert now in [path.name for path in project.root.iterdir()]
    assert classes() == {"blue": 3, "green": 3, name: 3}
    labels.redo(project)
    assert classes() == after
    with pytest.raises(ProjectError, match="already"):
        labels.new_class(project, then.swapcase())
    labels.empty_trash(project)
    assert classes() == after


def test_two_folders_of_one_class_become_one_under_either_name(tmp_path: Path) -> None:
    for name in ("cat", "Cat", "CAT"):
        folder = flat_project(
            tmp_path / name / "p", {"cat": (9, 9, 9), "Cat": (99, 99, 99), "dog": (200, 9, 9)}, each=2
        )
        project = Project.open(folder)
        project.scan()
        labels.rename_class(project, "Cat", name)
        assert project.scan().counts == {name: 4, "dog": 2}
        labels.undo(project)
        assert {path.name for path in folder.iterdir() if path.name != ".fieldguide"} == {"cat", "Cat", "dog"}


def test_what_differs_in_case_only_is_added_beside_each_other(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    systems.one_case(monkeypatch, project.root)
    source = zipped("Cat/a.png", "cat/A.png", "cat/a.PNG", "__MACOSX/cat/._a.png", "cat/._a.png", "cat/.DS_Store")
    report = importing.take(project, importing.look(source, "cats.zip"))
    assert (report.count("taken"), report.count("rejected")) == (3, 0)
    assert {name: number for name, number in project.scan().counts.items() if name not in COLOURS} == {"Cat": 3}
    labels.undo(project)
    assert project.scan().counts.keys() <= {*COLOURS, "Cat", "cat"}
    labels.redo(project)
    assert sum(project.scan().counts.values()) == 3 + 3 * len(COLOURS)


def test_a_project_file_with_names_in_two_cases_loses_nothing(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = flat_project(tmp_path / "p", {"cat": (9, 9, 9), "Cat": (99, 99, 99), "dog": (200, 9, 9)}, each=2)
    (folder / "dog" / "A.png").write_bytes(png(40))
    (folder / "dog" / "a.png").write_bytes(png(80))
    packed = packing.pack(Project.open(folder), tmp_path / "p.fieldguide.zip")
    systems.one_case(monkeypatch, own_home)
    there, rows = packing.unpack(packed)
    assert [row.outcome for row in rows] == ["taken"] * 8
    assert sorted(there.scan().counts.values()) == [4, 4]


def test_a_head_in_capitals_is_a_head_where_case_is_nothing() -> None:
    root = Path("project")
    for name in ("head.npz", "HEAD.npz", "Head.npz"):
        assert packing._place(root, f"kept/runs/one/{name}", models=False) is None
    assert packing._place(root, "kept/runs/one/film.npz", models=False)


def test_one_folder_has_one_lock_however_its_name_is_written(own_home: Path) -> None:
    own_home.mkdir()
    red, capitals, other = (storage.lock_of(Path("/pictures") / name).lock_file for name in ("red", "RED", "blue"))
    assert red == capitals != other


def test_what_systems_leave_on_a_stick_is_no_class(project: Project) -> None:
    for name in ("System Volume Information", "$RECYCLE.BIN", ".Trashes", ".Spotlight-V100", "__MACOSX"):
        (project.root / name).mkdir()
        (project.root / name / "._1.jpg").write_bytes(png(1))
    assert project.scan().counts.keys() == COLOURS.keys()
    with pytest.raises(ProjectError, match="keep for themselves"):
        labels.new_class(project, "system volume information")


# What someone has open: Windows


@LINUX
def test_a_file_that_someone_reads_is_replaced_when_they_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.json"
    storage.write_json(file, 1)
    systems.windows(monkeypatch, patience=5)
    reader = file.open("rb")
    threading.Timer(0.15, reader.close).start()
    storage.write_json(file, 2)
    assert reader.closed
    assert storage.read_json(file) == 2


@LINUX
def test_a_file_that_someone_keeps_open_is_said_and_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = project.scan().by_class["red"][0]
    before = sorted(path.name for path in (project.root / "red").iterdir())
    systems.windows(monkeypatch)
    with project.path_of(picture.path).open("rb"):
        for edit in (
            lambda: labels.move(project, [picture], "blue"),
            lambda: labels.rename_class(project, "red", "Red"),
            lambda: labels.delete_class(project, "red"),
        ):
            with pytest.raises(ProjectError, match=r"is open in another program.*Close what shows it"):
                edit()
            assert sorted(path.name for path in (project.root / "red").iterdir()) == before
    labels.rename_class(project, "red", "Red")
    labels.undo(project)
    labels.delete_class(project, "red")
    labels.empty_trash(project)
    assert project.scan().counts == {"blue": 3, "green": 3}
    assert labels.trash_size(project) == (0, 0)


@LINUX
def test_pictures_are_added_copied_packed_and_unpacked(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systems.windows(monkeypatch)
    assert importing.take(project, importing.look(zipped("cat/a.png", "cat/b.png"), "cats.zip")).count("taken") == 2
    labels.copy(project, project.scan().by_class["cat"], "blue")
    assert project.scan().counts == {"blue": 5, "cat": 2, "green": 3, "red": 3}
    assert [path for path in (project.root / ".fieldguide" / "staging").iterdir() if path.suffix != ".lock"] == []
    there, _ = packing.unpack(packing.pack(project, tmp_path / "p.fieldguide.zip"))
    assert there.scan().counts == project.scan().counts


def test_what_is_marked_read_only_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systems.as_windows(monkeypatch)
    folder = tmp_path / "bin" / "cat"
    folder.mkdir(parents=True)
    (folder / "from a card.jpg").write_bytes(b"x")
    (folder / "from a card.jpg").chmod(0o444)
    for name in ("unlink", "rmdir"):
        monkeypatch.setattr(os, name, kept_if_read_only(getattr(os, name)))
    (tmp_path / "alone.jpg").touch(0o444)
    disk.remove(tmp_path / "alone.jpg")
    disk.remove_tree(tmp_path / "bin")
    assert list(tmp_path.iterdir()) == []


def kept_if_read_only(act: Callable[..., None]) -> Callable[..., None]:
    def refusing(path: Any, *, dir_fd: int | None = None) -> None:
        if not os.stat(path, dir_fd=dir_fd).st_mode & 0o200:
            raise PermissionError(13, "Access is denied", path)
        act(path, dir_fd=dir_fd)

    return refusing


def test_elsewhere_a_refusal_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(13, "no")

    for windows in (False, True):
        monkeypatch.setattr(disk, "WINDOWS", windows)
        monkeypatch.setattr(disk, "_PATIENCE", 0.2)
        began = time.monotonic()
        with pytest.raises(PermissionError):
            disk.patiently(refuse)
        assert (time.monotonic() - began >= 0.2) == windows


# Names and paths that Windows does not keep


@pytest.mark.parametrize("name", ["a:b", "what?", "<i>", "a|b", 'say "hi"', "5*"])
def test_a_class_has_a_name_that_windows_keeps(name: str, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert class_name(name) == name == safe_class_name(name) == kept_name(name)
    systems.as_windows(monkeypatch)
    with pytest.raises(ProjectError, match="Leave out these characters"):
        class_name(name)
    assert class_name(safe_class_name(name)) == safe_class_name(name)
    assert not set('<>:"|?*') & set(kept_name(f"{name}.jpg"))
    assert arrivals._why_not(f"{name}/1.jpg").startswith("Windows cannot keep")
    with pytest.raises(ValueError, match="leads elsewhere"):
        confined.parts_of("cat/C:x.jpg")


def test_a_project_file_from_elsewhere_opens_with_names_that_windows_keeps(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = flat_project(tmp_path / "p", {"what?": (9, 9, 9), "con": (99, 99, 99), "a. ": (200, 9, 9)}, each=2)
    (folder / "what?" / "aux.png").write_bytes(png(1))
    packed = packing.pack(Project.open(folder), tmp_path / "p.fieldguide.zip")
    systems.as_windows(monkeypatch)
    there, rows = packing.unpack(packed)
    assert [row.outcome for row in rows] == ["taken"] * 7
    assert there.scan().counts == {"_con": 2, "a": 2, "what_": 3}
    assert (there.root / "what_" / "_aux.png").is_file()


def test_the_notes_on_a_project_are_hidden(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = systems.as_windows(monkeypatch)
    Project.open(flat_project(tmp_path / "p", COLOURS, each=1))
    assert marked == [(str(tmp_path / "p" / ".fieldguide"), 2)]


def test_a_recipe_is_kept_under_a_name_that_windows_keeps(own_home: Path) -> None:
    for title in ("Con", "NUL", "com1"):
        recipe = recipes.save_recipe(title, TrainConfig())
        assert recipe.name.startswith("recipe-")
        assert recipes.get_recipe(recipe.name).title == title


def test_a_picture_gets_a_name_for_which_its_folder_has_room(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    source = zipped(f"cat/{'long ' * 18}1.png", f"cat/{'long ' * 18}2.png")
    systems.as_windows(monkeypatch)
    monkeypatch.setattr(disk, "LONGEST", len(str(project.root / "cat")) + 40)
    report = importing.take(project, importing.look(source, "cats.zip"))
    assert report.count("taken") == 2
    names = [path.name for path in (project.root / "cat").iterdir()]
    assert len(set(names)) == 2
    assert all(len(str(project.root / "cat" / name)) <= disk.LONGEST for name in names)


def test_a_path_that_is_too_long_is_said() -> None:
    long = "C:\\" + "folder\\" * 40 + "1.jpg"
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", long)
    assert "not there any more" in in_words(missing).message
    with pytest.MonkeyPatch.context() as patch:
        systems.as_windows(patch)
        assert "longer than this computer can keep" in in_words(missing).message
    assert "longer than" in in_words(OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300)).message


def test_a_path_is_pasted_and_a_drive_is_found_by_clicking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ('"C:\\My pictures"', "  C:\\My pictures ", ' "C:\\My pictures" '):
        assert folder_picker.written(text) == "C:\\My pictures"
    assert [folder_picker.written(text) for text in ("", " ", '"', '""')] == ["", "", '"', '""']
    top, stick = Path(tmp_path.anchor), tmp_path / "stick"
    drives = [SimpleNamespace(mountpoint=str(drive)) for drive in (top, stick)]
    monkeypatch.setattr("psutil.disk_partitions", lambda **_: drives)
    assert stick not in folder_picker._folders_in(top)
    systems.as_windows(monkeypatch)
    assert folder_picker._folders_in(top)[0] == stick
    assert top not in folder_picker._folders_in(top)
    assert stick not in folder_picker._folders_in(tmp_path)


# Processes


def test_a_worker_is_one_process_of_its_own_that_ctrl_c_does_not_reach(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[list[str], dict[str, Any]]] = []

    class Started:
        pid, stdin, stdout = 1, io.BytesIO(), io.BytesIO()

        def __init__(self, command: list[str], **options: Any) -> None:
            started.append((command, options))

        def poll(self) -> int:
            return 0

        def wait(self) -> int:
            return 0

        kill = wait

    systems.as_windows(monkeypatch)
    monkeypatch.setattr(sys, "_base_executable", "C:\\Python\\python.exe")
    monkeypatch.setattr(subprocess, "Popen", Started)
    own_home.mkdir()
    processes.spawn("core.training.worker", ["folder"], tmp_path / "worker.log")
    sandbox._Worker()
    for command, options in started:
        assert command[0] == "C:\\Python\\python.exe"  # in a virtual environment the other one only starts it
        assert options["env"]["__PYVENV_LAUNCHER__"] == sys.executable
        assert options["creationflags"] == 0x08000000
        assert "start_new_session" not in options
    assert len(started) == 2
    assert started[0][1]["env"]["PYTHONUTF8"] == "1"


def test_ctrl_c_ends_the_app_when_its_server_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = iter([KeyboardInterrupt, 3])

    class Server:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None: ...

        def wait(self) -> int:
            if (now := next(waits)) is KeyboardInterrupt:
                raise KeyboardInterrupt
            return int(now)

    systems.as_windows(monkeypatch)
    monkeypatch.setattr(subprocess, "Popen", Server)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setenv("STREAMLIT_SERVER_HEADLESS", "true")
    monkeypatch.setenv(launch.TOKEN, "")
    monkeypatch.setenv("PYTHONUTF8", "0")
    with pytest.raises(SystemExit) as ended:
        launch.open_app()
    assert ended.value.code == 3


def test_what_is_printed_needs_no_letters_of_the_system(project: Project, tmp_path: Path) -> None:
    (project.root / "red").rename(project.root / "猫 и кошка")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    environment |= {"PYTHONIOENCODING": "cp1252", "PYTHONWARNDEFAULTENCODING": "1", "PYTHONPATH": str(launch.ROOT)}
    for command in (["check", "--quick", str(project.root), "--json"], ["recipes"]):
        done = subprocess.run(
            [sys.executable, "-W", "error::EncodingWarning:core", "-m", "core", *command],
            env=environment, capture_output=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        assert b"EncodingWarning" not in done.stderr.replace(b"site-packages", b"")
        assert command[0] == "recipes" or "猫 и кошка" in done.stdout.decode("utf-8")


def test_click_finds_no_console_to_write_to_past_what_makes_names_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _harmless(io.TextIOWrapper(io.BufferedWriter(io.FileIO(os.devnull, "w")), encoding="utf-8"))
    assert stream.fileno() > 2
    systems.as_windows(monkeypatch)
    with pytest.raises(io.UnsupportedOperation):  # click asks for it first
        stream.fileno()
    stream.close()


def test_litert_is_given_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads one in the code page of Windows, in which a person's name may have no letters."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("core.training.features.Interpreter", lambda **given: asked.append(given) or 1 / 0)
    file = tmp_path / "Зоя" / "model.tflite"
    file.parent.mkdir()
    file.write_bytes(b"model")
    with pytest.raises(ZeroDivisionError):
        FeatureExtractor(file, 32, 1)._interpreter()
    assert asked == [{"model_content": b"model", "num_threads": 1}]
