"""Pictures whose end tells the classes apart: what a training with the whole picture sees, everything after it sees, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core import Project, Run, TrainConfig, export, train
from core.config.framing import Framing
from core.evaluation.attribution import Explainer
from core.evaluation.neighbours import Neighbours, places_of
from core.inference.sandbox import load_model, open_model
from core.runs.history import history
from core.training import ensembles

WHOLE = Framing(fit="letterbox")
KINDS = ("disc", "square")


def strip(kind: str, seed: int) -> Image.Image:
    """640 x 120: lines everywhere, and the shape at the right end."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    image = Image.new("RGB", (640, 120), tuple(rng.integers(150, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = rng.integers(0, (640, 120)).tolist()
        pen.line((x, y, x + int(rng.integers(-20, 20)), y + 10), tuple(rng.integers(0, 200, 3).tolist()), 2)
    x, y = 560 + int(rng.integers(-10, 10)), 30 + int(rng.integers(-10, 10))
    draw = pen.ellipse if kind == "disc" else pen.rectangle
    draw((x, y, x + 60, y + 60), fill=tuple(rng.integers(0, 90, 3).tolist()))
    return image


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("wide") / "strips"
    for kind in KINDS:
        (root / kind).mkdir(parents=True)
        for number in range(30):
            strip(kind, number).save(root / kind / f"{number:03}.png")
    return root


@pytest.fixture(scope="module")
def usual(wide: Path) -> Run:
    return train(Project.open(wide))


@pytest.fixture(scope="module")
def whole(wide: Path, usual: Run) -> Run:
    """Trained after the other one, from whose features it must take none; the project says how."""
    project = Project.open(wide)
    project.keep_framing(WHOLE)
    return train(project)


def test_the_whole_picture_tells_what_the_centre_square_does_not(tmp_path: Path, usual: Run, whole: Run) -> None:
    fresh = [strip(kind, 1000 + number) for kind in KINDS for number in range(25)]
    for number, image in enumerate(fresh):
        image.save(tmp_path / f"{number:02}.png")
    truth = [kind for kind in KINDS for _ in range(25)]

    def accuracy(run: Run) -> float:
        said = load_model(run.folder).predict(sorted(tmp_path.glob("*.png"))).labels
        return float(np.mean([a == b for a, b in zip(said, truth, strict=True)]))

    assert accuracy(whole) >= accuracy(usual) + 0.2


def test_a_training_keeps_what_it_saw(wide: Path, usual: Run, whole: Run) -> None:
    assert usual.records.plan().config.framing == Framing()
    assert whole.records.plan().config.framing == WHOLE
    rows = {row.run.id: row for row in history(Project.open(wide))}
    assert [(one.key, one.after) for one in rows[whole.id].differs] == [("framing.fit", "letterbox")]
    assert rows[usual.id].differs == ()
    assert "different parts of a picture" in ensembles.why_not([usual, whole])


@pytest.mark.parametrize("which", ["usual", "whole"])
def test_the_model_file_is_asked_about_the_pixels_that_it_learned_from(
    which: str, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(which)
    plan, classifier = run.records.plan(), load_model(run.folder)
    said = classifier.predict([plan.file(picture) for picture in plan.part("test")]).probabilities
    assert said == pytest.approx(run.records.predictions("test"), abs=1e-4)
    assert Explainer(run).framing == classifier.framing == plan.config.input_framing


def test_a_picture_is_most_like_itself(wide: Path, usual: Run, whole: Run) -> None:
    project = Project.open(wide)
    for run in (usual, whole):
        first = run.records.plan().part("train")[0]
        memory = Neighbours(run)
        (like,) = memory.like(project.path_of(first.path), places_of(project.scan()), number=1)
        assert memory.own
        assert like.id == first.id
        assert like.similarity == pytest.approx(1, abs=1e-4)


def test_what_is_taken_away_sees_the_same_part(wide: Path, whole: Run) -> None:
    region = Framing(fit="squeeze", region=(0.8, 0.0, 1.0, 1.0))
    run = train(Project.open(wide), TrainConfig(framing=region))
    plan = run.records.plan()
    assert plan.config.framing == region
    assert Project.open(wide).framing() == WHOLE == whole.records.plan().config.framing  # it was for this one alone
    made = export(run)
    assert made.good
    # The pictures that go along are whole, so that the program finds the part on them.
    with Image.open(next(made.download.parent.glob("test_pictures/*.png"))) as example:
        assert example.size == (640, 120)
    foreign = open_model(made.download)
    assert foreign.framing == region
    said = foreign.predict([plan.file(picture) for picture in plan.part("test")]).probabilities
    assert said == pytest.approx(run.records.predictions("test"), abs=1e-4)
