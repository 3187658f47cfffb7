"""Rows 16 to 30 of the fault list: hostile archives, odd names and folders, brought in or found in a folder."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from core import Project, TrainConfig, list_runs, train
from core.config.framing import Framing
from core.config.split import SplitConfig
from core.datasets import importing, labels
from core.datasets.edit_journal import HIDDEN, STAGING, TRASH
from core.datasets.importing import archives, tables
from core.datasets.splits import make_split
from core.datasets.validation import MAX_CLASSES, find_problems, why_not_trainable
from core.export.exports import export
from core.system.errors import FieldguideError, ProjectError
from core.system.naming import class_name, file_stem, safe_class_name
from tests.pictures import COLOURS, encoded, flat_project, noise, shaded
from tests.serving import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "home" / "projects" / "p").mkdir(parents=True)
    return Project.open(tmp_path / "home" / "projects" / "p")


def picture(seed: int = 0) -> bytes:
    return encoded(noise(seed, (40, 40)))


def zipped(files: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, compress_type=method)
    return out.getvalue()


def declared(size: int, count: int = 1, **fields: object) -> bytes:
    """A zip whose directory says that each entry unpacks to `size` bytes, whatever is there."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"oak/{number}.png", picture(number))
            for name, value in ({"file_size": size, "compress_size": size} | fields).items():
                setattr(archive.filelist[-1], name, value)
    return out.getvalue()


