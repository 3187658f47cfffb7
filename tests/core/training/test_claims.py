"""Tasks that processes claim in a storage that all see: each is done, by one, whatever becomes of the processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from core.training.experiments import Shared
from core.training.experiments.claims import MOST_DEATHS, Claims, outcome_of
from core.training.experiments.found import SearchOptions
from core.training.experiments.shared_trials import SharedTrials
from core.training.experiments.space import options_for
from core.training.experiments.storages import open_storage, place_of
from core.training.experiments.trials import Trials
from tests.waiting import until

ROOT = Path(__file__).parents[3]
PATIENCE = 5.0


def shared(place: Path | str, patience: float = PATIENCE, member: str = "here") -> Shared:
    return Shared(storage=str(place), name="study", member=member, leads=False, patience=patience)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    file = tmp_path / "studies.journal"
    optuna.create_study(storage=open_storage(place_of(str(file))), study_name="study")
    return file


def claims_of(journal: Path, patience: float = 3600.0) -> Claims:
    storage = open_storage(place_of(str(journal)))
    return Claims(storage, optuna.load_study(study_name="study", storage=storage), shared(journal, patience))


def forgotten(claims: Claims) -> None:
    """As if the time had passed in which a process must say that it lives."""
    claims.waiting(None)  # which has a look at all that is under way
    claims._seen = {number: (word, since - 2 * claims._patience) for number, (word, since) in claims._seen.items()}


def test_each_task_goes_to_one_process_and_the_last_one_to_no_two(journal: Path) -> None:
    first, second = claims_of(journal), claims_of(journal)
    assert [claims.claim(3)[0] for claims in (first, second, first)] == [0, 1, 2]
    assert (first.claim(3), second.claim(3), first.waiting(3)) == (None, None, False)
    second.study.ask()  # another that thought that the third was still to be had
    assert len(second.tasks(3)) == 3
    claimed = first.claim(5)
    assert claimed is not None
    assert claimed[0] == 4  # that one is not taken by those who count on
    first.finish(claimed[1], TrialState.COMPLETE, 1.0, found=[1, 2])
    assert [outcome_of(task) is not None for task in first.tasks()] == [False, False, False, False, True]
    assert first.tasks()[4][0].user_attrs["found"] == [1, 2]


def test_a_silent_process_loses_its_task_and_what_it_says_later_counts_no_more(journal: Path) -> None:
    silent, other, third = claims_of(journal), claims_of(journal), claims_of(journal)
    claimed = silent.claim(1)
    assert claimed is not None
    trial = claimed[1]
    silent._quiet()
    for one in (other, third):
        forgotten(one)
    assert other.waiting(1)
    third.waiting(1)  # saw it just as late
    again = other.claim(1)
    assert again is not None
    assert (again[0], third.claim(1), len(other.tasks()), len(other.tasks()[0])) == (0, None, 1, 2)
    silent.finish(trial, TrialState.COMPLETE, 5.0, found="late")
    other.finish(again[1], TrialState.COMPLETE, 7.0, found="in time")
    done = outcome_of(third.tasks()[0])
    assert done
    assert (done.value, done.user_attrs["found"]) == (7.0, "in time")
    assert not third.waiting(1)


def test_a_process_that_speaks_keeps_its_task(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.experiments.claims._BEATS", 36_000)  # many words, and none that is late
    speaking, other = claims_of(journal), claims_of(journal)
    claimed = speaking.claim(1)
    assert claimed is not None
    for _ in range(3):
        forgotten(other)
        (_, heard), _ = other._seen[0]
        until(lambda known=heard: other.tasks()[0][0].user_attrs.get("beat") != known)
        assert not other.waiting(1)
    speaking.leave(claimed[1])
    assert other.claim(1) is not None  # at once, without any waiting


def test_a_task_that_ends_its_process_again_and_again_is_given_up(journal: Path) -> None:
    claims = claims_of(journal)
    for number in range(MOST_DEATHS):
        stopped = claims.claim(1)
        assert stopped is not None
        claims.leave(stopped[1])  # a person may stop as often as wanted
        assert claims.claim(1) is not None, number
        claims._quiet()
        forgotten(claims)
    assert claims.claim(1) is None
    ended = outcome_of(claims.tasks()[0])
    assert ended
    assert ended.state == TrialState.FAIL
    assert not claims.waiting(1)


def test_a_task_whose_process_died_between_failing_and_queueing_is_not_lost(journal: Path) -> None:
    claims = claims_of(journal)
    claimed = claims.claim(1)
    assert claimed is not None
    claims._quiet()
    assert claims._mark(claimed[1].number, "stopped")
    assert not claims.waiting(1)
    forgotten(claims)
    assert claims.waiting(1)
    again = claims.claim(1)
    assert again is not None
    assert again[0] == 0


SHARE = """
import json, sys, time
from pathlib import Path
from core.training.experiments import Shared
from core.training.experiments.found import SearchOptions
from core.training.experiments.shared_trials import SharedTrials
folder = Path(sys.argv[1])
tries = SharedTrials(folder, SearchOptions.model_validate_json(sys.argv[2]), 0, 4, Shared.model_validate_json(sys.argv[3]))
mine = []
while tries.waiting or tries.under_way:
    trial = tries.claim()
    if trial is None:
        time.sleep(tries.pause)
        continue
    (folder / "claimed").touch()
    if "dies" in sys.argv and len(mine) == 2:
        print("half way", flush=True)
        time.sleep(600)
    tries.watch(trial)({"epoch": 1, "val_loss": 1.0, "val_accuracy": 0.5})
    tries.finish(trial, 1.0, (0.5, 1.0 + trial.params["dropout"]))
    mine.append(trial.number)
    time.sleep(0.05)
