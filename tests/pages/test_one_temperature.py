"""Wherever a probability of a run is told, it is the one that the temperature of the decision gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import Project, evaluate
from core.config.framing import Framing
from core.evaluation.report import report
from core.inference.calibration import cooled
from core.inference.decision import Decision, keep_decision
from core.quality import analysis
from core.quality.result import asked
from core.runs.history import history
from core.runs.predictions import probabilities
from pages.shared.evaluate.parts import answers_of
from pages.shared.pictures.tiles import opinions_of
from tests.runs import make_run


@pytest.mark.parametrize("temperature", [1.0, 2.5, 0.4])
def test_every_door_tells_the_same(tmp_path: Path, temperature: float) -> None:
    project = Project.open(tmp_path)
    run = make_run(project, "run", [0, 1, 1, 1, 0, 1, 0, 1, 0, 1], sure=0.95)
    before = opinions_of(run.snapshot()), history(project)[0].log_loss, asked(run)
    keep_decision(run.folder, Decision(temperature))
    wanted = cooled(run.records.predictions("test"), temperature)
    np.testing.assert_array_equal(probabilities(run.records, "test"), wanted)
    snapshot = run.snapshot()
    np.testing.assert_array_equal(answers_of(snapshot).probabilities, wanted)
    plan = run.records.plan()
    browse = opinions_of(snapshot).answers
    assert [browse[p.id][1] for p in plan.part("test")] == pytest.approx(wanted.max(axis=1).tolist())
    loss = evaluate(run).log_loss
    (row,) = history(project)
    assert row.log_loss == pytest.approx(loss)
    assert report(snapshot)["log_loss"] == pytest.approx(loss)
    assert report(snapshot)["calibration"]["mean_confidence"] == pytest.approx(wanted.max(axis=1).mean())
    same = temperature == 1  # nothing that was kept before may be told after
    assert (opinions_of(snapshot) == before[0]) is same
    assert (row.log_loss == pytest.approx(before[1])) is same
    assert (asked(run) == before[2]) is same
    catalogue = project.scan()
    assert (
        analysis.fingerprint(catalogue, asked(run), Framing()) == analysis.fingerprint(catalogue, before[2], Framing())
    ) is same
