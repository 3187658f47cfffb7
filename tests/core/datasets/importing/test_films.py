"""Films among what is imported: their pictures stay together, and what is no film is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core import Project
from core.config.framing import Framing
from core.config.split import SplitConfig
from core.datasets import importing
from core.datasets.groups import groups_of, kin_of
from core.datasets.validation import find_problems
from core.system.errors import ProjectError
from tests.films import filmed
from tests.pictures import COLOURS, flat_project, noise
from tests.processes import running


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=2))


def test_a_film_becomes_pictures_of_a_class_that_stay_together(project: Project, tmp_path: Path) -> None:
    filmed(tmp_path / "IMG_0001.MOV", 4)
    filmed(tmp_path / "other" / "IMG_0001.MOV", 2, (128, 96))
    for source in (tmp_path / "IMG_0001.MOV", tmp_path / "other" / "IMG_0001.MOV"):
        plan = importing.look(source)
        assert (plan.in_words, plan.films) == ("1 film", 1)
        assert "at most 300 pictures" in plan.notes[0]
        report = importing.take(project, plan.into("cup"))
        assert report.count("taken") == len(report.rows) > 10
    catalogue = project.scan()
    mine = catalogue.by_class["cup"]
    films = {kin.key for picture in mine if (kin := kin_of(picture.path)) and kin.film}
    assert len(films) == 2  # though cameras call both the same
    assert len(set(groups_of(mine[:10], SplitConfig(), catalogue.layout))) == 1
    again = importing.take(project, importing.look(tmp_path / "IMG_0001.MOV").into("cup"))
    assert again.count("skipped") == len(again.rows)
    assert again.edit is None


@pytest.mark.parametrize("packed", [False, True])
def test_films_in_class_folders_and_zips(project: Project, tmp_path: Path, packed: bool) -> None:
    source = tmp_path / "set"
    filmed(source / "cup" / "a.mp4", 2)
    filmed(source / "pen" / "b.mp4", 2)
    noise(1).save(source / "pen" / "c.png")
    (source / "pen" / "broken.mp4").write_bytes(b"no film")
    if packed:
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for file in sorted(source.rglob("*.*")):
                archive.write(file, file.relative_to(source))
        source = tmp_path / "set.zip"
    plan = importing.look(source)
    assert plan.in_words == "1 picture and 3 films"
    assert importing.describe(plan).as_dict()["films"] == 3
    report = importing.take(project, plan)
    [bad] = [row for row in report.rows if row.outcome == "rejected"]
    assert (bad.name, bad.reason) == ("pen/broken.mp4", "not a film that can be read (MP4, MOV, WebM, MKV or AVI)")
    counts = project.scan().counts
    assert counts["cup"] > 10
    assert counts["pen"] > 10
    assert sorted(row.name for row in plan.of_pictures().rows if "film" in row.reason) == [
        "cup/a.mp4",
        "pen/b.mp4",
        "pen/broken.mp4",
    ]


class CancelledError(Exception):
    """As the page ends a run that nobody waits for."""


def test_whoever_stops_while_a_film_is_read_has_nothing_half(project: Project, tmp_path: Path) -> None:
    before = project.scan().counts

    def stop(_done: int, _total: int) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        importing.take(project, importing.look(filmed(tmp_path / "a.mp4", 20)).into("cup"), stop)
    assert project.scan().counts == before
    assert not running("core.imaging.film")


def test_kinds_of_films_that_are_not_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.wmv").write_bytes(b"x")
    with pytest.raises(ProjectError, match="save it as MP4"):
        importing.look(tmp_path / "a.wmv")


def test_films_in_a_folder_that_is_opened_are_told(project: Project) -> None:
    filmed(project.root / "red" / "a.mp4", 1)
    told = [problem.sentence for problem in find_problems(project.scan(), Framing())]
    assert any("1 film is not read: Add pictures takes pictures out of films" in sentence for sentence in told)
