"""Names in zips and tars that do not say their encoding, as old Windows and some Macs write them."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib

import pytest

from core.datasets import importing
from core.datasets.importing import ImportChoices


def zip_of(names: list[bytes], extra: dict[bytes, bytes] | None = None) -> bytes:
    """A zip whose names are these bytes, without the mark of UTF-8."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(names):
            info = zipfile.ZipInfo(f"{number:06}".ljust(len(name), "x"))
            info.extra = (extra or {}).get(name, b"")
            archive.writestr(info, b"")
    content = out.getvalue()
    for number, name in enumerate(names):
        content = content.replace(f"{number:06}".ljust(len(name), "x").encode(), name)
    return content


def named(classes: list[str], encoding: str) -> list[bytes]:
    return [f"{name}/{n}.jpg".encode(encoding) for name in classes for n in range(3)]


@pytest.mark.parametrize(
    ("encoding", "classes"),
    [
        ("cp932", ["ヒナギク", "バラ", "樹"]),
        ("cp932", ["ソース", "表", "能力"]),  # with bytes that are backslashes elsewhere
        ("gb18030", ["玫瑰", "菊花"]),
        ("gb18030", ["猫", "狗"]),
        ("cp949", ["고양이", "강아지"]),
        ("cp866", ["круг", "Квадрат"]),
        ("cp1251", ["круг", "Квадрат"]),
        ("cp437", ["Röschen", "Löwe"]),
        ("cp1252", ["Röschen", "Löwe", "été"]),
        ("cp850", ["São", "mão"]),
    ],
)
def test_names_are_read_as_they_were_written_and_it_is_said(encoding: str, classes: list[str]) -> None:
    plan = importing.look(zip_of(named(classes, encoding)), "a.zip")
    assert plan.counts == dict.fromkeys(classes, 3)
    [note] = [note for note in plan.notes if "encoding" in note]
    assert "they were read as" in note
    assert plan.recognised[0].options.encodings


def test_utf8_without_its_mark_and_plain_names_are_not_guessed() -> None:
    for classes, encoding in ((["café", "thé"], "utf-8"), (["cat", "dog"], "cp932")):
        plan = importing.look(zip_of(named(classes, encoding)), "a.zip")
        assert plan.counts == dict.fromkeys(classes, 3)
        assert not [note for note in plan.notes if "encoding" in note]


def test_another_reading_can_be_chosen() -> None:
    content = zip_of(named(["круг", "крест"], "cp866"))
    plan = importing.look(content, "a.zip", choices=ImportChoices(encoding="cp1251"))
    assert "круг" not in plan.counts
    assert plan.recognised[0].choices.encoding == "cp1251"
    assert importing.look(content, "a.zip", choices=ImportChoices(encoding="cp866")).counts == {"круг": 3, "крест": 3}
    with plan.opened() as read:
        assert all(read(entry) == b"" for entry in plan.entries)


def test_a_name_that_is_said_in_unicode_beside_is_that() -> None:
    raw = "狗/1.jpg".encode("gb18030")
    body = b"\x01" + zlib.crc32(raw).to_bytes(4, "little") + "狗 - Hund/1.jpg".encode()
    extra = (0x7075).to_bytes(2, "little") + len(body).to_bytes(2, "little") + body
    plan = importing.look(zip_of([raw], {raw: extra}), "a.zip")
    assert plan.counts == {"狗 - Hund": 1}
    wrong = importing.look(zip_of([raw], {raw: extra.replace(b"\x01", b"\x02", 1)}), "a.zip")
    assert wrong.counts == {"狗": 1}


def tar_of(names: list[str], encoding: str, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding=encoding) as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT], ids=["gnu", "ustar"])
@pytest.mark.parametrize(
    ("encoding", "classes"),
    [
        ("latin-1", ["für", "fär"]),
        ("latin-1", ["Röschen", "Löwe", "été"]),
        ("cp932", ["ヒナギク", "バラ", "ソース"]),
        ("gb18030", ["玫瑰", "菊花"]),
        ("cp1251", ["круг", "Квадрат"]),
    ],
)
def test_so_are_the_names_in_a_tar(encoding: str, classes: list[str], form: int) -> None:
    content = tar_of([f"{name}/{n}.jpg" for name in classes for n in range(3)], encoding, form)
    plan = importing.look(content, "a.tar")
    assert plan.counts == dict.fromkeys(classes, 3)
    assert len([note for note in plan.notes if "they were read as" in note]) == 1
    assert plan.recognised[0].options.encodings
    assert importing.look(content, "a.tar", choices=ImportChoices(encoding=encoding)).counts == plan.counts
    with plan.opened() as read:
        assert all(read(entry) == b"" for entry in plan.entries)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_utf8_in_a_tar_is_not_guessed(form: int) -> None:
    plan = importing.look(tar_of([f"{name}/1.jpg" for name in ("café", "狗")], "utf-8", form), "a.tar")
    assert plan.counts == {"café": 1, "狗": 1}
    assert not [note for note in plan.notes if "encoding" in note]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_utf8_in_a_tar_is_that_whatever_was_chosen(form: int) -> None:
    content = tar_of(["café/1.jpg"], "utf-8", form)  # the encoding of a table in it may have been chosen
    assert importing.look(content, "a.tar", choices=ImportChoices(encoding="cp932")).counts == {"café": 1}
