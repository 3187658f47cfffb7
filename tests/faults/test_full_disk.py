"""Rows 35 and 71 of the fault list: a disk that is full, read-only or gone, at every door; and what passes again."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import Picture, Project, TrainConfig
from core.datasets import importing, labels, negatives, opened
from core.datasets.project_home import home_of
from core.inference.decision import Decision, keep_decision
from core.quality import findings
from core.runs.lifecycle import list_runs, start
from core.runs.records import RunRecords
from core.system import storage
from core.system.errors import FieldguideError, as_sentence, in_words
from core.system.tasks.records import TaskState
from core.training.experiments import start_study
from pages.shared.session import state
from tests.pages.test_pages import visit, words
from tests.pictures import COLOURS, encoded, flat_project, noise
from tests.runs import make_run


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=4))


def refuse(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def full(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Fills the disk: no database can be opened for writing any more; what is given lets it have space again."""

    def no_room(path: Any, *_: Any, **named: Any) -> sqlite3.Connection:
        if "uri" in named or str(path) == ":memory:":
            return connect(path, **named)
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    connect = sqlite3.connect
    with monkeypatch.context() as patched:
        patched.setattr(storage, "write_with", refuse)
        patched.setattr(sqlite3, "connect", no_room)
        yield patched.undo


def doors(project: Project) -> dict[str, Callable[[], object]]:
    """All that writes, and is pressed by a person."""
    run = make_run(project, "one", classes=("blue", "red"))
    new = importing.from_pictures([("a.png", encoded(noise(1)))]).into("red")

    def some() -> list[Picture]:
        return list(project.scan().by_class["red"][:1])

    conflict = findings.Finding("near", "", "", tuple(some()))
    return {
        "import": lambda: importing.take(project, new),
        "label": lambda: labels.move(project, some(), "green"),
        "copy": lambda: labels.copy(project, some(), "green"),
        "delete": lambda: labels.delete(project, some()),
        "new class": lambda: labels.new_class(project, "new"),
        "train": lambda: start(project, TrainConfig()),
        "study": lambda: start_study(project, "cross-validation", TrainConfig()),
        "draft": lambda: state.keep_draft(project, TrainConfig(epochs=7)),
        "sureness": lambda: keep_decision(run.folder, Decision(2.0, 0.5)),
        "other things": lambda: negatives.add(project, [("a.png", encoded(noise(2)))]),
        "dismiss": lambda: findings.dismiss(project, conflict, some()),
    }


def test_each_door_says_that_the_disk_is_full_and_works_again_with_space(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = doors(project)
    before = {path: path.read_bytes() for path in project.root.rglob("*.png")}
    with monkeypatch.context() as patched:
        patched.setattr(storage, "write_with", refuse)
        patched.setattr(os, "mkdir", refuse)
        for name, door in every.items():
            with pytest.raises(FieldguideError, match="The disk is full") as told:
                door()
            assert told.value.hint, name
        assert len(project.scan().pictures) == 12  # reading goes on
    assert {path: path.read_bytes() for path in project.root.rglob("*.png")} == before
    assert not [path for path in project.root.rglob("*") if storage._TEMPORARY in path.name]
    for name, door in every.items():
        if name not in ("train", "study"):
            door()


def test_a_folder_is_looked_at_though_nothing_can_be_kept_of_it(project: Project, full: Callable[[], None]) -> None:
    assert len(project.scan().pictures) == 12
    assert project.glance()[0] in (0, 12)
    full()
    assert len(Project.open(project.root).scan().pictures) == 12


def test_a_writable_folder_is_never_taken_for_another(tmp_path: Path) -> None:
    root = flat_project(tmp_path / "p", COLOURS, each=1)
    homes: list[Path] = []

    def many() -> None:
        for _ in range(100):
            homes.append(_fresh(root))

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(homes) == {root / ".fieldguide"}
    assert not list((root / ".fieldguide").glob("probe-*"))


def _fresh(root: Path) -> Path:
    from core.datasets import project_home

    project_home._known.clear()  # as in a process that has not seen it
    return home_of(root)


def test_the_notes_stay_where_they_are_when_writing_fails_for_a_while(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.datasets import project_home

    for number in (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EDQUOT, errno.ESTALE):
        monkeypatch.setattr(project_home, "_known", {})
        with monkeypatch.context() as patched:
            patched.setattr(Path, "touch", lambda *_, number=number, **__: (_ for _ in ()).throw(OSError(number, "x")))
            assert Project.open(project.root).home == project.home
    for number in (errno.EACCES, errno.EROFS):
        monkeypatch.setattr(project_home, "_known", {})
        with monkeypatch.context() as patched:
            patched.setattr(Path, "touch", lambda *_, number=number, **__: (_ for _ in ()).throw(OSError(number, "x")))
            assert Project.open(project.root).home != project.home
            assert Project.open(project.root).home == Project.open(project.root).home


def test_a_picture_that_could_not_be_read_once_is_read_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes
    for trouble in (PermissionError(errno.EACCES, "x"), OSError(errno.EIO, "x"), MemoryError()):
        (project.root / "red" / "new.png").write_bytes(encoded(noise(hash(type(trouble)) % 1000)))

        def failing(self: Path, trouble: BaseException = trouble) -> bytes:
            if self.name == "new.png":
                raise trouble
            return read(self)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "read_bytes", failing)
            before = project.scan()
        assert [bad.path for bad in before.rejected] == ["red/new.png"]
        assert not project.scan(previous=before).rejected
        (project.root / "red" / "new.png").unlink()
        project.scan()


def test_a_worker_that_found_no_room_says_so(tmp_path: Path) -> None:
    records = RunRecords(tmp_path / "run")
    records.folder.mkdir()
    records.write_state(TaskState("running", "fit"))
    assert "without a word" in records.state().message
    (records.folder / "worker.log").write_text(f"Traceback\nOSError: [Errno 28] {os.strerror(errno.ENOSPC)}\n")
    assert records.state().message == "The training was cut off: the disk is full."


def test_the_first_page_shows_its_cards_whatever_one_project_says(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [flat_project(tmp_path / name, COLOURS, each=2) for name in ("one", "two", "three")]
    for root in roots:
        opened.open_project(root).scan()
    open_ = Project.open.__func__  # type: ignore[attr-defined]

    @classmethod  # type: ignore[misc]
    def failing(cls: type[Project], folder: Path | str, **named: Any) -> Project:
        if Path(folder).name == "two":
            with as_sentence():
                raise sqlite3.OperationalError("database or disk is full")
        return open_(cls, folder, **named)

    monkeypatch.setattr(Project, "open", failing)
    at = visit("app.py")
    assert len([button for button in at.button if button.label == "Open"]) >= 2
    assert "one" in words(at)
    assert "two" in words(at)


def test_pressing_train_in_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    root = flat_project(tmp_path / "p", COLOURS, each=4)
    project = opened.open_project(root)
    root.rename(tmp_path / "moved")
    with pytest.raises(FieldguideError, match=r"not there|gone"):
        start(project, TrainConfig())
    assert not root.exists()
    with pytest.raises(FieldguideError):
        labels.new_class(project, "x")
    assert not root.exists()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "x"), OSError(errno.EROFS, "x"), PermissionError(errno.EACCES, "x", "/a"), MemoryError(),
     FileNotFoundError(errno.ENOENT, "x", "/a"), OSError(errno.EIO, "x"), sqlite3.OperationalError("x"), KeyError("x"),
     sqlite3.DatabaseError("x"), TimeoutError(), OSError("plain"), ZeroDivisionError()],
    ids=lambda error: f"{type(error).__name__}-{getattr(error, 'errno', '')}",
)  # fmt: skip
def test_every_error_has_words(error: Exception) -> None:
    told = in_words(error)
    assert told.message.endswith(".")
    assert told.hint.endswith(".")
    assert "Traceback" not in str(told)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may all")