print(json.dumps(mine))
"""


@pytest.fixture(params=["journal", "proxy"])
def storage(request: pytest.FixtureRequest, journal: Path, tmp_path: Path) -> Iterator[str]:
    """The address of one, with a study in it."""
    if request.param == "journal":
        yield str(journal)
        return
    from optuna.storages import get_storage
    from optuna.storages._grpc.server import make_server

    behind = get_storage(f"sqlite:///{tmp_path / 'behind.sqlite'}")
    optuna.create_study(storage=behind, study_name="study")
    server = make_server(behind, "127.0.0.1", 0, None)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}"
    server.stop(None).wait()
    behind.remove_session()
    behind._backend.engine.dispose()


def test_what_a_killed_process_was_about_is_done_by_the_other(storage: str, tmp_path: Path) -> None:
    vary = ("learning_rate=0.001..0.01", "dropout=0,0.2,0.4,0.6,0.8", "loss")
    options = options_for("grid", vary, trials=8)

    def started(name: str, *more: str) -> subprocess.Popen[str]:
        (tmp_path / name).mkdir()
        asked = [str(tmp_path / name), options.model_dump_json(), shared(storage, member=name).model_dump_json()]
        command = [sys.executable, "-c", SHARE, *asked, *more]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    with started("a", "dies") as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "half way\n"
        other = started("b")
        until((tmp_path / "b" / "claimed").exists)
        os.kill(dying.pid, signal.SIGKILL)
    with other:
        did = json.loads(other.communicate(timeout=120)[0])
    tries = SharedTrials(tmp_path, options, 0, 4, shared(storage))
    rows, tasks = tries.rows(), tries._claims.tasks()
    alone = Trials(tmp_path, options, 0, 4)
    while trial := alone.claim():
        alone.finish(trial, 1.0, (0.5, 1.0 + trial.params["dropout"]))
    assert [row.model_dump() for row in rows] == [row.model_dump() for row in alone.rows()]
    assert sorted(map(len, tasks)) == [1] * 7 + [2]  # the one that was under way was begun again, once
    (twice,) = (task for task in tasks if len(task) == 2)
    assert [trial.user_attrs["member"] for trial in twice] == ["a", "b"]
    assert twice[1].number in did
    assert len(did) == 6
    assert not tries.waiting
    assert not tries.under_way
    assert tries.spent == 6  # of a second each, by the one that was at work longest


def test_what_was_drawn_by_halves_is_drawn_anew(journal: Path, tmp_path: Path) -> None:
    options = options_for("random", ("learning_rate", "l2", "dropout"), trials=1)
    silent, other = (SharedTrials(tmp_path, options, 0, 4, shared(journal, 3600.0)) for _ in range(2))
    claimed = silent._claims.claim(1)
    assert claimed is not None
    first = silent._space["learning_rate"]
    claimed[1].suggest_float("learning_rate", first.low, first.high, log=first.log, step=first.step or None)
    silent._claims._quiet()
    forgotten(other._claims)
    again, alone = other.claim(), Trials(tmp_path, options, 0, 4).claim()
    assert again is not None
    assert alone is not None
    assert again.params == alone.params


def test_minutes_are_of_the_machine_that_worked_longest(journal: Path, tmp_path: Path) -> None:
    options = options_for("random", ("learning_rate",), minutes=0.1, workers=2)  # 6 seconds

    def tries(member: str, asked: SearchOptions = options) -> SharedTrials:
        return SharedTrials(tmp_path, asked, 0, 4, shared(journal, member=member))

    two, one = tries("two"), tries("one", options.model_copy(update={"workers": 1}))
    for _ in range(5):
        for each in (two, one):
            trial = each.claim()
            assert trial is not None
            each.finish(trial, 1.0, (0.5, 1.0))
    assert (two.spent, len(two.rows()), two.waiting) == (5.0, 10, True)
    last = one.claim()
    assert last is not None
    one.finish(last, 1.0, None)
    assert (two.spent, two.waiting, two.claim()) == (6.0, False, None)
    assert two.rows()[-1].state == "failed"


def test_threads_that_claim_at_once_get_a_task_each(journal: Path) -> None:
    got: list[Any] = []

    def some() -> None:
        claims = claims_of(journal)
        while claimed := claims.claim(30):
            got.append(claimed[0])
            claims.finish(claimed[1], TrialState.COMPLETE, 0.0)

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(30))
