"""Many tables, as sets have them that come with one for each class."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.datasets import importing
from tests.core.datasets.importing.sources import KINDS, labels, rows
from tests.pictures import zipped

TITLES = ("Filename", "Width", "ClassId")


def signs(number: int) -> dict[str, bytes]:
    """As the German traffic signs come: a folder for each class, and its table in it."""
    files: dict[str, bytes] = {}
    for n in range(number):
        names = [f"{n:05}_{each}.png" for each in range(2)]
        files |= {f"{n:05}/{name}": b"" for name in names}
        files[f"{n:05}/GT-{n:05}.csv"] = rows(TITLES, names, [30, 31], [n, n]).replace(",", ";").encode()
    return files


def put(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize("packed", [True, False])
def test_a_table_for_each_of_many_classes(tmp_path: Path, packed: bool) -> None:
    files = signs(130)
    plan = importing.look(zipped(files), "signs.zip") if packed else importing.look(put(tmp_path / "s", files))
    assert plan.counts == {str(n): 2 for n in range(130)}
    assert not [note for note in plan.notes if "looked into" in note]
    assert not [row for row in plan.rows if row.reason == "not in the table"]


@pytest.mark.parametrize(("bound", "most"), [("_MOST", 40), ("_MOST_ROWS", 40 * 3 - 1)])
def test_what_is_not_read_is_said_and_its_pictures_come_by_their_folders(
    monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(f"core.datasets.importing.sheets.{bound}", most)
    plan = importing.look(zipped(signs(43)), "signs.zip")
    assert plan.counts == {str(n) if n < 40 else f"{n:05}": 2 for n in range(43)}
    assert "Only 40 of 43 tables were looked into." in plan.notes
    assert "Pictures beside the other tables come by their folders, where no table names them." in plan.notes


def test_json_of_each_picture_takes_no_picture_from_the_table() -> None:
    """What a table leaves out stays out, whatever programs wrote beside the pictures."""
    names = [f"images/{kind}{n}.jpg" for kind in KINDS for n in range(20)]
    files = dict.fromkeys(names, b"") | {f"images/{n}.json": b'{"shapes": []}' for n in range(60)}
    files["labels.csv"] = rows(["file", "label"], names[:50], [KINDS[n // 20] for n in range(50)]).encode()
    plan = importing.look(zipped(files), "set.zip")
    assert len(plan.entries) == len(labels(plan)) == 50
    assert "Only 41 of 61 tables were looked into." in plan.notes


@pytest.mark.parametrize("most", [0, 100, 64_000_000])
def test_tables_in_an_archive_are_read_whatever_can_be_kept_of_them(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("core.datasets.importing.listing._KEPT", most)
    assert importing.look(zipped(signs(5)), "signs.zip").counts == {str(n): 2 for n in range(5)}