def head(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """The header of an entry of a tar."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info.tobuf(tarfile.GNU_FORMAT)


def tarred(files: Iterable[tuple[str, bytes]]) -> bytes:
    return b"".join(head(n, len(c)) + c + bytes(-len(c) % 512) for n, c in files) + bytes(1024)


def tree(folder: Path, but: Path | None = None) -> dict[str, str]:
    """Every path below a folder, with what it is; not those in `but`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if but is None or not path.is_relative_to(but):
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = f"{stat.S_IFMT(path.lstat().st_mode)} {hashlib.sha256(content).hexdigest()}"
    return found


def visible(project: Project) -> dict[str, str]:
    return tree(project.root, project.root / HIDDEN)


# Archives.

LEADS_OUT = [
    "../../evil.jpg",
    "/abs.jpg",
    "C:\\x.jpg",
    "a\\..\\..\\b.jpg",
    "oak/../../c.jpg",
    "..\\d.jpg",
    "\\\\host\\e.jpg",
]


@pytest.mark.parametrize("packed", ["zip", "tar"])
def test_row_16_nothing_is_written_outside_of_the_project(project: Project, packed: str, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "s.png").write_bytes(picture(99))
    names = [*LEADS_OUT, f"{tmp_path}/evil.jpg"]
    bad = [(name, picture(number)) for number, name in enumerate(names)]
    good = ("oak/good.png", picture(50))
    if packed == "zip":
        link = zipfile.ZipInfo("oak/link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        way = zipfile.ZipInfo("way")
        way.create_system, way.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        to = str(outside).encode()
        content = zipped([*bad, (link, to + b"/s.png"), (way, to), ("way/through.png", picture(51)), good])
        specials = ["oak/link.png", "way"]
    else:
        kinds = {
            "oak/link.png": tarfile.SYMTYPE,
            "oak/hard.png": tarfile.LNKTYPE,
            "oak/null.png": tarfile.CHRTYPE,
            "oak/pipe.png": tarfile.FIFOTYPE,
            "oak/disk.png": tarfile.BLKTYPE,
            "oak/holes.png": tarfile.GNUTYPE_SPARSE,
        }
        special = b"".join(head(name, 0, kind, str(outside / "s.png")) for name, kind in kinds.items())
        content = special + tarred([*bad, good])
        specials = list(kinds)
    before = tree(tmp_path, project.root)
    plan = importing.look(content, f"a.{packed}")
    report = importing.take(project, plan)
    assert tree(tmp_path, project.root) == before
    assert not Path("/abs.jpg").exists()
    rejected = {row.name: row.reason for row in report.rows if row.outcome == "rejected"}
    assert all(rejected[name] == "its path leads out of the archive" for name in names)
    assert all(rejected[name] == "a link, not a file" for name in specials)
    taken = [row.path for row in report.rows if row.outcome == "taken"]
    assert set(taken) <= {"oak/good.png", "way/through.png"}  # a folder of that name was made: the link was not
    assert all((project.root / path).resolve().is_relative_to(project.root.resolve()) for path in taken)
    assert (project.root / "oak/good.png").is_file()


ZEROS = bytes(30_000_000)
MANY = range(archives.MAX_ENTRIES + 1)
# What -> (name, content, part of what is said).
BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zip entries": ("a.zip", lambda: zipped((f"a/{n}.png", b"") for n in MANY), "more than 20,000 files"),
    "zip folders": ("a.zip", lambda: zipped((f"a/{n}/", b"") for n in MANY), "more than 20,000 files"),
    "zip size": ("a.zip", lambda: declared(150_000_000, 14), "larger than 2 GB"),
    "zip ratio": ("a.zip", lambda: zipped([("a/1.png", ZEROS)], zipfile.ZIP_DEFLATED), "more than a hundredfold"),
    "zip ratio of all": (
        "a.zip",
        lambda: zipped([(f"a/{n}.png", ZEROS[:150_000]) for n in range(9)], zipfile.ZIP_DEFLATED),
        "more than a hundredfold",
    ),
    "tar entries": ("a.tar", lambda: head("a/1.png") * len(MANY), "more than 20,000 files"),
    "tar folders": (
        "a.tgz",
        lambda: gzip.compress(head("a/", kind=tarfile.DIRTYPE) * len(MANY), 1),
        "more than 20,000 files",
    ),
    "tar size": ("a.tar", lambda: head("a/1.png", 2_100_000_000), "larger than 2 GB"),
    "tar ratio": ("a.tgz", lambda: gzip.compress(head("a/1.png", len(ZEROS)) + ZEROS), "more than a hundredfold"),
    "tar header": ("a.tar", lambda: head("a", len(ZEROS), b"L") + ZEROS, "not a whole zip"),
    "tar header of pax": ("a.tgz", lambda: gzip.compress(head("a", len(ZEROS), b"x") + ZEROS), "not a whole zip"),
    "tar backwards": ("a.tar", lambda: head("a/1.png", -1024), "not a whole zip"),
}


@pytest.mark.parametrize("what", BOMBS)
def test_row_17_bombs_are_stopped_before_anything_is_written(
    project: Project, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, make, says = BOMBS[what]
    content = make()
    unpacked: list[int] = []
    read = gzip.GzipFile.read
    monkeypatch.setattr("zipfile.ZipFile.open", lambda *_: pytest.fail("an entry was opened"))
    monkeypatch.setattr(
        gzip.GzipFile,
        "read",
        lambda self, amount: unpacked.append(amount) or read(self, amount),  # type: ignore[func-returns-value]
    )
    before = tree(project.root)
    with pytest.raises(ProjectError, match=says):
        importing.look(content, name)
    assert tree(project.root) == before
    assert sum(unpacked) < 12_000_000  # 20,000 headers of 512 bytes; none of the zeros


def test_row_17_an_entry_that_is_not_as_declared_is_rejected(project: Project) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in (("more.png", 100), ("less.png", 190_000), ("right.png", None)):
            archive.writestr(f"oak/{name}", picture(len(name)))
            if size:
                archive.filelist[-1].file_size = size
    report = importing.take(project, importing.look(out.getvalue(), "a.zip"))
    assert [(row.name, row.outcome, row.reason) for row in report.rows] == [
        ("oak/more.png", "rejected", "damaged in the archive"),
        ("oak/less.png", "rejected", "damaged in the archive"),
        ("oak/right.png", "taken", ""),
    ]
    with pytest.raises(ProjectError, match="not a whole zip"):  # a tar that declares more than there is
        importing.look(head("oak/1.png", 9_000) + picture(), "a.tar")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_row_17_what_is_unpacked_without_a_limit_is_not_unpacked(
    project: Project, method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes of these give gigabytes at once, whatever their entry declares."""
    content = zipped([("oak/1.png", picture())], method)
    monkeypatch.setattr("zipfile.ZipFile.open", lambda *_: pytest.fail("an entry was opened"))
    with pytest.raises(ProjectError, match="packed in an unusual way"):
        importing.look(content, "a.zip")


def test_row_17_a_packed_tar_is_read_forwards_only(project: Project) -> None:
    """Each step back unpacks it again from its start."""
    files = [(f"{n}.png", picture(n)) for n in range(9)]
    table = "file,label\n" + "".join(f"{n}.png,oak\n" for n in reversed(range(9)))
    plan = importing.look(gzip.compress(tarred([*files, ("labels.csv", table.encode())])), "a.tgz")
    assert [entry.name for entry in plan.entries] == [name for name, _ in files]
    assert importing.take(project, plan).count("taken") == 9


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.zip", declared(2000, flag_bits=1), "locked with a password"),
        ("a.zip", zipped([("inner.zip", zipped([("oak/1.png", picture())]))]), "a zip in a zip: unpack it first"),
        ("a.zip", zipped([("oak/1.png", picture())])[:-30], "damaged, cut off, or something else"),
        ("a.zip", zipped([("oak/1.png", picture())])[:700], "damaged, cut off, or something else"),
        ("a.tgz", gzip.compress(tarred([("oak/1.png", picture())]))[:-900], "damaged, cut off, or something else"),
        ("a.zip", b"Rar!\x1a\x07\x00" + bytes(900), "damaged, cut off, or something else"),
        ("a.zip", b"", "damaged, cut off, or something else"),
        ("a.tar", picture(), "damaged, cut off, or something else"),
        ("a.zip", declared(2000, filename=""), "no pictures"),
    ],
    ids=["encrypted", "nested", "truncated", "half", "half a tgz", "rar", "empty", "picture", "no names"],
)
def test_row_18_one_clear_message(project: Project, name: str, content: bytes, says: str) -> None:
    plans, rows = importing.from_files([(name, content)])
    assert not plans
    [row] = rows
    assert (row.name, row.outcome) == (name, "rejected")
    assert says in row.reason
    assert row.reason.count(". ") == 1
    assert row.reason.endswith(".")
    assert not visible(project)


_KILLED = """
import os, signal, sys
from core import Project
from core.datasets import importing
from tests.pictures import encoded, noise
files = [(f"{n}.png", encoded(noise(n, (40, 40)))) for n in range(60)]
die = lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done > 20 else None
importing.take(Project.open(sys.argv[1]), importing.from_pictures(files).into("oak"), die)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9")
def test_row_19_of_half_an_import_nothing_is_left(project: Project) -> None:
    (project.root / "elm").mkdir()
    before = visible(project)
    ended = subprocess.run([sys.executable, "-c", _KILLED, project.root], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(list((project.root / STAGING).rglob("*.png"))) > 20  # it was at it
    assert visible(project) == before
    again = Project.open(project.root)
    assert not (again.root / TRASH).exists()
    assert not list((again.root / STAGING).iterdir())
    assert again.scan().counts == {"elm": 0}
    assert importing.take(again, importing.from_pictures([("1.png", picture())])).count("taken") == 1


JUNK = [
    ".DS_Store",
    "oak/Thumbs.db",
    "__MACOSX/oak/._a.jpg",
    "oak/._a.jpg",
    ".hidden/x.png",
    "oak/.git/x.png",
    "desktop.ini",
]


def written(folder: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    for name, content in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def sources(folder: Path, files: list[tuple[str, bytes]]) -> dict[str, importing.Plan]:
    """The same files as a zip, a tar and a folder."""
    return {
        "zip": importing.look(zipped(files), "a.zip"),
        "tar": importing.look(tarred(files), "a.tar"),
        "folder": importing.look(written(folder, files)),
    }


def test_row_20_what_systems_leave_behind_is_counted_and_never_a_class(project: Project, tmp_path: Path) -> None:
    files = [("oak/1.png", picture(1)), ("elm/2.png", picture(2)), *((name, picture(3)) for name in JUNK)]
    for plan in sources(tmp_path / "source", files).values():
        assert plan.counts == {"oak": 1, "elm": 1}
        assert plan.hidden >= 6  # a folder that is hidden counts as one
        assert {row.outcome for row in plan.rows} == {"skipped"}
    catalogue = Project.open(tmp_path / "source").scan()
    assert catalogue.classes == ("elm", "oak")
    assert catalogue.skipped == len(JUNK)
    assert not catalogue.rejected


def test_row_21_wrapped_loose_and_nested_folders(project: Project, tmp_path: Path) -> None:
    wrapped = [("down/load/oak/1.png", picture(1)), ("down/load/elm/a/b/2.png", picture(2))]
    for kind, plan in sources(tmp_path / "wrapped", wrapped).items():
        assert plan.counts == {"oak": 1, "elm": 1}, kind
        assert any("folders in load" in note for note in plan.notes), kind
        assert any("belong to that class" in note for note in plan.notes), kind
    assert Project.open(tmp_path / "wrapped").scan().counts == {"elm": 1, "oak": 1}

    mixed = [("1.png", picture(1)), ("oak/deep/2.png", picture(2)), ("elm/3.png", picture(3))]
    for kind, plan in sources(tmp_path / "mixed", mixed).items():
        assert plan.counts == {None: 1, "oak": 1, "elm": 1}, kind
        assert any("without a class" in note for note in plan.notes), kind
    importing.take(project, importing.look(zipped(mixed), "a.zip"))
    assert [p.path for p in project.scan().unlabelled] == ["1.png"]


def test_row_21_folders_a_thousand_deep(project: Project, tmp_path: Path) -> None:
    deep = "oak/" + "d/" * 1000 + "1.png"
    shallow = [("oak/2.png", picture(2)), ("oak/" + "d/" * 400 + "3.png", picture(3))]
    for content, name in ((zipped([(deep, picture(1)), *shallow]), "a.zip"), (tarred(shallow), "a.tar")):
        plan = importing.look(content, name)
        assert plan.counts == {"oak": 2}
        assert [row.reason for row in plan.rows if row.name == deep] == ["its path is too long"] * (name == "a.zip")
    folder = tmp_path / "deep"
    written(folder, [("oak/1.png", picture(1)), ("elm/" + "d/" * 400 + "1.png", picture(2))])
    assert Project.open(folder).scan().counts == {"elm": 1, "oak": 1}


ODD_NAMES = [
    "n" * 300 + ".png",
    "🌳🍁.png",
    "evil\u202egnp.png",
    "nul\0byte.png",
    "dot..png",
    "CON.png",
    "aux.x.png",
    " space .png",
    "a:b?c*.png",
    "é" * 200 + ".png",
    "-rf.png",
    "$(x) `y`.png",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_row_22_odd_file_names_are_made_safe_and_kept_as_text(project: Project, name: str) -> None:
    row = importing.take(project, importing.from_pictures([(name, picture())]).into("oak")).rows[0]
    assert row.outcome == "taken"
    path = Path(row.path)
    assert path.parent == Path("oak")
    assert len(path.name.encode()) < 120
    assert path.stem.isprintable()
    assert not set(path.stem) & set('\\/:*?"<>|')
    assert path.stem.partition(".")[0].casefold() not in ("con", "aux")
    assert path.stem == path.stem.strip(" .")
    found = project.scan().by_path[row.path]
    assert project.journal.origins([found.id]) == {found.id: (name, "files")}


def test_row_22_two_of_one_name_are_both_kept(project: Project) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped([("oak/a.png", picture(1)), ("oak/a.png", picture(2)), ("oak/A.PNG", picture(3))])
    report = importing.take(project, importing.look(content, "a.zip"))
    assert [row.path for row in report.rows] == ["oak/a.png", "oak/a (2).png", "oak/A (3).png"]
    assert len({picture.id for picture in project.scan().pictures}) == 3


def test_row_22_names_in_archives_that_are_no_text(project: Project) -> None:
    """Bytes that are no UTF-8, as old programs wrote them; and UTF-8 that does not say so, as Macs write it."""
    latin = tarred([("oak/X.png", picture(1))]).replace(b"oak/X.png", b"oak/\xe9.png")
    latin = head_with_sum(latin)
    mac = zipped([("X/1.png", picture(2))]).replace(b"X/1.png", "é".encode() + b"1.png")
    mac = zipped([("KAETZCHEN/1.png", picture(2))]).replace(b"KAETZCHEN", "Kätzchen".encode())
    for content, name in ((latin, "a.tar"), (mac, "a.zip")):
        report = importing.take(project, importing.look(content, name))
        assert report.count("taken") == 1
        json.dumps(report.as_dict()).encode()
        report.rows[0].name.encode()
    assert project.scan().counts == {"Kätzchen": 1, "oak": 1}


def head_with_sum(content: bytes) -> bytes:
    """A tar with the sum of its first header put right."""
    blank = content[:148] + b" " * 8 + content[156:512]
    return content[:148] + b"%06o\0 " % sum(blank) + content[156:]


def test_row_23_spellings_of_one_class(project: Project, tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    names = ["Cat", "cat", composed, apart]
    files = [(f"{name}/{number}.png", picture(number)) for number, name in enumerate(names)]
    for kind, plan in sources(tmp_path / "source", files).items():
        assert plan.counts == {"Cat": 2, composed: 2}, kind
    report = importing.take(project, importing.look(zipped(files), "a.zip"))
    assert report.count("taken") == 4
    assert project.scan().counts == {"Cat": 2, composed: 2}
    assert (
        importing.take(project, importing.from_pictures([("x.png", picture(9))]).into("CAT")).rows[0].path
        == "Cat/x.png"
    )


def test_row_24_links_are_not_followed_when_a_folder_is_brought_in(project: Project, tmp_path: Path) -> None:
    secret = written(tmp_path / "secret", [("s.png", picture(9))])
    source = written(tmp_path / "source", [("oak/1.png", picture(1)), ("elm/2.png", picture(2))])
    (source / "linked").symlink_to(secret)
    (source / "oak" / "loop").symlink_to(source)
    (source / "oak" / "file.png").symlink_to(secret / "s.png")
    (source / "oak" / "nowhere.png").symlink_to(tmp_path / "none.png")
    os.mkfifo(source / "oak" / "pipe.png")
    report = importing.take(project, importing.look(source))
    rejected = {row.name: row.reason for row in report.rows if row.outcome == "rejected"}
    assert rejected == dict.fromkeys(
        ("linked", "oak/loop", "oak/file.png", "oak/nowhere.png"), "a link, which is not followed"
    )
    assert project.scan().counts == {"elm": 1, "oak": 1}
    problems = [p.sentence for p in find_problems(Project.open(source).scan(), Framing()) if p.kind == "link"]
    assert len(problems) == 4


NO_CLASS = [
    "../../x",
    "a/b",
    ".hidden",
    "..",
    "",
    " \u3000 ",
    "x" * 500,
    "a\\b",
    "CON",
    "aux .txt",
    "a\ud800",
    "é" * 130,
]


@pytest.mark.parametrize("name", NO_CLASS)
def test_row_25_names_that_no_class_can_have(project: Project, name: str, tmp_path: Path) -> None:
    before = tree(tmp_path)
    plan = importing.from_pictures([("a.png", picture())])
    with pytest.raises(ProjectError) as caught:
        plan.into(name)
    str(caught.value).encode()
    with pytest.raises(ProjectError):
        labels.new_class(project, name)
    assert {path for path in tree(tmp_path) if HIDDEN not in path} == {path for path in before if HIDDEN not in path}
    # A table that asks for it says so; a folder of that name gets one as near as can be.
    row = {"file": "a.png", "label": name}
    plans, rows = importing.from_files([("a.png", picture()), ("t.json", json.dumps([row]).encode())])
    if name.strip():
        assert [r.outcome for plan in plans for r in plan.rows] + [r.outcome for r in rows] == ["rejected"]
    near = importing.look(zipped([("a.png", picture())]), "a.zip", lambda _: name)
    [chosen] = near.counts
    assert chosen is not None
    row_taken = importing.take(project, near).rows[0]
    assert (project.root / row_taken.path).resolve().is_relative_to(project.root.resolve())
    assert row_taken.path.count("/") == 1


def test_rows_22_and_25_a_safe_name_is_one_that_is_allowed() -> None:
    pieces = [
        *map(chr, range(0x180)),
        "\u200b",
        "\u202e",
        "\u3000",
        "\ud800",
        "\u0301",
        "ß",
        "İ",
        "한",
        "🌳",
        "con",
        "aux ",
    ]
    pieces += ["COM1.", "..", "/", "\\", "__MACOSX", "Thumbs.db", "desktop.ini", " ", ".", "n" * 90, "é" * 60]
    for first in pieces:
        for second in ("", "x", ".", " ", "\u0301", "é" * 70):
            for name in (first + second, second + first, f"con.{first}{'y' * 99}"):
                safe = safe_class_name(name)
                assert class_name(safe) == safe, ascii(name)
                stem = file_stem(name)
                assert stem == stem.strip(" .") != ""
                assert len(stem.encode()) <= 100
                assert not set(stem) & set("/\\\0")


FORMULAS = ["=HYPERLINK(x)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


def test_row_27_no_cell_of_a_download_is_a_formula() -> None:
    from core.system.csv_safety import as_csv
    from pages.shared.pictures.add import _table

    rows = [[name, "rejected", name, name] for name in FORMULAS]
    for line in list(csv.reader(io.StringIO(as_csv(["file"], rows), newline="")))[1:]:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)
    for shown in _table(rows):
        assert shown["file"].startswith("'")
        assert shown["why"].startswith("'")


def test_row_28_an_empty_class_is_left_out_and_said(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=3))
    labels.new_class(project, "empty")
    catalogue = project.scan()
    assert catalogue.counts["empty"] == 0
    assert "empty has no pictures: it is left out." in [p.sentence for p in find_problems(catalogue, Framing())]
    assert why_not_trainable(catalogue) == ""
    assert make_split(catalogue, SplitConfig(), 0).classes == ("blue", "green", "red")


@pytest.mark.parametrize(
    ("colours", "each", "says"),
    [
        ({"red": (200, 0, 0)}, 4, "There is only one class, red."),
        (COLOURS, 1, "blue has too few different pictures (1)"),
    ],
    ids=["one class", "one picture a class"],
)
def test_row_28_what_cannot_be_trained_is_refused_with_the_reason(
    tmp_path: Path, colours: dict[str, tuple[int, int, int]], each: int, says: str
) -> None:
    project = Project.open(flat_project(tmp_path / "p", colours, each=each))
    assert why_not_trainable(project.scan()).startswith(says)
    with pytest.raises(FieldguideError) as caught:
        train(project)
    assert str(caught.value).startswith(says)
    assert not list_runs(project)


def test_row_28_ten_thousand_classes_are_refused(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.imaging.decode.inspect", lambda _: pytest.fail("a picture was decoded"))
    content = picture()
    files = [(f"class {number}/1.png", content) for number in range(10_000)]
    with pytest.raises(ProjectError, match=r"There are 10,000 class folders in a\.zip; at most 1,000 are supported"):
        importing.look(zipped(files), "a.zip")
    monkeypatch.undo()
    written(tmp_path / "many", files[: MAX_CLASSES + 1])
    many = Project.open(tmp_path / "many")
    with pytest.raises(ProjectError, match="There are 1,001 class folders in many"):
        importing.look(many.root)
    assert f"at most {MAX_CLASSES}" in why_not_trainable(many.scan())
    with pytest.raises(FieldguideError, match=f"at most {MAX_CLASSES} are supported"):
        train(many)


@pytest.mark.slow
def test_row_29_the_order_of_classes_is_the_same_everywhere(tmp_path: Path) -> None:
    colours = dict(zip(("1", "2", "10"), COLOURS.values(), strict=True))
    project = Project.open(flat_project(tmp_path / "p", colours, each=6))
    labels.new_class(project, "empty")
    labels.set_order(project, ["1", "2", "empty", "10"])
    run = train(project, TrainConfig(epochs=4))
    made = export(run)
    labels.set_order(project, ["10", "2", "1"])  # what was trained stays as it was
    with zipfile.ZipFile(made.download) as bundle:
        listed = bundle.read("labels.txt").decode().splitlines()
        spec = json.loads(bundle.read("fieldguide.json"))
    plan = json.loads((run.folder / "run.json").read_text())
    assert listed == spec["classes"] == plan["classes"] == list(run.snapshot().plan.classes) == ["1", "2", "10"]


def test_row_30_files_that_come_and_go_by_hand(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=4))
    old = project.scan()
    (project.root / "red" / "000.png").unlink()
    (project.root / "red" / "001.png").write_bytes(b"")
    (project.root / "blue").rename(project.root / "azure")
    shaded((9, 90, 200), 7).save(project.root / "new.png")
    # What was seen before is still asked for.
    assert set(labels.move(project, old.by_class["red"], "green").left) == {"red/000.png", "red/001.png"}
    with pytest.raises(ProjectError, match="not there any more"):
        labels.move(project, old.by_class["blue"], "green")
    catalogue = project.scan()
    assert catalogue.counts == {"azure": 4, "green": 6, "red": 0}
    assert [p.path for p in catalogue.unlabelled] == ["new.png"]
    assert [r.path for r in catalogue.rejected] == ["red/001.png"]


def test_row_30_a_file_that_goes_between_the_look_and_the_import(project: Project, tmp_path: Path) -> None:
    source = flat_project(tmp_path / "source", COLOURS, each=2)
    plan = importing.look(source)
    (source / "red" / "000.png").unlink()
    (source / "blue" / "000.png").write_bytes(b"changed")
    os.truncate(source / "green" / "000.png", archives.MAX_FILE + 1)  # all holes: nothing of it lies on the disk
    report = importing.take(project, plan)
    assert {row.name: row.reason for row in report.rows if row.outcome == "rejected"} == {
        "red/000.png": "this file cannot be read",
        "blue/000.png": "not a picture (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC)",
        "green/000.png": "larger than 200 MB",
    }
    assert report.count("taken") == 3


# Tables, of which no row speaks.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", b'[{"data": {"image": "a.png"}, "annotations": 5}]'),
        (
            "t.json",
            b'[{"data": {"image": "a.png"}, "annotations": [{"result": 1}, {"result": [{"value": {"choices": 3}}]}]}]',
        ),
        ("t.json", b'[{"file": "a.png", "label": "\\ud800"}, {"file": "\\udfff.png"}]'),
        ("t.json", b"[" * 100_000),
        ("t.json", b'{"a.png": null, "b": {"c": []}}'),
        ("t.jsonl", b'"x"\n5\n[]\nnull\n'),
        ("t.csv", b'file,label\n"a.png' + b"x" * 1_100_000),
        ("t.csv", b'"' * 20_000),
        ("t.csv", b"\0\0\0\n\0"),
        ("t.tsv", b"\xff\xfe\0f"),
        ("t.csv", b""),
    ],
)
def test_wild_tables_are_a_sentence_or_rows(project: Project, name: str, content: bytes) -> None:
    plans, rows = importing.from_files([("a.png", picture()), (name, content)])
    [plan] = plans
    for row in (*plan.rows, *rows, *importing.take(project, plan).rows):
        row.name.encode()
        assert row.reason or row.outcome == "taken"


def test_a_table_of_too_many_rows_is_refused() -> None:
    with pytest.raises(ProjectError, match="more than 200,000 rows"):
        tables.read_table(b"a.png,oak\n" * (tables.MAX_ROWS + 2), "t.csv")
