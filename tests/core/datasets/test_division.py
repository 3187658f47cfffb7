"""A project has one split for all its trainings; what asks for its own, gets it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.__main__ import cli
from core.cli.shared import settings
from core.config.changes import with_changes
from core.config.recipes import RECIPES, read_recipe, recipe_file
from core.config.split import PARTS, SplitConfig
from core.config.training import TrainConfig, make_config
from core.datasets import division
from core.datasets.importing import assign_groups
from core.datasets.project import Project
from core.datasets.splits import make_split
from core.runs.lifecycle import freeze, settled
from core.runs.records import RunPlan, RunRecords
from core.system import storage
from core.system.errors import ProjectError
from tests.pictures import COLOURS, flat_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(flat_project(tmp_path / "p", COLOURS, each=20))


@pytest.mark.parametrize("name", list(RECIPES))
@pytest.mark.parametrize("seed", [0, 7])
def test_all_recipes_and_seeds_divide_alike(project: Project, name: str, seed: int) -> None:
    config = RECIPES[name].config.model_copy(update={"seed": seed})
    split, _ = freeze(project.scan(), settled(project, config))
    assert split.fingerprint == make_split(project.scan(), SplitConfig(), 0).fingerprint


def test_the_split_of_a_source_is_a_choice(project: Project) -> None:
    config = RECIPES["tutorial-cnn"].config.model_copy(update={"own_split": True})
    split, _ = freeze(project.scan(), settled(project, config))
    expected = make_split(project.scan(), SplitConfig(validation=0.2, test=0.05), 123)
    assert split.fingerprint == expected.fingerprint
    assert settled(project, config).dealing == SplitConfig(validation=0.2, test=0.05, seed=123)


def test_parts_and_groups_of_a_large_project_stay(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"{number:064x}" for number in range(110_000)]
    groups = {picture: f"plant {number:06} of the garden" for number, picture in enumerate(ids)}
    project.divide(lambda before: replace(before.with_parts(dict.fromkeys(ids, "test")), groups=groups))
    assert (project.home / "split.json").stat().st_size > storage.MAX_JSON
    project.keep_split(SplitConfig(test=0.3, seed=5))
    kept = Project.open(project.root).division()
    assert (len(kept.parts), kept.groups) == (len(ids), groups)
    before = (project.home / "split.json").read_bytes()
    monkeypatch.setattr(division, "MOST_BYTES", 1_000_000)
    with pytest.raises(ProjectError, match=r"larger than it can be .*split\.json"):
        project.keep_split(SplitConfig(test=0.4, seed=5))
    assert (project.home / "split.json").read_bytes() == before


def test_the_split_of_a_project_is_kept(project: Project) -> None:
    project.keep_split(SplitConfig(test=0.3, seed=5))
    assert settled(Project.open(project.root), TrainConfig(seed=9)).dealing == SplitConfig(test=0.3, seed=5)
    project.keep_split(SplitConfig(test=0.3))
    assert project.division().config.seed == 0  # never that of a training


@pytest.mark.parametrize("damaged", ["", "[]", '{"config": {"test": 7}}', '{"roots": 3}', '{"parts": {"a": "exam"}}'])
def test_a_damaged_split_is_the_usual_one(project: Project, damaged: str) -> None:
    (project.home / "split.json").write_text(damaged)
    assert project.division().config == SplitConfig(seed=0)
    assert len(project.scan().pictures) == 60


def test_a_split_that_is_given_is_meant() -> None:
    assert not TrainConfig().own_split
    assert not TrainConfig(split=SplitConfig()).own_split
    assert TrainConfig(split=SplitConfig(test=0.2)).own_split
    assert make_config({"split": {"test": 0.2}}).own_split
    assert not make_config({"split": {"test": 0.2}, "own_split": False}).own_split
    assert with_changes(TrainConfig(), ["split.seed=3"]).own_split
    assert not with_changes(TrainConfig(), ["seed=3"]).own_split
    assert not with_changes(TrainConfig(), ["own_split=false", "split.seed=3"]).own_split


def test_a_file_of_settings_with_a_split_is_meant_with_the_seed_given(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"split": {"validation": 0.1, "test": 0.1}}')
    config = settings("quick", str(file), (), 3, trust=False)
    assert config.own_split
    assert config.dealing == SplitConfig(validation=0.1, test=0.1, seed=3)
    file.write_text('{"epochs": 3}')
    assert not settings("quick", str(file), (), 3, trust=False).own_split


def test_records_drafts_and_recipes_of_before_open(project: Project) -> None:
    values = TrainConfig(seed=4).model_dump()
    del values["own_split"]
    values["split"] = {"validation": 0.15, "test": 0.15}
    assert make_config(values) == TrainConfig(seed=4)
    values["split"]["test"] = 0.2
    assert make_config(values).dealing == SplitConfig(test=0.2, seed=4)
    content = json.loads(recipe_file(RECIPES["quick"]))
    content["config"] = values
    assert read_recipe(json.dumps(content).encode()).config.own_split
    records = RunRecords(project.home / "runs" / "old")
    split, pictures = freeze(project.scan(), TrainConfig())
    records.folder.mkdir(parents=True)
    records.write_plan(RunPlan("old", str(project.root), 0.0, TrainConfig(), split.classes, pictures, split.remarks))
    assert records.plan().pictures == pictures
    written = json.loads((records.folder / "run.json").read_text())
    del written["remarks"], written["counts"]
    (records.folder / "pictures.json").unlink()
    written["schema"] = 1
    written["pictures"] = [{k: v for k, v in asdict(picture).items() if k != "group"} for picture in pictures]
    written["config"] = values
    (records.folder / "run.json").write_text(json.dumps(written))
    assert {picture.group for picture in records.plan().pictures} == {-1}


def run(*arguments: object) -> dict:
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    return json.loads(result.stdout.splitlines()[-1])


def test_the_command_shows_and_changes_it(project: Project) -> None:
    assert run("split", project.root)["counts"] == {"train": 42, "val": 9, "test": 9}
    told = run("split", project.root, "--set", "test=0.25", "--set", "seed=3")
    assert told["counts"] == {"train": 36, "val": 9, "test": 15}
    assert told["config"]["seed"] == 3
    assert run("split", project.root)["counts"] == told["counts"]


def table(project: Project, name: str = "groups.csv") -> Path:
    lines = [
        f"{path},patient {int(Path(path).stem) // 4},x"
        for path in (picture.path for picture in project.scan().pictures)
    ]
    file = project.root.parent / name
    file.write_text("\n".join(["Filename,patient,other", *lines]))
    return file


def test_a_table_says_what_belongs_together(project: Project) -> None:
    told = run("split", project.root, "--groups", table(project), "--column", "patient")
    assert told["config"]["together"] == "table"
    split = make_split(project.scan(), project.division().config)
    where = {(int(Path(p.path).stem) // 4, part) for part in PARTS for p in split.part(part)}
    assert len(where) == 5
    (project.root / "red" / "000.png").rename(project.root / "red" / "other name.png")
    moved = next(p for p in project.scan().pictures if p.path == "red/other name.png")
    assert moved.group == "patient 0"


def test_a_table_that_cannot_be_used_is_a_sentence(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no column day") as told:
        assign_groups(project, table(project), "day")
    assert told.value.hint == "Its columns are: patient, other."
    with pytest.raises(ProjectError, match="cannot be read"):
        assign_groups(project, tmp_path / "none.csv", "day")
    for content, match in (
        (b"", "no rows"),
        (b"a,b\n1,2\n", r"No column of table\.csv"),
        (b"file,patient\nelse.png,3\n", "names no picture"),
    ):
        with pytest.raises(ProjectError, match=match):
            assign_groups(project, content, "patient")


@pytest.mark.parametrize(
    "wrong",
    [{"config": {"pattern": "1?" * 40}}, {"config": 5}, {"groups": [1]}, {"roots": {"..": "train"}}, {"new": 1}],
)
def test_one_damaged_thing_of_a_split_takes_no_other_away(tmp_path: Path, wrong: dict[str, object]) -> None:
    good = {"parts": {"0" * 64: "test"}, "groups": {"0" * 64: "plant 1"}, "config": {"seed": 7}}
    (tmp_path / "split.json").write_text(json.dumps(good | wrong))
    division.change(tmp_path, lambda before: before.with_parts({"1" * 64: "val"}))
    kept = division.read(tmp_path)
    assert kept.parts == {"0" * 64: "test", "1" * 64: "val"}
    assert kept.groups == ({} if "groups" in wrong else good["groups"])
    assert kept.config.seed == (0 if "config" in wrong else 7)
    assert kept.roots == {}