def test_a_folder_of_another_s_rights_is_left_out_and_said(project: Project) -> None:
    (project.root / "red").chmod(0)
    try:
        assert [(bad.path, bad.reason) for bad in project.scan().rejected] == [("red", "this folder cannot be read")]
    finally:
        (project.root / "red").chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="makes links as POSIX has them")
def test_links_in_a_circle_pipes_and_sockets_among_pictures_are_left_out(tmp_path: Path) -> None:
    import socket

    root = flat_project(tmp_path / "p", COLOURS, each=2)
    (root / "circle").symlink_to(root / "circle")
    (root / "up").symlink_to(root)
    (root / "red" / "loop.png").symlink_to(root / "red" / "loop.png")
    os.mkfifo(root / "red" / "pipe.png")
    place = Path.cwd()
    try:
        os.chdir(root)  # a socket's name must be short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("red/socket.png")
    finally:
        os.chdir(place)
    catalogue = Project.open(root).scan()
    assert len(catalogue.pictures) == 6
    assert set(catalogue.links) == {"circle", "up", "red/loop.png"}
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "a").symlink_to(tmp_path / "only" / "a")
    assert Project.open(tmp_path / "only").scan().links == ("a",)


def test_a_run_that_is_moved_while_runs_are_listed_is_left_out(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        make_run(project, name, classes=("blue", "red"))
    look, asked = Path.stat, []

    def moving(self: Path, **named: Any) -> os.stat_result:
        if self.parent.name == "one":
            asked.append(self)
            if len(asked) > 1:  # it was there when the folder was listed
                raise FileNotFoundError(errno.ENOENT, "gone", str(self))
        return look(self, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", moving)
        assert [run.id for run in list_runs(project)] == ["two"]


def test_what_several_write_at_once_is_all_there(project: Project) -> None:
    pictures = list(project.scan().pictures)
    threads = [threading.Thread(target=findings.confirm, args=(project, [picture])) for picture in pictures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert findings.confirmed(project) == {(picture.id, picture.class_name) for picture in pictures}


def test_a_worker_has_room_for_its_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = RunRecords(tmp_path / "run")
    records.folder.mkdir()
    records.reserve()
    room = [reserved.stat().st_size for reserved in records.folder.iterdir()]
    assert sum(room) > 16_000
    write = storage.write_with

    def tight(path: Path, *rest: Any, **named: Any) -> None:
        if any(path.parent.iterdir()):  # what was kept for it is still there: nothing else is
            refuse()
        write(path, *rest, **named)

    monkeypatch.setattr(storage, "write_with", tight)
    with pytest.raises(OSError, match="No space"):
        records.write_state(TaskState("running", "fit"))
    records.write_state(TaskState("failed", "", ended=True, message="The disk is full."))
    assert [path.name for path in records.folder.iterdir()] == ["state.json"]
    assert records.state().message == "The disk is full."
