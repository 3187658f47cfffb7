"""The search within a time, by a clock of its own: what is tried, what is left out, and that it is said."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.augmentation import AugmentConfig
from core.config.training import TrainConfig
from core.runs.records import RunPicture, RunPlan, RunRecords
from core.system.errors import ModelError, RunError
from core.system.tasks.job import Stopped
from core.system.tasks.records import TaskState
from core.training import budgeted_search
from core.training.attempts import Network, named
from core.training.budget import Budget
from core.training.candidates import Candidate, Look
from core.training.job import Job
from core.training.search_log import OF_ALL, OutOfTime
from core.training.tuned_attempts import Search

STEP = 5.0
"""Seconds between two looks at the stop."""
LITE0, LITE1, LITE2 = NAMES = tuple(f"efficientnet-lite{number}" for number in range(3))


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Machine:
    """Seconds that things take: a look at all pictures, to make a network look, a head, an epoch of fine-tuning and what
    comes before it; how much longer each of them takes than this; what one network more promises, by some
    pictures, and gains, by all; and what squares of 300 pixels gain, for which a look takes nearly twice the time. `own`: of
    networks that take squares of one size only, that."""

    look: float = 10.0
    convert: float = 8.0
    solve: float = 2.0
    epoch: float = 20.0
    building: float = 20.0
    larger: dict[str, float] = field(default_factory=lambda: {LITE0: 1.0, LITE1: 1.0, LITE2: 2.0})
    slower: dict[str, float] = field(default_factory=dict)
    another: float = 0.03
    joining: float = 0.03
    finer: float = 0.02
    own: dict[str, int] = field(default_factory=dict)
    promises: dict[str, float] = field(default_factory=lambda: {LITE0: 0.80, LITE1: 0.82, LITE2: 0.85})
    fails: dict[str, Exception] = field(default_factory=dict)
    converted: set[str] = field(default_factory=set)
    tried: list[str] = field(default_factory=list)


class Guess(Budget):
    """What was thought beforehand, corrected as in earnest."""

    machine: Machine

    def _look(self, name: str, pictures: int) -> float:
        return self.machine.look * pictures / 60 * (self.pixels / 224) ** 2

    def _convert(self, parameters: int) -> float:
        return self.machine.convert

    def convert(self, name: str) -> float:
        return 0.0 if name in self.machine.converted else super().convert(name)

    def _tune(self, name: str, rounds: int, hopeful: bool = False) -> float:
        once = self.machine.epoch * self.machine.larger[name] * (self.pixels / 224) ** 2
        return self.machine.building + rounds * once

    def solve(self, pictures: int, features: int, classes: int) -> float:
        return self.machine.solve * self._pace("solution")


class Fake(Search):
    """A search whose attempts only take time, in steps between which it hears that the time is over."""

    budget: Guess

    def spend(self, kind: str, seconds: float) -> float:
        seconds *= self.budget.machine.slower.get(kind, 1.0)
        assert isinstance(self.clock, Clock)
        left = seconds
        while left > 0:
            self.clock.now += min(STEP, left)
            left -= STEP
            if self.job.should_stop():
                raise Stopped
        return seconds

    def fail(self, what: str) -> None:
        self.budget.machine.tried.append(what)
        if what in self.budget.machine.fails:
            raise self.budget.machine.fails[what]

    def see_some(self, name: str, share: float) -> None:
        machine = self.budget.machine
        if name not in self.networks:
            self.budget.converted(name, self.spend("convert", machine.convert))
            machine.converted.add(name)
        took = self.spend("look", machine.look * share * (self.scale.pixels / 224) ** 2)
        self.budget.looked(name, int(60 * share), took)
        self.networks.setdefault(name, Network(machine.own.get(name, self.scale.pixels), np.zeros((1, 1))))

    def probe(self, name: str) -> None:
        self.fail(f"probe {named([name])}")
        self.see_some(name, 0.5)

    def promise_of(self, names: Sequence[str]) -> float:
        promises = self.budget.machine.promises
        return max(promises[name] for name in names) + self.budget.machine.another * (len(names) - 1)

    def look(self, names: Sequence[str], *, mirrored: bool = False, what: str = "", price: float = 0.0) -> None:
        what, machine = what or named(names) + ", mirrored views" * mirrored, self.budget.machine
        self.fail(what)
        for name in names:
            if mirrored or name not in self.scale.looked:
                self.see_some(name, 1.0)
                self.scale.looked.add(name)
        self.spend("solve", machine.solve)
        gained = machine.joining * (len(names) - 1) + 0.001 * mirrored + machine.finer * (self.scale.pixels > 224)
        self.keep(what, names, max(self.promise_of([name]) for name in names) + gained, price)
        self.scale.heads.add((tuple(sorted(names)), mirrored))

    def keep(self, what: str, names: Sequence[str], promise: float, price: float = 0.0) -> None:
        if promise - price > self.promise:
            self.promise, self.joined = promise, tuple(names)
            self.judged = min(1.0, promise)
            logits = {"val": np.eye(2)[[0, 1]] * 9}
            looks = {name: Look(NotImplemented, np.zeros((0, 2)), 3_000_000) for name in names}
            pixels = self.networks[names[0]].pixels if names else self.scale.pixels
            self.best = Candidate(what, logits, looks, np.zeros(0), pixels)

    def look_quickly(self) -> None:
        self.fail("quick")
        self.spend("look", self.budget.machine.look / 2)
        self.keep("Quick", (), 0.5)

    def tune(self, name: str, *, mixing: bool = False) -> None:
        what = f"{named([name])}, fine-tuned" + " with mixing" * mixing
        self.fail(what)
        machine, seconds = self.budget.machine, OF_ALL * self.budget.left
        self.budget.saving = max(self.budget.saving, self.budget.saving_of(self._size_with(name)))
        took = self.spend("tune", machine.building)
        once = machine.epoch * machine.larger[name] * (self.scale.pixels / 224) ** 2
        each = once * machine.slower.get("tune", 1.0)
        rounds = min(5, int((seconds - took) / each))
        if rounds < 1:
            raise OutOfTime
        self.budget.tuned(name, rounds, took + self.spend("tune", rounds * once))
        self.tuned.add(what)


def job_of(folder: Path, **changes: Any) -> Job:
    config = TrainConfig(recipe="best", **{"pixels": 224} | changes)
    parts = ["train"] * 40 + ["val", "val"] + ["test"] * 18
    pictures = tuple(RunPicture(f"{n:064}", f"{n}.png", n % 2, part) for n, part in enumerate(parts))
    plan = RunPlan("run", str(folder), 0.0, config, ("a", "b"), pictures)
    return Job(RunRecords(folder), TaskState("running", "fit"), plan=plan, quiet=True)


def search_with(folder: Path, machine: Machine, minutes: float, **changes: Any) -> Fake:
    clock = Clock()
    job = job_of(folder, minutes=minutes, **changes)
    found = Fake(job, clock)
    found.budget = Guess(job.config, 40, clock)
    found.log._budget = found.budget
    found.budget.machine = machine
    job.due = lambda: found.best is not None and found.budget.left < 0
    return found


@pytest.fixture(autouse=True)
def _three_networks(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgeted_search, "networks_here", lambda _: NAMES)


def tried(found: Fake) -> list[str]:
    return [what.replace("EfficientNet-", "") for what in found.budget.machine.tried]


FROZEN = ["Lite0", "probe Lite2", "probe Lite1", "Lite0 + Lite2", "Lite0 + Lite2 + Lite1"]


@pytest.mark.parametrize(
    ("minutes", "machine", "expected", "why"),
    [
        (60, Machine(), [*FROZEN, "Lite0 + Lite2 + Lite1, mirrored views", "Lite2, fine-tuned",
         "Lite1, fine-tuned", "Lite0, fine-tuned", "Lite2, fine-tuned with mixing"], "Everything"),
        (0.5, Machine(), ["quick"], "The time was too short for more than the recipe Quick."),
        # 100,000 pictures.
        (20, Machine(look=2000, epoch=9000), ["quick"], "The time was too short for more than the recipe Quick."),
        # No time to fine-tune: what is kept for that at first is for frozen networks then.
        (1.4, Machine(epoch=100), ["Lite0", "Lite0, mirrored views", "probe Lite2", "probe Lite1"],
         "The time was too short for EfficientNet-Lite0, fine-tuned"),
        # Not enough epochs of the most promising fit in, but of the next.
        (6, Machine(epoch=25), [*FROZEN, "Lite0 + Lite2 + Lite1, mirrored views", "Lite1, fine-tuned"],
         "The time was too short for EfficientNet-Lite2, fine-tuned."),
        # Nor of any: that of which most fit in.
        (6, Machine(epoch=80), [*FROZEN, "Lite0 + Lite2 + Lite1, mirrored views", "Lite1, fine-tuned"], "The time"),
        # It turns out only then that an epoch takes much longer.
        (8, Machine(slower={"tune": 12.0}), [*FROZEN, "Lite0 + Lite2 + Lite1, mirrored views", "Lite2, fine-tuned"],
         "The time was too short for EfficientNet-Lite2, fine-tuned."),
        # Of some pictures two networks promise less than one: they are tried together once each of them has seen all.
        (60, Machine(another=-0.01), ["Lite0", "probe Lite2", "probe Lite1", "Lite2", "Lite2 + Lite0",
         "Lite2 + Lite0 + Lite1", "Lite2 + Lite0 + Lite1, mirrored views", "Lite2, fine-tuned",
         "Lite1, fine-tuned", "Lite0, fine-tuned", "Lite2, fine-tuned with mixing"], "Everything"),
        # One more does not gain: no other is added.
        (60, Machine(another=-0.01, joining=-0.01), ["Lite0", "probe Lite2", "probe Lite1", "Lite2", "Lite2 + Lite0",
         "Lite2, mirrored views", "Lite2, fine-tuned", "Lite1, fine-tuned", "Lite0, fine-tuned",
         "Lite2, fine-tuned with mixing"], "Everything"),
        # Ten times as slow as it was when it was measured: the first attempt tells that, and the others are not begun.
        (5, Machine(slower=dict.fromkeys(("look", "convert", "solve", "tune"), 10.0)), ["Lite0"], "The time was too short"),
    ],
)  # fmt: skip
def test_only_what_fits_is_tried_and_what_does_not_is_told(
    tmp_path: Path, minutes: float, machine: Machine, expected: list[str], why: str
) -> None:
    found = search_with(tmp_path, machine, minutes)
    budgeted_search.try_all(found)
    assert tried(found) == expected
    assert found.log.why.startswith(why)
    assert len(found.log.left_out) == len(found.log.too_long)
    assert isinstance(found.clock, Clock)
    if expected != ["quick"]:
        assert found.clock.now <= 60 * minutes


FINER = "Lite0 + Lite2 + Lite1 at 300 pixels"


@pytest.mark.parametrize(
    ("minutes", "machine", "frozen", "pixels"),
    [
        (60, Machine(), [*FROZEN, FINER], 300),
        (60, Machine(finer=0.004), [*FROZEN, FINER], 224),  # not worth that all that follows takes twice as long
        # No time for it beside the rest.
        (3, Machine(), FROZEN, 224),
        # It does not work: there is a size that does.
        (60, Machine(fails={f"EfficientNet-{FINER}": ModelError("It is damaged.", "")}),
         [*FROZEN, FINER], 224),
    ],
)  # fmt: skip
def test_larger_squares_are_kept_where_they_promise_enough_more(
    tmp_path: Path, minutes: float, machine: Machine, frozen: list[str], pixels: int
) -> None:
    found = search_with(tmp_path, machine, minutes, pixels=0)
    budgeted_search.try_all(found)
    assert tried(found)[: len(frozen)] == frozen
    assert not [what for what in tried(found)[len(frozen) :] if "300" in what]
    assert found.best
    assert (found.scale.pixels, found.budget.pixels, found.best.pixels) == (pixels, pixels, pixels)
    told = [what.replace("EfficientNet-", "") for what in found.log.left_out if "300" in what]
    assert told == ([FINER] if machine.fails or FINER not in frozen else [])
    if minutes == 60:  # at one size, all that is tried at all
        assert tried(found)[-5] == "Lite0 + Lite2 + Lite1, mirrored views"
        assert tried(found)[-1] == "Lite2, fine-tuned with mixing"
    assert isinstance(found.clock, Clock)
    assert found.clock.now <= 60 * minutes


@pytest.mark.parametrize("changes", [{"pixels": 260}, {"backbone": "inception-v3"}])
def test_a_size_that_was_chosen_or_is_large_is_kept(tmp_path: Path, changes: dict[str, Any]) -> None:
    found = search_with(tmp_path, Machine(), 60, **{"pixels": 0} | changes)
    before = found.scale
    budgeted_search.try_all(found)
    assert found.scale is before
    assert not [what for what in tried(found) if "pixels" in what]


@pytest.mark.parametrize("pixels", [240, 300])
def test_what_takes_squares_of_one_size_only_is_not_tried_at_another(tmp_path: Path, pixels: int) -> None:
    machine = Machine(own={LITE2: pixels}, promises={LITE0: 0.80, LITE1: 0.82, LITE2: 0.95})
    found = search_with(tmp_path, machine, 60, pixels=0)
    before = found.scale
    budgeted_search.try_all(found)
    assert found.scale is before
    assert tried(found) == [
        "Lite0", "probe Lite2", "probe Lite1", "Lite2", "Lite2, mirrored views", "Lite2, fine-tuned",
        "Lite1, fine-tuned", "Lite0, fine-tuned", "Lite2, fine-tuned with mixing",
    ]  # fmt: skip


SLOWER = st.fixed_dictionaries({kind: st.floats(0.2, 12) for kind in ("look", "convert", "solve", "tune")})


@settings(max_examples=40)
@given(SLOWER, st.floats(1, 40), st.floats(0.1, 300), st.floats(1, 300), st.sampled_from((0, 224)))
def test_the_minutes_are_never_overrun(
    tmp_path_factory: pytest.TempPathFactory,
    slower: dict[str, float],
    minutes: float,
    look: float,
    epoch: float,
    pixels: int,
) -> None:
    """Whatever was thought beforehand: after the first attempt, of which there must be one, nothing outlasts the time by more
    than it takes until a stop is heard."""
    machine = Machine(look=look, epoch=epoch, slower=slower)
    found = search_with(tmp_path_factory.getbasetemp(), machine, minutes, pixels=pixels)
    assert isinstance(found.clock, Clock)
    ends = []
    keep = found.keep
    found.keep = lambda *all: (keep(*all), ends.append(found.clock()))  # type: ignore[method-assign, assignment]
    try:
        budgeted_search.try_all(found)
    except Stopped:  # between two attempts
        assert found.budget.left < 0
    assert found.clock.now <= max(60 * minutes - found.budget.saving, ends[0]) + STEP


def test_what_goes_wrong_is_told_and_the_others_are_tried(tmp_path: Path) -> None:
    exhausted = type("ResourceExhaustedError", (Exception,), {})()
    fails: dict[str, Exception] = {
        "EfficientNet-Lite0": ModelError("It is damaged.", ""),
        "probe EfficientNet-Lite0": ModelError("It is damaged.", ""),
        "EfficientNet-Lite1 + Lite2, mirrored views": MemoryError(),
        "EfficientNet-Lite2, fine-tuned": OSError(errno.ENOSPC, "No space left on device"),
        "EfficientNet-Lite2, fine-tuned with mixing": exhausted,
    }
    found = search_with(tmp_path, Machine(fails=fails), 60)
    budgeted_search.try_all(found)
    assert tried(found)[:2] == ["Lite0", "Lite1"]
    assert tried(found)[-2:] == ["Lite1, fine-tuned", "Lite2, fine-tuned with mixing"]
    assert next(iter(found.log.left_out.values())) == "Went wrong: EfficientNet-Lite0. It is damaged."
    assert "Went wrong: EfficientNet-Lite2, fine-tuned. The disk is full." in found.log.left_out.values()
    assert list(found.log.left_out.values())[-1] == (
        "Went wrong: EfficientNet-Lite2, fine-tuned with mixing (MixUp). It needs more memory than there is."
    )
    assert found.log.why == "Everything else that it knows was tried."
    found = search_with(tmp_path, Machine(fails={"EfficientNet-Lite0": ZeroDivisionError()}), 60)
    with pytest.raises(ZeroDivisionError):
        budgeted_search.try_all(found)


def test_a_disk_without_room_for_its_model_is_told_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = search_with(tmp_path, Machine(), 60).job
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=90_000_000))
    with pytest.raises(RunError, match=r"takes up to 139 MB, and the disk of .* has 90 MB left"):
        budgeted_search.search(job)


def test_a_person_who_stops_is_heard(tmp_path: Path) -> None:
    machine = Machine(fails={"EfficientNet-Lite0 + Lite2": Stopped()})
    found = search_with(tmp_path, machine, 60)
    found.job.records.ask_to_stop()
    with pytest.raises(Stopped):
        budgeted_search.try_all(found)
    assert not found.log.left_out


def test_it_ends_where_nothing_could_tell_what_is_better(tmp_path: Path) -> None:
    found = search_with(tmp_path, Machine(promises={LITE0: 1.0, LITE1: 1.0, LITE2: 1.0}), 60)
    budgeted_search.try_all(found)
    assert tried(found) == ["Lite0"]
    assert found.log.why.startswith("Every picture to learn from and to check with is named right by a head")


def test_what_takes_longer_is_expected_to_take_longer_from_then_on() -> None:
    clock = Clock()
    config = TrainConfig(recipe="best", minutes=5, pixels=256)
    budget = Budget(config, 800, clock)
    for cost in (lambda n: budget.look(LITE0, n), lambda n: budget.solve(n, 4000, 5)):
        assert cost(10_000) > 3 * cost(1000)
    assert Budget(config, 8000, clock).tune(LITE0, 3) > 3 * budget.tune(LITE0, 3)
    assert budget.look(LITE2, 100) > budget.look(LITE0, 100)
    assert budget.tune(LITE0, 4) - budget.tune(LITE0, 3) == pytest.approx(budget.tune(LITE0, 2) - budget.tune(LITE0, 1))
    before = [budget.look(LITE2, 1000), budget.tune(LITE0, 5), budget.convert(LITE1), budget.solve(1000, 4000, 5)]
    budget.looked(LITE0, 1000, 10 * budget.look(LITE0, 1000))
    after = [budget.look(LITE2, 1000), budget.tune(LITE0, 5), budget.convert(LITE1), budget.solve(1000, 4000, 5)]
    assert all(5 * one < other for one, other in zip(before, after, strict=True))
    assert budget.tune(LITE0, 5, hopeful=True) < budget.tune(LITE0, 5)
    quick = budget.tune(LITE0, 5)
    budget.tuned(LITE0, 5, quick / 10)
    assert budget.tune(LITE0, 5, hopeful=True) == budget.tune(LITE0, 5) < quick / 5
    budget.card = True  # which has programs to make first
    assert budget.tune(LITE0, 100) < quick
    budget.converted(LITE1, 1000.0)
    assert budget.saving_of(3_000_000) > 45 > budget.saving
    assert budget.left == 300 - 12
    clock.now += 400
    assert budget.left < 0


def test_what_learns_as_a_whole_is_expected_to_take_longer() -> None:
    clock = Clock()
    config = TrainConfig(recipe="best", minutes=5, pixels=256)
    patched = config.model_copy(update={"augment": AugmentConfig(cutmix=0.5)})
    in_parts, whole = (Budget(each, 2000, clock).tune(LITE0, 5) for each in (config, patched))
    assert whole > 1.5 * in_parts
