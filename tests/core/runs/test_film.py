"""The film of a training: small whatever the training is, true to what was said, and no more believed than it deserves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.training import TrainConfig
from core.runs import film
from core.runs.film import FilmRecorder, read_film, shown_pictures
from core.runs.records import RunPicture, RunPlan, RunRecords
from tests.runs import picture


def records_of(folder: Path, classes: int = 5, pictures: int = 35) -> RunRecords:
    names = tuple(f"class {number:04}" for number in range(classes))
    listed: list[RunPicture] = [picture(n, n * classes // pictures, "val", names) for n in range(pictures)]
    records = RunRecords(folder)
    records.write_plan(RunPlan("run", str(folder), 1.5, TrainConfig(), names, tuple(listed)))
    return records


def said_at(number: int, count: int, classes: int) -> np.ndarray:
    rows = np.random.default_rng(number).random((count, classes)).astype(np.float32)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def filmed(records: RunRecords, rounds: int, kept: int) -> dict[int, np.ndarray]:
    """Records a film, and gives what was said of the whole part in each round."""
    plan = records.plan()
    recorder, told = FilmRecorder(records, plan), {}
    for number in range(rounds + 1):
        told[number] = said_at(number, len(plan.part("val")), len(plan.classes))
        if recorder.wants(number):
            recorder.add(number, told[number][recorder.rows])
    recorder.close(kept, told[kept])
    return told


def test_what_was_said_comes_back(tmp_path: Path) -> None:
    records = records_of(tmp_path)
    told = filmed(records, 20, 18)
    kept = read_film(records)
    assert kept is not None
    assert kept.rounds.tolist() == list(range(21))
    assert kept.pictures == shown_pictures(records.plan()) == tuple(records.plan().part("val"))
    for number, said in told.items():
        assert kept.said[number].tolist() == said.argmax(axis=1).tolist()
        np.testing.assert_allclose(kept.sure[number], said.max(axis=1), rtol=1e-3)
        np.testing.assert_allclose(kept.own[number], said[np.arange(35), kept.labels], rtol=1e-3)
        assert kept.right[number] == (said.argmax(axis=1) == kept.labels).sum()
        assert kept.losses[number] == pytest.approx(-np.log(said[np.arange(35), kept.labels]).mean(), rel=1e-3)


def test_a_thousand_classes_and_five_hundred_rounds_are_small(tmp_path: Path) -> None:
    records = records_of(tmp_path, classes=1000, pictures=1000)
    filmed(records, 500, 333)
    kept = read_film(records)
    assert kept is not None
    assert (tmp_path / "film.npz").stat().st_size < 100_000
    assert len(kept.pictures) == film.MOST_PICTURES
    assert len(set(kept.labels)) == film.MOST_PICTURES  # evenly over the classes
    assert 32 < len(kept.rounds) <= film.MOST_ROUNDS + 1
    assert set(kept.rounds) == {*range(0, 501, 8), 333}
    assert kept.said[list(kept.rounds).index(333)].tolist() == (
        said_at(333, 1000, 1000).argmax(axis=1)[np.linspace(0, 999, 200).round().astype(int)].tolist()
    )


def test_rounds_that_are_thinned_out_are_not_asked_for(tmp_path: Path) -> None:
    records = records_of(tmp_path)
    recorder = FilmRecorder(records, records.plan())
    asked = 0
    for number in range(501):
        if recorder.wants(number):
            recorder.add(number, said_at(number, 35, 5))
            asked += 1
    assert asked < 3 * film.MOST_ROUNDS
    assert not recorder.wants(496)


def test_who_knows_nothing_guesses(tmp_path: Path) -> None:
    records = records_of(tmp_path, classes=4, pictures=200)
    recorder = FilmRecorder(records, records.plan())
    recorder.add(0, np.full((200, 4), 0.25, np.float32))
    kept = read_film(records)  # while the training goes on
    assert kept is not None
    assert np.bincount(kept.said[0]).min() > 30
    assert 30 < kept.right[0] < 70


def test_nothing_is_written_of_a_training_without_rounds(tmp_path: Path) -> None:
    records = records_of(tmp_path)
    FilmRecorder(records, records.plan()).close(0, np.eye(5)[[0] * 35])
    assert not (tmp_path / "film.npz").exists()
    assert read_film(records) is None


def arrays(**changes: Any) -> Callable[[Path], None]:
    """Writes what could be a film but for the changes; None leaves an array out."""
    shape = (3, 35)
    whole = {
        "rounds": np.arange(3), "rows": np.arange(35), "said": np.zeros(shape, np.uint16),
        "sure": np.ones(shape, np.float16), "own": np.ones(shape, np.float16),
    }  # fmt: skip
    left = {name: values for name, values in (whole | changes).items() if values is not None}
    return lambda path: np.savez(path, **left)


def text(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


@pytest.mark.parametrize(
    "write",
    [
        text(b""), text(b"PK\x03\x04"), text(b"x" * 1_000_001), Path.mkdir,
        arrays(rounds=None), arrays(rounds=np.arange(3.0)), arrays(rounds=np.array([0, 1, 1])), arrays(rounds=np.arange(4)),
        arrays(rounds=np.array([0, 1, 2**40])), arrays(rounds=np.array([-1, 0, 1])), arrays(rounds=np.array(3)),
        arrays(rounds=np.array([[0, 1, 2]])), arrays(rounds=np.array(["a", "b", "c"])), arrays(rounds=np.array([], int)),
        arrays(rows=np.arange(1, 36)), arrays(rows=np.arange(35)[::-1]), arrays(rows=np.arange(34)), arrays(rows=np.array([])),
        arrays(said=np.full((3, 35), 5)), arrays(said=np.full((3, 35), -1)), arrays(said=np.zeros((3, 35))),
        arrays(said=np.zeros((35, 3), int)), arrays(sure=np.full((3, 35), np.nan)), arrays(sure=np.full((3, 35), 7.0)),
        arrays(own=np.full((3, 35), -0.5)), arrays(own=np.full((3, 35), "x")), arrays(own=np.ones((3, 35), complex)),
        arrays(own=np.array([{}], object)), arrays(rounds=np.arange(66), said=np.zeros((66, 35), int)),
    ],
)  # fmt: skip
def test_what_can_be_no_film_of_this_training_is_none(tmp_path: Path, write: Callable[[Path], None]) -> None:
    records = records_of(tmp_path)
    write(tmp_path / "film.npz")
    assert read_film(records) is None


def test_what_could_be_one_is_read(tmp_path: Path) -> None:
    records = records_of(tmp_path)
    arrays()(tmp_path / "film.npz")
    assert read_film(records) is not None
    (tmp_path / "run.json").write_text("{")
    assert read_film(records) is None
