"""Files that arrive one by one: kept whole or not at all, by their own paths, within bounds; and what they are taken for."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.importing import ImportChoices, archives, arrivals
from core.datasets.importing.arrivals import Arrivals, NameTakenError, NoRoomError
from core.system import storage
from core.system.errors import ProjectError
from tests.pictures import encoded, noise, zipped

PICTURE = encoded(noise(1))


@pytest.fixture
def here(own_home: Path) -> Arrivals:
    return Arrivals()


def arrive(here: Arrivals, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        send(here, path, content)


def send(here: Arrivals, path: str, content: bytes) -> None:
    with here.receiving(path, len(content)) as write:
        for start in range(0, len(content), 1000):
            write(content[start : start + 1000])


def on_disk(here: Arrivals) -> list[str]:
    return sorted(path.relative_to(here.folder).as_posix() for path in here.folder.rglob("*") if path.is_file())


def test_pictures_in_folders_are_of_the_classes_of_their_folders(here: Arrivals) -> None:
    arrive(here, {"leaves/oak/a.png": PICTURE, "leaves/elm/b.png": PICTURE, "leaves/notes.txt": b"x"})
    [plan], rows = here.look({})
    assert not rows
    assert (plan.source, plan.counts, plan.hidden) == ("leaves", {"oak": 1, "elm": 1}, 1)


def test_several_folders_are_the_classes(here: Arrivals) -> None:
    arrive(here, {"oak/a.png": PICTURE, "elm/b.png": PICTURE})
    [plan], _ = here.look({})
    assert (plan.source, plan.counts) == ("files", {"oak": 1, "elm": 1})


def test_a_folder_of_pictures_that_came_alone_leaves_the_class_open(here: Arrivals) -> None:
    arrive(here, {"holiday/a.png": PICTURE, "holiday/b.png": PICTURE})
    [plan], _ = here.look({})
    assert (plan.source, plan.counts) == ("holiday", {None: 2})


def test_loose_pictures_with_a_table_that_can_be_read_otherwise(here: Arrivals) -> None:
    arrive(here, {"a.png": PICTURE, "b.png": PICTURE, "t.csv": b"file,label,side\na.png,oak,1\nb.png,elm,2\n"})
    [plan], _ = here.look({})
    assert (plan.source, plan.counts) == ("files", {"oak": 1, "elm": 1})
    [plan], _ = here.look({"files": ImportChoices(classes_from="table", label_column="side")})
    assert plan.counts == {"1": 1, "2": 1}


def test_each_loose_zip_is_looked_into_for_itself_and_a_bad_one_is_said(here: Arrivals) -> None:
    arrive(
        here, {"one.zip": zipped({"oak/a.png": PICTURE, "elm/b.png": PICTURE}), "two.zip": zipped({"c.png": PICTURE})}
    )
    arrive(here, {"bad.zip": b"PK", "d.png": PICTURE})
    plans, [row] = here.look({})
    assert [(plan.source, sum(plan.counts.values())) for plan in plans] == [
        ("files", 1),
        ("one.zip", 2),
        ("two.zip", 1),
    ]
    assert (row.name, row.outcome) == ("bad.zip", "rejected")
    assert "not a whole zip file" in row.reason


def test_a_zip_in_a_folder_is_not_looked_into(here: Arrivals) -> None:
    arrive(here, {"leaves/a.png": PICTURE, "leaves/more.zip": zipped({"c.png": PICTURE})})
    [plan], _ = here.look({})
    assert (len(plan.entries), plan.hidden) == (1, 1)


def test_of_files_without_a_picture_each_is_told(here: Arrivals) -> None:
    arrive(here, {"notes.docx": b"x", "t.csv": b"file,label\n"})
    plans, rows = here.look({})
    assert not plans
    assert [row.name for row in rows] == ["notes.docx", "t.csv"]
    assert "save its pictures" in rows[0].reason
    assert "A table alone" in rows[1].reason


def test_a_folder_without_a_picture_is_told(here: Arrivals) -> None:
    arrive(here, {"papers/notes.docx": b"x"})
    assert [row.name for row in here.look({})[1]] == ["papers"]


def test_nothing_yet(here: Arrivals) -> None:
    assert here.look({}) == ([], [])


REFUSED = [
    "",
    ".",
    "..",
    "/etc/passwd",
    "../x.png",
    "a/../../x.png",
    "a/..",
    "a//b",
    "a/",
    "a\\b.png",
    "a\0b",
    "a\nb.png",
]
REFUSED += ["x\ud800.png", "\x7f.png", f"{'a' * 256}.png", "é" * 130, f"{'a/' * 600}b.png"]


@pytest.mark.parametrize("path", REFUSED)
def test_paths_that_lead_elsewhere_or_cannot_be_kept(here: Arrivals, path: str) -> None:
    with pytest.raises(ProjectError):
        send(here, path, b"x")
    assert on_disk(here) == []
    assert here.count == 0


@pytest.mark.parametrize(
    "path", ["a..b.png", "Foto 10.30\u202fPM.png", "日本/絵.png", "e\u0301.png", ".hidden/a.png", "..."]
)
def test_odd_names_of_honest_people_are_kept(here: Arrivals, path: str) -> None:
    send(here, path, b"x")
    assert on_disk(here) == [f"files/{path}"]


def test_what_windows_cannot_keep_is_known() -> None:
    for path in ("a:b.png", "con", "a/NUL.png", "com1.tar.gz", "ends with a dot./a.png", "a ", "what?.png"):
        assert arrivals._WINDOWS_KEEPS.search(path), path
    for path in ("conference.png", "a/console/b.png", "nullwert.jpg", "a.b/c.d.png", "com10.png", ".hidden"):
        assert not arrivals._WINDOWS_KEEPS.search(path), path


@given(path=st.text(st.characters() | st.sampled_from("./\\\0:"), max_size=40))
def test_no_path_leads_out(data_home: Path, path: str) -> None:
    here = Arrivals()
    try:
        send(here, path, b"x")
        assert len(on_disk(here)) == here.count == 1
    except ProjectError:
        assert on_disk(here) == []
    finally:
        here.remove()
    assert not [path for path in (data_home / ".arriving").rglob("*") if path.is_file()]


def test_nothing_takes_the_place_of_what_is_there(here: Arrivals) -> None:
    send(here, "a/b.png", b"first")
    for path in ("a/b.png", "a", "a/b.png/c.png"):
        with pytest.raises(NameTakenError):
            send(here, path, b"second")
    assert (here.folder / "files" / "a" / "b.png").read_bytes() == b"first"
    assert here.count == 1


def test_of_many_at_once_with_one_name_one_is_kept(here: Arrivals) -> None:
    def one(number: int) -> bool:
        try:
            send(here, "a.png", bytes([number]) * 5000)
        except NameTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 1
    assert on_disk(here) == ["files/a.png"]
    assert len(set((here.folder / "files" / "a.png").read_bytes())) == 1


@pytest.mark.parametrize("told", [2, 4])
def test_what_does_not_come_whole_is_not_kept(here: Arrivals, told: int) -> None:
    with pytest.raises(ProjectError, match="whole"), here.receiving("a.png", told) as write:
        write(b"abc")
    assert on_disk(here) == []
    send(here, "a.png", b"abc")
    assert here.count == 1


def test_the_bounds(here: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = archives.MAX_FILE, archives.MAX_BYTES
    for path, size in (("a.png", small), ("a/b.zip", small), ("a.zip", large), ("cup/a.MOV", large)):
        with pytest.raises(ProjectError, match="larger than"), here.receiving(path, size + 1):
            pytest.fail("taken")
        with pytest.raises(ProjectError, match="whole"), here.receiving(path, size):
            pass
    monkeypatch.setattr(arrivals, "MAX_TOTAL", 10)
    send(here, "a.png", b"x" * 6)
    with pytest.raises(NoRoomError, match="GB at once"):
        send(here, "b.png", b"x" * 5)
    send(here, "b.png", b"x" * 4)
    monkeypatch.setattr(archives, "MAX_ENTRIES", 2)
    with pytest.raises(NoRoomError, match="More than 2 files"):
        send(here, "c.png", b"")


def test_what_nobody_imported_is_swept_after_a_day_and_what_is_in_use_is_not(here: Arrivals) -> None:
    send(here, "a/b.png", b"x")
    old = Arrivals()
    send(old, "a.png", b"x")
    yesterday = time.time() - 25 * 3600
    for path in (old.folder, *old.folder.rglob("*")):
        os.utime(path, (yesterday, yesterday))
    newest = Arrivals()
    assert {path.name for path in (storage.data_home() / ".arriving").iterdir()} == {here.token, newest.token}
    here.remove()
    assert not here.folder.exists()
    assert here.look({}) == ([], [])
