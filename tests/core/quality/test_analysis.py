"""A look at all pictures, by the real worker on tiny pictures."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core import Project, Run
from core.config.framing import Framing
from core.datasets import labels
from core.quality import analysis
from core.quality.analysis import Analysis, Suggestions
from core.quality.label_suggestions import most_useful
from core.system import storage
from core.system.tasks.queue import turn_lock
from core.system.tasks.records import TaskState
from core.training.features import FeatureStore
from tests.pictures import COLOURS, flat_project, noise, shaded
from tests.runs import copy_with
from tests.waiting import until

ROOT = Path(__file__).parents[3]
slow = pytest.mark.slow


def ended(project: Project) -> TaskState:
    return until(lambda: (state := analysis.task(project).state()) and state.ended and state)


def look(project: Project) -> Analysis:
    """What the real worker finds; whatever it is, it is whole."""
    analysis.start(project, project.scan())
    state = ended(project)
    assert state.state == "done", (state, (project.home / "analysis" / "worker.log").read_text())
    found = analysis.read(project)
    assert found is not None
    assert found.fresh(project, project.scan())
    assert len(set(found.ids)) == len(found.ids) == len(found.labels)
    assert found.xy.shape == (len(found.ids), 2)
    assert found.xy.dtype == np.float32
    assert ((found.xy >= 0) & (found.xy <= 1)).all()  # also False for NaN
    grouped = [name for group in found.groups for name in group]
    assert sorted(grouped) == sorted({p.id for p in project.scan().unlabelled} - {s.id for s in found.suspects})
    assert all(0 <= suspect.quality <= 1 for suspect in found.suspects)
    if found.suggestions:
        asked = found.suggestions
        assert asked.probabilities.shape == (len(asked.ids), len(asked.classes))
        assert asked.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-3)
        assert sorted(asked.ids) == sorted(grouped)
    return found


def loose(root: Path, pictures: dict[str, int]) -> None:
    """Puts so many unlabelled pictures of each colour at the root, unlike those of flat_project."""
    root.mkdir(parents=True, exist_ok=True)
    for name, count in pictures.items():
        for number in range(count):
            shaded(COLOURS[name], 500 + number).save(root / f"{name}-{number}.png")


def colour_of(project: Project) -> dict[str, str]:
    return {p.id: Path(p.path).stem.split("-")[0] for p in project.scan().unlabelled}


def copy_of(folder: Path, target: Path) -> Project:
    shutil.copytree(folder, target)
    return Project.open(target)


def test_the_web_process_loads_nothing_heavy() -> None:
    script = "import sys, core.quality.analysis; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = set(subprocess.check_output([sys.executable, "-c", script], text=True, cwd=ROOT).split())
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "sklearn", "cleanlab", "scipy", "streamlit"}


@slow
@pytest.mark.usefixtures("one_process")
def test_a_wrong_label_is_the_first_suspect(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=16))
    victim = project.root / "red" / "003.png"
    swapped = next(p.id for p in project.scan().pictures if p.path == "red/003.png")

    before = look(project)
    assert len(before.suspects) == 48
    assert not next(suspect for suspect in before.suspects if suspect.id == swapped).likely
    assert before.judged[swapped][0] == "red"
    assert before.map_method == "t-SNE"
    assert before.groups == ()
    assert before.suggestions is None

    victim.rename(project.root / "blue" / "unseen.png")
    assert not before.fresh(project, project.scan())
    after = look(project)
    first = after.suspects[0]
    assert (first.id, first.given, first.suggested, first.likely) == (swapped, "blue", "red", True)
    assert after.judged[swapped][0] == "red"
    assert after.labels[after.ids.index(swapped)] == "blue"
    assert [s.quality for s in after.suspects] == sorted(s.quality for s in after.suspects)
    np.testing.assert_array_equal(after.xy, before.xy)  # only a label changed: the map stays


@slow
@pytest.mark.usefixtures("one_process")
def test_unlabelled_pictures_are_grouped_and_nothing_else(tmp_path: Path) -> None:
    loose(tmp_path / "p", {"blue": 12, "green": 9, "red": 15})
    project = Project.open(tmp_path / "p")
    found = look(project)
    colours = colour_of(project)
    assert all(len({colours[name] for name in group}) == 1 for group in found.groups)
    sizes = [len(group) for group in found.groups]
    assert sum(sizes[:6]) >= 30, sizes
    assert found.suspects == ()
    assert found.suggestions is None
    assert found.judged == {}
    assert set(found.labels) == {None}

    def apart(a: str, b: str) -> float:
        rows = {name: [row for row, i in enumerate(found.ids) if colours[i] == name] for name in (a, b)}
        between = found.xy[rows[a]][:, None] - found.xy[rows[b]][None]
        return float(np.linalg.norm(between, axis=2).mean())

    assert all(apart(a, a) < apart(a, b) for a in COLOURS for b in COLOURS if a != b)

    (project.home / "analysis" / "analysis.npz").unlink()
    again = look(project)
    np.testing.assert_array_equal(again.xy, found.xy)
    assert again.groups == found.groups


@slow
@pytest.mark.usefixtures("one_process")
def test_suggestions_come_from_the_labels_while_there_is_no_model(tmp_path: Path) -> None:
    root = flat_project(tmp_path / "p", COLOURS, each=6)
    loose(root, {"blue": 4, "green": 5, "red": 3})
    for strength in range(8):  # nearly the same picture again and again, of a colour between the classes
        middle = np.asarray(shaded((120, 120, 120), 900)).astype(int) + strength
        Image.fromarray(middle.clip(0, 255).astype(np.uint8)).save(root / f"copy-{strength}.bmp")
    project = Project.open(root)
    suggestions = look(project).suggestions
    assert suggestions is not None
    assert suggestions.source == "labels"
    assert suggestions.classes == ("blue", "green", "red")
    colours = colour_of(project)
    rows = zip(suggestions.ids, suggestions.probabilities, strict=True)
    told = {name: suggestions.classes[int(row.argmax())] for name, row in rows}
    assert all(told[name] == colour for name, colour in colours.items() if colour != "copy")
    assert sum(colours[name] == "copy" for name in suggestions.ids[:3]) <= 1


@slow
@pytest.mark.usefixtures("one_process")
def test_suggestions_come_from_the_newest_run_that_knows_the_classes(trained: Run, tmp_path: Path) -> None:
    project = copy_with(trained, tmp_path / "p")
    loose(project.root, {"blue": 4, "green": 5, "red": 3})
    colours = colour_of(project)
    marked = min(colours)
    kept = FeatureStore(project.home / "analysis" / "answers.sqlite")
    kept.put([(f"{trained.id} {marked}", np.array([0.2, 0.3, 0.5], np.float32))])
    features = next((project.home / "features").glob("*.sqlite"))

    found = look(project)
    assert found.suggestions is not None
    assert found.suggestions.source == trained.id
    told = dict(zip(found.suggestions.ids, found.suggestions.probabilities.tolist(), strict=True))
    assert told.pop(marked) == pytest.approx([0.2, 0.3, 0.5])  # it was answered before, and not asked again
    assert all(found.suggestions.classes[int(np.argmax(row))] == colours[name] for name, row in told.items())
    assert {name: found.judged[name][0] for name in told} == {name: colours[name] for name in told}
    assert found.suggestions.ids[0] == marked
    assert list((project.home / "features").glob("*.sqlite")) == [features]  # the trainings' own
    with sqlite3.connect(features) as db:
        assert db.execute("SELECT count(*) FROM features").fetchone() == (48 + 12,)
    db.close()

    for picture in range(6):
        (project.root / "grey").mkdir(exist_ok=True)
        shaded((120, 120, 120), picture).save(project.root / "grey" / f"{picture}.png")
    assert not found.fresh(project, project.scan())
    later = look(project).suggestions  # the run does not know grey
    assert later is not None
    assert later.source == "labels"
    assert later.classes == ("blue", "green", "grey", "red")


@slow
@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_few_pictures_are_enough(tmp_path: Path, count: int) -> None:
    (tmp_path / "p" / "empty class").mkdir(parents=True)
    loose(tmp_path / "p", {"red": count})
    found = look(Project.open(tmp_path / "p"))
    assert len(found.ids) == count
    assert found.map_method == ("t-SNE" if count == 5 else "PCA")
    assert sum(map(len, found.groups)) == count


@slow
@pytest.mark.usefixtures("one_process")
def test_one_class_and_a_class_that_is_too_small(tmp_path: Path) -> None:
    root = flat_project(tmp_path / "p", {"red": COLOURS["red"]}, each=8)
    loose(root, {"blue": 2})
    project = Project.open(root)
    found = look(project)
    assert (found.suspects, found.suggestions, found.judged) == ((), None, {})

    for name, count in (("blue", 7), ("green", 4)):
        (root / name).mkdir()
        for number in range(count):
            shaded(COLOURS[name], number).save(root / name / f"{number}.png")
    shutil.copy(root / "red" / "000.png", root / "blue" / "the same.png")  # lies in two classes
    found = look(project)
    assert {suspect.given for suspect in found.suspects} == {"red", "blue"}
    assert len(found.suspects) == 7 + 7
    assert found.labels.count("green") == 4
    assert found.labels.count("blue") == 8
    assert found.suggestions is not None
    assert found.suggestions.classes == ("blue", "red")


@slow
@pytest.mark.usefixtures("one_process")
def test_pictures_that_all_look_the_same_do_not_upset_it(tmp_path: Path) -> None:
    for number in range(12):  # two classes; the bytes differ, the pixels do not
        folder = tmp_path / "p" / ("a" if number % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        shaded((90, 90, 90), 1).save(folder / f"{number}.png", dpi=(72 + number, 72))
        shaded((90, 90, 90), 1).save(tmp_path / "p" / f"{number}.png", dpi=(200 + number, 72))
    found = look(Project.open(tmp_path / "p"))
    assert found.suspects == ()  # all are near-duplicates: there is nothing that really differs
    assert [len(group) for group in found.groups] == [12]


@slow
@pytest.mark.usefixtures("one_process")
def test_a_picture_that_went_bad_is_left_out_and_the_folder_stays_clean(tmp_path: Path) -> None:
    root = flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=6)
    (tmp_path / "elsewhere").mkdir()
    project = Project(root, tmp_path / "elsewhere")  # as for a folder that cannot be written to
    catalogue = project.scan()
    bad = root / "red" / "002.png"
    before = bad.stat()
    bad.write_bytes(b"\0" * before.st_size)
    os.utime(bad, ns=(before.st_atime_ns, before.st_mtime_ns))  # nothing tells that it has changed
    analysis.start(project, catalogue)
    assert ended(project).state == "done"
    found = analysis.read(project)
    assert found is not None
    lost = next(picture.id for picture in catalogue.pictures if picture.path == "red/002.png")
    assert set(found.ids) == {picture.id for picture in catalogue.pictures} - {lost}
    assert len(found.suspects) == 11
    assert not (root / ".fieldguide").exists()


@slow
def test_thirty_starts_are_one_worker_which_survives_being_killed(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=5))
    catalogue = project.scan()

    def workers() -> list[int]:
        children = psutil.Process().children()
        return [c.pid for c in children if c.status() != psutil.STATUS_ZOMBIE and str(project.root) in c.cmdline()]

    assert analysis.task(project).state() is None
    with turn_lock():  # as if a training computed: the look waits
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: analysis.start(project, catalogue), range(30)))
        state = analysis.task(project).state()
        assert state is not None
        assert (state.state, state.ended) == ("queued", False)
        assert workers() == [state.pid]
        os.kill(state.pid, signal.SIGKILL)
        psutil.Process(state.pid).wait(30)
        cut_off = ended(project)
        assert cut_off.state == "interrupted"
        assert "training" not in cut_off.message
        analysis.start(project, catalogue)
        analysis.task(project).stop()
        assert ended(project).state == "stopped"
        assert analysis.read(project) is None
    assert len(look(project).suspects) == 15
    until(lambda: not workers())  # the last one says that it is done before it ends
    analysis.start(project, catalogue)  # it is fresh
    assert workers() == []
    with turn_lock().acquire(timeout=0):
        pass


@slow
@pytest.mark.usefixtures("one_process")
def test_a_damaged_result_is_none_and_is_made_again(tmp_path: Path) -> None:
    loose(tmp_path / "p", {"red": 3})
    project = Project.open(tmp_path / "p")
    found = look(project)
    file = project.home / "analysis" / "analysis.npz"
    whole = file.read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2], whole[:-40]):
        storage.write_bytes(file, damaged)
        assert analysis.read(project) is None
    with np.load(io.BytesIO(whole)) as arrays:
        values, xy = json.loads(arrays["values"].tobytes()), arrays["xy"]
    for wrong in (values | {"version": 999}, values | {"ids": values["ids"][:-1]}, {}, []):
        np.savez(file, values=np.frombuffer(json.dumps(wrong).encode(), np.uint8), xy=xy)
        assert analysis.read(project) is None
    again = look(project)
    assert again.ids == found.ids
    assert analysis.read(project) is again  # read once


@slow
def test_a_folder_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    loose(tmp_path / "p", {"red": 3})
    (tmp_path / "home").mkdir()
    project = Project(tmp_path / "p", tmp_path / "home")
    catalogue = project.scan()
    shutil.rmtree(tmp_path / "p")
    analysis.start(project, catalogue)
    state = ended(project)
    assert state.state == "failed"
    assert "is gone" in state.message


def test_the_fingerprint_knows_contents_classes_and_the_run(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", COLOURS, each=2))
    before = analysis.fingerprint(project.scan(), None, Framing())
    (project.root / "red" / "000.png").rename(project.root / "red" / "another name.png")
    assert analysis.fingerprint(project.scan(), None, Framing()) == before
    assert analysis.fingerprint(project.scan(), "a run", Framing()) != before
    (project.root / "red" / "001.png").rename(project.root / "blue" / "x.png")
    moved = analysis.fingerprint(project.scan(), None, Framing())
    assert moved != before
    noise(1).save(project.root / "loose.png")
    loose = analysis.fingerprint(project.scan(), None, Framing())
    assert loose not in (before, moved)
    labels.set_aside(project, "green", aside=True)
    assert analysis.fingerprint(project.scan(), None, Framing()) not in (before, moved, loose)


def test_near_duplicates_are_judged_together() -> None:
    from core.quality import label_issues

    labels = np.repeat([0, 1], 20)
    groups = np.arange(40) // 2
    seen = []
    for learn, ask in label_issues.folds(labels, groups):
        assert not set(groups[learn]) & set(groups[ask])
        assert set(labels[learn]) == {0, 1}
        seen += ask.tolist()
    assert sorted(seen) == list(range(40))
    assert label_issues.usable(["a"] * 5 + ["b"] * 5 + [None], [0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8]) == ["a"]


def test_an_opinion_needs_no_example_of_every_class() -> None:
    from core.quality import label_issues

    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(-3, 1, (20, 4)), rng.normal(3, 1, (20, 4))]).astype(np.float32)
    told = label_issues.opinion(points, np.repeat([0, 2], 20), points, classes=3)
    assert (told.argmax(axis=1) == np.repeat([0, 2], 20)).all()
    assert (told[:, 1] == 0).all()
    assert (label_issues.opinion(points, np.ones(40, int), points[:3], classes=3) == [0, 1, 0]).all()


def test_more_pictures_than_fit_at_once_are_grouped_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.quality import clusters

    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (6, 16))
    points = (centres[np.arange(120) % 6] + rng.normal(0, 0.02, (120, 16))).astype(np.float32)

    def kinds(found: Sequence[np.ndarray]) -> list[set[int]]:
        assert sorted(np.concatenate(found).tolist()) == list(range(120))
        return [set((members % 6).tolist()) for members in found]

    assert sorted(map(sorted, kinds(clusters.look_alikes(points)))) == [[kind] for kind in range(6)]
    monkeypatch.setattr(clusters, "_PART", 50)
    assert all(len(kind) == 1 for kind in kinds(clusters.look_alikes(points)))


def test_the_least_sure_come_first_but_one_of_each_group_in_turn() -> None:
    probabilities = np.array([[0.5, 0.5], [0.51, 0.49], [0.52, 0.48], [0.9, 0.1], [0.7, 0.3]], np.float32)
    found = Suggestions("labels", ("x", "y"), ("a1", "a2", "a3", "b1", "c1"), probabilities)
    sorted_ = most_useful(found, (("b1",), ("a3", "a1", "gone", "a2"), ("c1",)))
    assert sorted_.ids == ("a1", "c1", "b1", "a2", "a3")
    np.testing.assert_array_equal(sorted_.probabilities, probabilities[[0, 4, 3, 1, 2]])
