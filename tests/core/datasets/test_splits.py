"""What belongs together stays together, and a class of one film is cut in time."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config.split import PARTS, SplitConfig
from core.datasets import importing, splits
from core.datasets.catalogue import Catalogue, Picture
from core.datasets.groups import beginning_of, said_of
from core.datasets.project import Project, new_project
from core.datasets.splits import Split, make_split
from core.system.errors import ConfigError, ProjectError
from tests.pictures import COLOURS, flat_project, noise, shaded


def named(root: Path, names: dict[str, list[str]]) -> Path:
    """Pictures of these names, no two alike: class -> paths inside it."""
    for number, (folder, paths) in enumerate(names.items()):
        for row, name in enumerate(paths):
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            noise(1000 * number + row).save(path)
    return root


def still(root: Path, classes: dict[str, int], name: str = "{:03}.png") -> Path:
    """So many frames of one wall for each class: the same but for noise."""
    wall = np.asarray(shaded((120, 110, 100), 5)).astype(int)
    for number, (folder, count) in enumerate(classes.items()):
        (root / folder).mkdir(parents=True)
        for row in range(count):
            frame = wall + np.random.default_rng([number, row]).normal(0, 2, wall.shape)
            Image.fromarray(frame.clip(0, 255).astype(np.uint8)).save(root / folder / name.format(row))
    return root


def split_of(folder: Path, seed: int = 0, **changes: object) -> Split:
    return make_split(Project.open(folder).scan(), SplitConfig(**changes), seed)  # type: ignore[arg-type]


def parts_of(split: Split) -> dict[str, str]:
    return {picture.path: part for part in PARTS for picture in split.part(part)}


def test_copies_of_one_photo_and_its_original_are_in_one_part(tmp_path: Path) -> None:
    names = [f"{n}{mark}.png" for n in range(20) for mark in ("", "-aug-1", "_aug_2")]
    folder = named(tmp_path / "p", {"a": names, "b": names})
    for seed in range(5):
        parts = parts_of(split_of(folder, seed))
        for name in ("a", "b"):
            for n in range(20):
                assert len({parts[f"{name}/{n}{mark}.png"] for mark in ("", "-aug-1", "_aug_2")}) == 1
            assert Counter(parts[f"{name}/{each}"] for each in names) == {"train": 42, "val": 9, "test": 9}


def test_the_first_of_a_burst_has_no_number(tmp_path: Path) -> None:
    second = "IMG_20230401_12050{}"
    bursts = [[f"{second.format(n)}{mark}.png" for mark in ("", "_1", "_2")] for n in range(8)]
    split = split_of(
        named(tmp_path / "p", {"a": [name for burst in bursts for name in burst], "b": [f"{n}.png" for n in range(8)]})
    )
    assert [len({split.groups[f"a/{name}"] for name in burst}) for burst in bursts] == [1] * 8
    assert len(set(split.groups.values())) == 16


def test_films_that_came_into_one_folder_are_cut_in_time_and_it_is_told(tmp_path: Path, own_home: Path) -> None:
    frames = [f"film{film}/frame_{n:04}.png" for film in range(3) for n in range(12)]
    project = new_project("films")
    importing.take(project, importing.look(named(tmp_path / "p", {"a": frames, "b": [f"{n}.png" for n in range(8)]})))
    split = make_split(project.scan(), SplitConfig())
    assert split.left_out["between"] == 2
    assert "of a film, photo or group that is learned from" in split.remarks[0]


@pytest.mark.parametrize("name", ["frame_{:04}.png", "cat_frame_{}.png"])
@pytest.mark.parametrize("films", [3, 6])
@pytest.mark.parametrize("together", ["names", "folders", "pattern"])
def test_a_folder_tells_which_film_it_is(tmp_path: Path, name: str, films: int, together: str) -> None:
    frames = [f"film{film}/{name.format(n)}" for film in range(films) for n in range(4)]
    folder = named(tmp_path / "p", {"a": frames, "b": [f"{n}.png" for n in range(8)]})
    split = split_of(folder, together=together, pattern="film." if together == "pattern" else "")
    assert len({split.groups[f"a/{frame}"] for frame in frames}) == films
    assert not split.shared


def test_equal_names_of_different_photos_do_not_join(tmp_path: Path) -> None:
    names = [f"{folder}/{n}.png" for folder in "uv" for n in range(8)]
    folder = named(tmp_path / "p", {"a": names, "b": ["1.png", "2.png", "3.png"]})
    assert len(set(split_of(folder).groups.values())) == 19


def test_frames_of_films_stay_whole_where_there_are_others(tmp_path: Path) -> None:
    names = [f"clip{clip}_frame_{n:04}.png" for clip in range(6) for n in range(4)]
    for seed in range(4):
        split = split_of(named(tmp_path / str(seed), {"a": names, "b": names}), seed)
        films = {(path[:7], part) for path, part in parts_of(split).items()}
        assert len(films) == 12
        assert not split.shared
        assert not split.remarks


def test_one_film_of_a_class_is_cut_in_time_with_a_gap(tmp_path: Path) -> None:
    names = [f"frame_{n}.png" for n in range(40)]  # no leading zeros: 9 comes before 10
    split = split_of(named(tmp_path / "p", {"a": names, "b": [f"{n}.png" for n in range(10)]}))
    parts = parts_of(split)
    order = [parts.get(f"a/{name}", "-") for name in names]
    assert order == ["train"] * 24 + ["-"] * 2 + ["val"] * 6 + ["-"] * 2 + ["test"] * 6
    assert split.left_out["between"] == 4
    assert [picture.class_name for picture in split.shared] == ["a"] * 6
    assert split.remarks == (
        "6 of 8 test pictures are of a film, photo or group that is learned from, too: the test may look better than it "
        "is. Add pictures from another time and place.",
    )


def test_each_burst_of_the_webcam_is_cut_in_time(tmp_path: Path) -> None:
    bursts = {f"webcam-0000000{b}": range(1, 31) for b in range(4)}
    names = [f"{burst}-{n:03}.png" for burst, frames in bursts.items() for n in frames]
    parts = parts_of(split_of(named(tmp_path / "p", {"a": names, "b": names})))
    for burst in bursts:
        order = [parts.get(f"a/{burst}-{n:03}.png", "-") for n in range(1, 31)]
        assert order == ["train"] * 20 + ["-"] + ["val"] * 4 + ["-"] + ["test"] * 4


def test_classes_before_one_wall_train_each_with_pictures_in_each_part(tmp_path: Path) -> None:
    split = split_of(still(tmp_path / "p", {"cup": 15, "pie": 20, "tea": 3}))
    for part in PARTS:
        assert {picture.class_name for picture in split.part(part)} == {"cup", "pie", "tea"}
    assert 'All 20 pictures of "pie" look almost the same. It can train, but record again' in split.remarks[1]
    assert "the test may look better" in split.remarks[-1]


def test_one_is_told_as_one(tmp_path: Path) -> None:
    names = {"a": [f"frame_{n}.png" for n in range(3)], "b": ["1.png", "2.png", "3.png"]}
    assert (
        split_of(named(tmp_path / "p", names))
        .remarks[0]
        .startswith("1 of 2 test pictures is of a film, photo or group")
    )
    remarks = split_of(still(tmp_path / "q", dict.fromkeys("abcd", 6))).remarks
    assert remarks[3] == "The same is true of 1 more class."


def test_a_class_that_varies_is_not_said_to_be_still(tmp_path: Path) -> None:
    folder = still(flat_project(tmp_path / "p", COLOURS, each=20), {"pie": 20})
    remarks = " ".join(split_of(folder).remarks)
    assert '"pie"' in remarks
    assert not any(f'"{name}"' in remarks for name in COLOURS)


def test_the_same_bytes_in_two_classes_are_told_as_what_they_are(tmp_path: Path) -> None:
    folder = flat_project(tmp_path / "p", COLOURS, each=5)
    for path in sorted((folder / "red").iterdir())[:3]:
        shutil.copy(path, folder / "blue" / f"again {path.name}")
    with pytest.raises(ProjectError, match="pictures of red lie in another class, too, all but 2"):
        split_of(folder)


def test_two_groups_are_one_for_the_test_and_one_to_cut(tmp_path: Path) -> None:
    names = [f"clip1_{n:03}.png" for n in range(20)] + [f"clip2_{n:03}.png" for n in range(5)]
    parts = parts_of(split_of(named(tmp_path / "p", {"a": names, "b": names})))
    assert {parts[f"a/clip2_{n:03}.png"] for n in range(5)} == {"test"}
    assert {parts.get(f"a/clip1_{n:03}.png") for n in range(20)} == {"train", "val", None}


def test_folders_inside_a_class(tmp_path: Path) -> None:
    many = {name: [f"plant{p}/{n}.png" for p in range(8) for n in range(4)] for name in ("a", "b")}
    folder = named(tmp_path / "many", many)
    by_plant = {(path[:8], part) for path, part in parts_of(split_of(folder)).items()}
    assert len(by_plant) == 16
    assert len({(path[:8], part) for path, part in parts_of(split_of(folder, together="off")).items()}) > 16
    two = {name: [f"from{p}/{n}.png" for p in range(2) for n in range(16)] for name in ("a", "b")}
    folder = named(tmp_path / "two", two)
    assert not split_of(folder).shared  # two folders are no groups, unless a person says so
    asked = split_of(folder, together="folders")
    assert {asked.groups[f"a/from0/{n}.png"] for n in range(16)} != {
        asked.groups[f"a/from1/{n}.png"] for n in range(16)
    }
    assert len({picture.path[:7] for picture in asked.test}) == 2  # one of each class


def test_a_pattern_joins_across_classes(tmp_path: Path) -> None:
    names = {side: [f"patient{p}_{side}_{n}.png" for p in range(10) for n in range(3)] for side in ("left", "right")}
    split = split_of(named(tmp_path / "p", names), together="pattern", pattern=r"(patient\d+)_")
    parts = parts_of(split)
    assert len({(path.split("/")[1][:8], part) for path, part in parts.items()}) == 10
    for part in PARTS:
        assert {picture.class_name for picture in split.part(part)} == {"left", "right"}


def test_each_alternative_of_a_pattern_has_brackets_of_its_own(tmp_path: Path) -> None:
    folder = named(tmp_path / "p", {c: [f"{c}_{k}{n}.png" for k in ("plant", "tree") for n in (1, 2)] for c in "ab"})
    catalogue = Project.open(folder).scan()
    config = SplitConfig(together="pattern", pattern=r"plant(\d+)|tree(\d+)")
    groups = {said_of(picture, config)[0] for picture in catalogue.pictures}
    assert groups == {"1", "2"}  # of each alternative: what belongs together may be in both


@pytest.mark.parametrize("patients", [1, 2])
def test_too_few_groups_across_classes_are_cut_for_each_class(tmp_path: Path, patients: int) -> None:
    names = {s: [f"patient{p}_{s}_{n:02}.png" for p in range(patients) for n in range(12)] for s in ("left", "right")}
    split = split_of(named(tmp_path / "p", names), together="pattern", pattern=r"patient\d+")
    for part in PARTS:
        assert {picture.class_name for picture in split.part(part)} == {"left", "right"}
    assert bool(split.shared) == (patients == 1)  # of two, one is for the test alone


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "(a+)+$",
        ".*.*.*x",
        "(?:a|a)*b",
        "[a-z]{1,99}.*.*",
        "1?" * 49 + "x",
        "(?:a|a)" * 9 + "b",
        ".*.*1?1?1?x",
        "((((a?)?)?)?)?.+",
        "(?x)#[\n" + "1?" * 40 + "x#]",
        "(?i-x:a)",
        "(?#[)" + "1?" * 40 + "x(?#])",
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    from core.config.training import make_config

    with pytest.raises(ConfigError, match="pattern"):
        make_config({"split": {"pattern": pattern}})


@pytest.mark.parametrize(
    "pattern",
    [
        r"(left|right|front|back)_plant(\d+)",
        r"(?:a|b)[-_ ]?(\d+?)",
        r"\?\|[?|]" * 8,
        "(?i)(?P<x>a)(?=b).*?-.*?",
        r"\(?x",
    ],
)
def test_a_pattern_that_ends_soon_can_be_used(pattern: str) -> None:
    assert SplitConfig(pattern=pattern).pattern == pattern


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"together": "pattern", "pattern": "plant"},
            "The pattern finds nothing in any path: by it, nothing stays together.",
        ),
        ({"together": "pattern"}, "The pattern finds nothing in any path: by it, nothing stays together."),
        ({"together": "table"}, "No table gives a group to any picture: by it, nothing stays together."),
        ({"together": "pattern", "pattern": "a/1"}, None),
        ({"together": "names", "pattern": "plant"}, None),
    ],
)
def test_what_joins_nothing_is_told(tmp_path: Path, asked: dict[str, str], told: str | None) -> None:
    names = [f"{n}.png" for n in range(6)]
    split = split_of(named(tmp_path / "p", {"a": names, "b": names}), **asked)
    assert split.remarks == ((told,) if told else ())


def test_beginnings_join_what_differs_in_its_last_number(tmp_path: Path) -> None:
    assert beginning_of("a/site A_012.jpg") == beginning_of("a/Site A_7.jpg") == "site a"
    names = [f"site{s}_{n}.png" for s in "abcdefgh" for n in range(4)]
    parts = parts_of(split_of(named(tmp_path / "p", {"a": names, "b": names}), together="beginnings"))
    assert len({(path[:7], part) for path, part in parts.items()}) == 16


def test_a_split_is_worked_out_once_for_each_catalogue(tmp_path: Path) -> None:
    catalogue = Project.open(flat_project(tmp_path / "p", COLOURS, each=6)).scan()
    assert make_split(catalogue, SplitConfig(), 3) is make_split(catalogue, SplitConfig(seed=3))
    assert make_split(catalogue, SplitConfig(), 4) is not make_split(catalogue, SplitConfig(), 3)


@pytest.mark.parametrize("seed", range(200))
def test_every_class_is_in_every_part_and_every_picture_is_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = ("a", "b", "c")
    names = ("{}.jpg", "webcam-0000000{1}-{0:03}.jpg", "clip{1}_frame_{0}.jpg", "x{1}-aug-{0}.jpg")
    pictures = {}
    for name in classes:
        wall = rng.bytes(192) if rng.random() < 0.3 else b""
        for row in range(int(rng.integers(3, 30))):
            path = f"{name}/{names[rng.integers(4)].format(row, rng.integers(3))}"
            group = f"patient {rng.integers(4)}" if rng.random() < 0.7 else None
            content = f"{name} {row:060}"
            pictures[path] = Picture(content, path, name, 9, 9, 9, wall or rng.bytes(192), 128.0, group=group)
    together = ("names", "table", "off", "beginnings")[seed % 4]
    config = SplitConfig(
        validation=[0.05, 0.15, 0.4][seed % 3], test=[0.05, 0.15, 0.4][seed // 3 % 3], together=together
    )
    split = make_split(Catalogue(tuple(pictures[path] for path in sorted(pictures)), classes, (), ()), config, seed)
    dealt = [picture.path for part in PARTS for picture in split.part(part)]
    assert len(dealt) == len(set(dealt)) == len(pictures) - split.left_out["between"]
    for part in PARTS:
        assert {picture.class_name for picture in split.part(part)} == set(classes)


def test_many_shares_are_tried_without_keeping_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Project.open(flat_project(tmp_path / "p", COLOURS, each=6)).scan()
    looked: list[int] = []
    groups = splits.groups_of
    monkeypatch.setattr(splits, "groups_of", lambda *args: looked.append(1) or groups(*args))
    for seed in range(5):
        make_split(catalogue, SplitConfig(seed=seed))
    assert len(looked) == 1  # who belongs together does not hang on the seed
    for seed in range(30):
        make_split(catalogue, SplitConfig(seed=seed))
    assert len(catalogue.in_use.worked_out) < 10


def test_no_picture_is_compared_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pictures = tuple(
        Picture(f"{row:064x}", f"{'ab'[row % 2]}/{row}.jpg", "ab"[row % 2], 9, 9, 9, rng.bytes(192), 128.0)
        for row in range(600)
    )
    catalogue = Catalogue(pictures, ("a", "b"), (), ())
    compared = []
    monkeypatch.setattr(Picture, "__eq__", lambda a, b: compared.append(1) or a is b)
    assert len(make_split(catalogue, SplitConfig()).train) == 420
    assert len(compared) < 600
