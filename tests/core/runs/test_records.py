from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.config.training import TrainConfig
from core.runs.lifecycle import open_run
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.runs.result import RunResult
from core.system import storage
from core.system.errors import RunError
from core.system.tasks.processes import birth_of, is_alive
from core.system.tasks.records import TaskState


@pytest.fixture
def records(tmp_path: Path) -> RunRecords:
    records = RunRecords(tmp_path / "run")
    pictures = (RunPicture("a" * 64, "cat/a.png", 0, "train"), RunPicture("b" * 64, "dog/b.png", 1, "test"))
    records.write_plan(RunPlan("run", "/x", 1.5, TrainConfig(epochs=3), ("cat", "dog"), pictures))
    return records


def test_a_plan_comes_back_as_it_was(records: RunRecords) -> None:
    plan = records.plan()
    assert plan.config == TrainConfig(epochs=3)
    assert plan.classes == ("cat", "dog")
    assert [p.id[0] for p in plan.part("test")] == ["b"]
    assert plan.counts == {"train": 1, "val": 0, "test": 1}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "id": "x", "pictures": [{"a": 1}]}']
)
def test_a_damaged_plan_is_a_sentence(records: RunRecords, content: str) -> None:
    (records.folder / "run.json").write_text(content)
    with pytest.raises(RunError, match="damaged"):
        records.plan()


def test_another_version_is_refused_untouched(records: RunRecords) -> None:
    (records.folder / "run.json").write_text('{"schema": 99}')
    with pytest.raises(RunError, match="another version"):
        open_run(records.folder)
    assert (records.folder / "run.json").read_text() == '{"schema": 99}'


def test_half_a_line_of_history_is_left_out(records: RunRecords) -> None:
    epoch = {"epoch": 1, "loss": 0.5, "val_loss": 0.6, "accuracy": 0.7, "val_accuracy": 0.6}
    records.append_epoch(epoch)
    with (records.folder / "history.jsonl").open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert records.history() == [epoch]


def test_a_process_that_is_gone_was_interrupted(records: RunRecords) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    born = birth_of(child.pid)
    records.write_state(TaskState("running", "fit", pid=child.pid, born=born))
    assert records.state().state == "running"
    child.kill()
    child.wait()
    state = records.state()
    assert (state.state, state.ended) == ("interrupted", True)
    assert "cut off" in state.message


@pytest.mark.parametrize(("alive_for", "said"), [(0, "done"), (1, "running")])
def test_a_process_that_ends_well_during_the_look_was_not_interrupted(
    records: RunRecords, monkeypatch: pytest.MonkeyPatch, alive_for: int, said: str
) -> None:
    looks = []

    def ends(pid: int, born: float) -> bool:
        """Whether it runs: for so many looks; before it is gone it has written how it ended."""
        looks.append(pid)
        if len(looks) <= alive_for:
            return True
        records.write_state(TaskState("done", "", ended=True))
        return False

    monkeypatch.setattr("core.system.tasks.records.is_alive", ends)
    records.write_state(TaskState("running", "fit", pid=1, born=1.0))
    assert records.state().state == said


def test_the_clock_does_not_end_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a clock of its own, such as a Raspberry Pi, learns the time only when it is online."""
    born, boot = birth_of(os.getpid()), psutil.boot_time()
    if psutil.LINUX:
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
        monkeypatch.setattr("psutil.boot_time", lambda: boot + 3600)
    assert is_alive(os.getpid(), born)


def test_a_process_that_died_while_it_saved_is_not_done(records: RunRecords) -> None:
    records.write_state(TaskState("done", "save", pid=2**22 + 1, born=1.0))
    state = records.state()
    assert (state.state, state.ended) == ("interrupted", True)
    assert "before its model was saved" in state.message


@pytest.mark.parametrize("pid", ["a", None, 1e300, -5])
def test_a_damaged_process_number_is_no_process(pid: object) -> None:
    assert not is_alive(pid, 1.0)  # type: ignore[arg-type]


def test_a_number_that_was_used_again_is_not_the_same_process() -> None:
    born = birth_of(os.getpid())
    assert is_alive(os.getpid(), born)
    assert not is_alive(os.getpid(), born - 100)
    assert not is_alive(0, 0)


def test_no_predictions_yet_is_a_sentence(records: RunRecords) -> None:
    with pytest.raises(RunError, match="no predictions"):
        records.predictions("test")


def test_a_result_that_is_written_again_is_read_again(tmp_path: Path) -> None:
    records = RunRecords(tmp_path)
    assert records.result() is None
    scores = {"accuracy": 0.5, "right": 1, "total": 2, "log_loss": 0.7, "macro_f1": 0.5}
    whole = {
        "val": scores,
        "test": scores,
        "diagnosis": "x",
        "parameters": 1,
        "best_epoch": 1,
        "seconds": {"total": 1.0},
    }
    result = RunResult.model_validate(whole)
    records.write_result(result)
    assert records.result() == result
    assert storage.read_json(tmp_path / "result.json") == whole
    records.write_result(result.model_copy(update={"parameters": 2345}))
    assert records.result() == result.model_copy(update={"parameters": 2345})
    storage.write_json(tmp_path / "result.json", whole | {"pixels": 10**9})
    assert records.result() is None
    (tmp_path / "result.json").unlink()
    assert records.result() is None
