"""Whatever an archive calls its members, and whatever is broken in it: nothing leads outside, and nothing breaks down."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core import Project
from core.datasets import importing
from core.datasets.importing.archives import Member, open_archive
from core.system.errors import ProjectError
from tests.pictures import encoded, noise
from tests.sentences import must_tell

PARTS = [
    "..",
    ".",
    "",
    "a",
    "cat",
    "C:",
    "c:x",
    "\\",
    "..\\x",
    "con",
    "~",
    "\u202e",
    "é",
    "e\u0301",
    "x" * 300,
    "a.zip",
    "\u2028",
]
NAMES = st.one_of(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("/".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30),
)
PICTURES = [encoded(noise(number, (40, 40))) for number in range(4)]


def zipped(names: list[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(zipfile.ZipInfo(name), PICTURES[number % len(PICTURES)])
    return out.getvalue()


def packed(names: list[str], kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, name in enumerate(names):
            info, content = tarfile.TarInfo(name), PICTURES[number % len(PICTURES)]
            info.type, info.linkname, info.size = kind, "/etc/passwd", len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tar_of(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("last", ["more.zip", "slides.pptx", "cat/9.png"])
def test_a_tar_with_a_zip_in_it_is_a_tar(mode: str, last: str) -> None:
    files = {"PK/1.png": PICTURES[0], "cat/2.png": PICTURES[1], last: zipped(["fox/1.png"])}
    with open_archive(tar_of(files, mode)) as members:
        assert [member.name for member in members] == list(files)
        assert members[0].read() == PICTURES[0]


def test_zips_that_begin_otherwise_are_zips() -> None:
    for before in (b"PK\7\10", b"PK00", b"#!/bin/sh\nexec unzip $0\n"):
        with open_archive(before + zipped(["fox/1.png"])) as members:
            assert [member.name for member in members] == ["fox/1.png"]
    with open_archive(zipped([])) as members:
        assert members == []


def opened(content: bytes) -> Iterator[tuple[Member, bytes | None]]:
    """The members with what is in them, None where that cannot be read; nothing where the archive is refused."""
    try:
        with open_archive(content) as members:
            for member in members:
                member.name.encode()  # it can be stored and shown
                try:
                    yield member, member.read()
                except ProjectError as error:
                    must_tell(error, hint=False)
                    yield member, None
    except ProjectError as error:
        must_tell(error)


def must_stay_inside(name: str) -> None:
    """Fails for a path that leads out of the folder that it is put into, on any system."""
    assert ".." not in name.replace("\\", "/").split("/")
    assert not name.startswith(("/", "\\"))
    assert not PureWindowsPath(name).drive


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(st.lists(NAMES, min_size=1, max_size=6), st.booleans())
@example(["../a.png", "/a.png", "C:\\a.png", "a/../../b.png", "\\\\host\\a.png"], True)
def test_no_name_leads_out(names: list[str], as_zip: bool) -> None:
    for member, content in opened(zipped(names) if as_zip else packed(names)):
        if not member.refused:
            must_stay_inside(member.name)
            assert content in PICTURES


@given(st.binary(min_size=1, max_size=30), st.booleans())
def test_no_bytes_of_a_name_break_it_down(name: bytes, said_to_be_utf8: bool) -> None:
    written = ("é" + "Q" * (len(name) - 2) if said_to_be_utf8 else "Q" * len(name)) if len(name) > 1 else "Q"
    for member, _ in opened(zipped([written]).replace(written.encode(), name)):
        if not member.refused:
            must_stay_inside(member.name)


@given(NAMES, st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE]))
def test_what_is_no_file_is_refused(name: str, kind: bytes) -> None:
    assert all(member.refused for member, _ in opened(packed([name], kind)))


@given(st.booleans(), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0))
def test_damage_is_refused_or_let_be(as_zip: bool, changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(zipped(["a/1.png", "b/2.png"]) if as_zip else packed(["a/1.png", "b/2.png"]))
    for at, value in changes:
        content[-1 - at % min(len(content), 400) if as_zip else at % 512] = value  # where the lists of members are
    for whole in (bytes(content), bytes(content[: cut % len(content)])):
        for member, _ in opened(whole):
            if not member.refused:
                must_stay_inside(member.name)


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\3\4", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0", b"PK\5\6"]))
def test_what_is_no_archive_is_refused(content: bytes, start: bytes) -> None:
    assert not [member for member, _ in opened(start + content)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=12)
@given(st.lists(NAMES.map(lambda name: f"{name}.png"), min_size=2, max_size=6), st.booleans())
def test_an_import_stays_in_its_project(names: list[str], as_zip: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        around, root = Path(place), Path(place, "inner", "project")
        root.mkdir(parents=True)
        project = Project.open(root)
        try:
            report = importing.take(project, importing.look(zipped(names) if as_zip else packed(names), "set.zip"))
        except ProjectError:
            assume(False)
        outside = [path for path in around.rglob("*") if path.is_file() and not path.is_relative_to(root)]
        assert not outside
        kept = sorted(path.read_bytes() for path in root.rglob("*.png") if ".fieldguide" not in path.parts)
        assert len(kept) == report.count("taken") == len(set(kept))
        assert set(kept) <= set(PICTURES)
