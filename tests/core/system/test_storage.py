"""Files that are written whole or not at all, and never into a folder that was moved away."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.system import storage


def test_a_project_that_was_moved_away_is_not_made_again(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / ".fieldguide" / "runs" / "one").mkdir(parents=True)
    root.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        storage.write_json(root / ".fieldguide" / "runs" / "one" / "state.json", {})
    assert not root.exists()


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    storage.write_bytes(tmp_path / "file.txt", b"old")

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        storage.write_with(tmp_path / "file.txt", fail)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_names_that_are_no_text_come_back_from_json(tmp_path: Path) -> None:
    value = {"caf\udce9.jpg": ["\udcff", "é", "\\udce9"]}
    storage.write_json(tmp_path / "names.json", value)
    assert storage.read_json(tmp_path / "names.json") == value


def test_what_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    for damaged in (b"[1, 2", b"[" * 100_000):
        file.write_bytes(damaged)
        storage.update_json(file, lambda known: [*(known or []), 3])
        assert storage.read_json(file) == [3]
    with pytest.raises(OSError, match="larger"):
        storage.update_json(file, lambda _: [], most=2)
    with pytest.raises(OSError, match="larger"):
        storage.update_json(file, lambda known: [*known, "longer"], most=10)
    assert storage.read_json(file) == [3]


def test_cached_things_need_not_wait_for_the_disk(tmp_path: Path) -> None:
    storage.write_bytes(tmp_path / "a" / "b" / "file", b"x", durable=False)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"x"
