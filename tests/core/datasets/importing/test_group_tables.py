"""Groups of the pictures of a project, out of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import Project
from core.datasets.importing import assign_groups
from core.system.errors import ProjectError
from tests.core.datasets.importing.sources import rows
from tests.pictures import COLOURS, flat_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=2))


@pytest.mark.parametrize("absent", ["NA", "NaN", "None", "null", "#N/A", ""])
def test_what_programs_write_for_nothing_is_no_group(project: Project, absent: str) -> None:
    paths = list(project.scan().by_path)
    assert (
        assign_groups(
            project, rows(["file", "patient"], paths, ["p1", "p1", *[absent] * (len(paths) - 2)]).encode(), "patient"
        )
        == 2
    )
    assert [picture.group for picture in project.scan().pictures] == ["p1", "p1", *[None] * (len(paths) - 2)]
    with pytest.raises(ProjectError, match="has a group in the column patient"):
        assign_groups(project, rows(["file", "patient"], paths, [absent] * len(paths)).encode(), "patient")
