"""Addresses of storages: what they mean, and that no password of one is ever said or kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from core.system.errors import RunError
from core.training.experiments.storages import open_storage, opened, place_of
from tests.postgres import PASSWORD, USER, postgres, programs

needs_postgres = pytest.mark.skipif(programs() is None, reason="there is no PostgreSQL on this machine")


@pytest.fixture(autouse=True)
def _own_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "")


@pytest.mark.parametrize(
    ("text", "address", "shown", "password"),
    [
        ("postgresql://a:b%40c@h:5/d", "postgresql://a@h:5/d", "postgresql://a@h:5/d", "b@c"),
        (
            "postgres://a:b@h/d?sslmode=require&password=c",
            "postgresql://a@h/d?sslmode=require",
            "postgresql://a@h/d",
            "b",
        ),
        ("postgresql+psycopg://h/d?password=c", "postgresql://h/d", "postgresql://h/d", "c"),
        ("POSTGRESQL://a%20b@[::1]:5/d", "postgresql://a%20b@[::1]:5/d", "postgresql://a%20b@[::1]:5/d", ""),
        ("grpc://h", "grpc://h:13000", "grpc://h:13000", ""),
        ("grpc://[::1]:7/", "grpc://[::1]:7", "grpc://[::1]:7", ""),
    ],
)
def test_an_address_is_kept_without_its_password(text: str, address: str, shown: str, password: str) -> None:
    place = place_of(text)
    assert (place.address, place.shown, os.environ["PGPASSWORD"]) == (address, shown, password)
    assert place_of(place.address) == place
    assert os.environ["PGPASSWORD"] == password


def test_a_journal_is_a_path_or_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "what? 100 % #1"
    folder.mkdir()
    monkeypatch.chdir(folder)
    file = str(folder / "x.journal")
    for text in (file, "x.journal", f"journal://{quote(file)}"):
        assert place_of(text).address == file
    storage = open_storage(place_of(file))
    assert storage.get_all_studies() == []
    for drive in ("C:", "Z:"):  # of Windows, here the names of folders
        (folder / drive).mkdir()
        assert place_of(f"journal:///{drive}/x.journal").address == place_of(f"{drive}/x.journal").address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql://a:s3cr/et@h/d", "cannot be read"),
        ("postgresql://a:s3cr#et@h/d", "cannot be read"),
        ("postgresql://a:s3cr?et@h/d", "cannot be read"),
        ("postgresql://a:s3cr@et@x/y@h/d", "cannot be read"),
        ("postgresql:/a:s3cret@h/d", "cannot be read"),
        ("postgresql//a:s3cret@h/d", "cannot be read"),
        ("mysql://a:s3cret@h/d", "of the kind mysql"),
        ("grpc://a:s3cret@h", "no address of Optuna's proxy"),
        ("journal://a:s3cret@h/d", "no address of a journal"),
        ("journal://relative", "three strokes"),
        ("/nowhere/at/all", "no folder that it could lie in"),
        ("/", "is a folder"),
    ],
)
def test_what_is_no_address_is_refused_and_shows_no_password(text: str, said: str) -> None:
    with pytest.raises(RunError) as error:
        place_of(text)
    assert said in str(error.value)
    assert "s3cr" not in str(error.value)
    assert error.value.hint


def test_a_file_of_others_is_no_journal(tmp_path: Path) -> None:
    for number, content in enumerate((b"\x89PNG\r\n\x1a\n\0\n", b'{"a": 1}\n', b"[]\n", b'{"op_code": 4}\n')):
        file = tmp_path / f"{number}"
        file.write_bytes(content)
        with pytest.raises(RunError, match="no journal of studies, or is damaged"):
            open_storage(place_of(str(file)))
        assert file.read_bytes() == content


def test_a_lock_that_another_took_away_is_no_error(tmp_path: Path) -> None:
    """Of several who wait for the lock of a dead process, one may take away that which another has just got."""
    file = tmp_path / "x.journal"
    lock = open_storage(place_of(str(file)))._backend._lock
    lock.acquire()
    (tmp_path / "x.journal.lock").unlink()
    lock.release()
    lock.acquire()
    lock.release()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.journal"]


@needs_postgres
def test_what_postgresql_says_becomes_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres() as port:
        base, right = f"127.0.0.1:{port}", quote(PASSWORD, safe="")
        good = place_of(f"postgresql://{USER}:{right}@{base}/postgres")
        with opened(good) as storage:
            assert storage.get_all_studies() == []
        for text, said in (
            (f"postgresql://{USER}:wrong@{base}/postgres", "does not let you in: user or password"),
            (f"postgresql://nobody:{right}@{base}/postgres", "does not let you in: user or password"),
            (f"postgresql://{USER}:{right}@{base}/%7Bnone%7D", "There is no database at"),
        ):
            with pytest.raises(RunError, match=said) as error:
                open_storage(place_of(text))
            assert not any(word in str(error.value) for word in (PASSWORD, right, "wrong@"))
        monkeypatch.setenv("PGPASSWORD", "")
        with pytest.raises(RunError, match="or missing"):
            open_storage(good)
    with pytest.raises(RunError, match="does not answer"):
        open_storage(good)


def test_a_missing_driver_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RunError, match=r"psycopg.*pip install"):
        open_storage(place_of("postgresql://a@127.0.0.1:1/d"))


def test_a_proxy_that_is_not_there_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.experiments.storages._PATIENCE", 0.2)
    with pytest.raises(RunError, match=r"grpc://127\.0\.0\.1:1 does not answer"):
        open_storage(place_of("grpc://127.0.0.1:1"))
