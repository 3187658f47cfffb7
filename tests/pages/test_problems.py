"""Problems: what is offered for a finding."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core import Project
from core.datasets import labels
from core.datasets.catalogue import Picture
from core.quality.findings import Finding
from core.system.errors import ProjectError
from pages.shared.pictures import problems
from tests.pictures import COLOURS, flat_project


@pytest.mark.parametrize(
    ("names", "offered"),
    [
        (("webcam-0a1b2c3d-001", "webcam-0a1b2c3d-002"), ["Keep all"]),
        (("webcam-0a1b2c3d-001", "photo"), ["Keep the largest", "Keep all"]),
        (("webcam-holiday-1", "webcam-holiday-2"), ["Keep the largest", "Keep all"]),
    ],
)
def test_a_burst_of_the_camera_is_not_thinned(names: tuple[str, str], offered: list[str]) -> None:
    pictures = tuple(Picture(name, f"cup/{name}.jpg", "cup", 64, 64, 1, b"", 128.0) for name in names)
    finding = Finding("near", "2 pictures that look almost the same", "", pictures)
    assert [words for _, words in problems._actions(finding)] == offered


def test_a_second_answer_to_a_question_takes_no_last_copy(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=2))
    shutil.copy(project.root / "red" / "000.png", project.root / "blue" / "copy.png")
    both = [picture for picture in project.scan().pictures if picture.path in ("red/000.png", "blue/copy.png")]
    finding = Finding("conflict", "", "", tuple(both))
    problems._resolve(project, finding, "keep blue", both)
    for stale in ("keep red", "best"):
        with pytest.raises(ProjectError, match="not there any more"):
            problems._resolve(project, finding, stale, both)
    assert (project.root / "blue" / "copy.png").is_file()
    labels.undo(project)
    problems._resolve(project, finding, "keep red", both)
    assert not (project.root / "blue" / "copy.png").exists()
