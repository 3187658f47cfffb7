from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.config.framing import Framing
from core.config.split import SplitConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.datasets.splits import Split, make_split
from core.datasets.validation import cut_off, find_problems, near_groups, why_not_trainable
from core.quality.findings import find
from tests.pictures import COLOURS, flat_project, shaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flat_project(tmp_path / "project", COLOURS, each=20)


def scan(folder: Path) -> Catalogue:
    return Project.open(folder).scan()


def ids(split: Split) -> dict[str, set[str]]:
    return {part: {p.id for p in split.part(part)} for part in ("train", "val", "test")}


def test_parts_are_disjoint_complete_and_stratified(folder: Path) -> None:
    catalogue = scan(folder)
    split = make_split(catalogue, SplitConfig(validation=0.2, test=0.1), seed=0)
    found = ids(split)
    assert sum(map(len, found.values())) == 60 == len(set.union(*found.values()))
    for part, each in (("train", 14), ("val", 4), ("test", 2)):
        assert Counter(p.class_name for p in split.part(part)) == dict.fromkeys(COLOURS, each)
    assert split.classes == ("blue", "green", "red")


def test_the_same_seed_gives_the_same_split_and_touches_no_global(folder: Path) -> None:
    catalogue = scan(folder)
    order = list(catalogue.pictures)
    random.seed(5)
    np.random.seed(5)
    expected = random.Random(5).random(), np.random.RandomState(5).rand()
    a, b = (make_split(catalogue, SplitConfig(), seed=3) for _ in range(2))
    assert (random.random(), np.random.rand()) == expected
    assert a == b
    assert list(catalogue.pictures) == order
    assert make_split(catalogue, SplitConfig(), seed=4).fingerprint != a.fingerprint


def test_a_split_is_stable_when_pictures_are_added(folder: Path) -> None:
    before = ids(make_split(scan(folder), SplitConfig(), seed=0))
    for number in range(2):
        shaded(COLOURS["red"], 500 + number).save(folder / "red" / f"new{number}.png")
    after = ids(make_split(scan(folder), SplitConfig(), seed=0))
    moved = sum(len(before[part] - after[part]) for part in before)
    assert moved <= 2


def test_near_duplicates_stay_on_one_side(folder: Path) -> None:
    for number in range(8):
        image = Image.open(folder / "red" / f"{number:03}.png")
        image.resize((image.width * 2, image.height * 2)).save(folder / "red" / f"again{number}.jpg", quality=60)
    catalogue = scan(folder)
    for seed in range(5):
        split = make_split(catalogue, SplitConfig(), seed=seed)
        part_of = {p.path: part for part in ("train", "val", "test") for p in split.part(part)}
        for number in range(8):
            assert part_of[f"red/{number:03}.png"] == part_of[f"red/again{number}.jpg"]


def test_groups_join_what_looks_the_same_only(folder: Path) -> None:
    shutil.copy(folder / "red" / "000.png", folder / "red" / "copy.png")
    pictures = scan(folder).pictures
    groups = near_groups(pictures)
    by_path = {p.path: g for p, g in zip(pictures, groups, strict=True)}
    assert by_path["red/copy.png"] == by_path["red/000.png"]
    assert len(set(groups)) == 60


def test_drawings_on_white_paper_are_not_copies_of_each_other(tmp_path: Path) -> None:
    rng = random.Random(1)
    for kind in ("circle", "square"):
        (tmp_path / kind).mkdir()
        for number in range(30):
            image = Image.new("RGB", (200, 200), "white")
            pen = ImageDraw.Draw(image)
            x, y, r = rng.randint(50, 150), rng.randint(50, 150), rng.randint(15, 50)
            (pen.ellipse if kind == "circle" else pen.rectangle)((x - r, y - r, x + r, y + r), outline="black", width=3)
            image.save(tmp_path / kind / f"{number}.png")
    assert len(make_split(scan(tmp_path), SplitConfig(), seed=0).train) >= 36


def test_a_burst_of_one_scene_is_for_training(folder: Path) -> None:
    base = np.asarray(shaded((200, 90, 90), 99)).astype(int)
    for number in range(40):
        frame = base + np.random.default_rng(number).normal(0, 3, base.shape)
        Image.fromarray(frame.clip(0, 255).astype(np.uint8)).save(folder / "red" / f"burst{number}.png")
    for seed in range(6):
        split = make_split(scan(folder), SplitConfig(), seed=seed)
        assert sum("burst" in p.path for p in split.train) == 40
        assert min(Counter(p.class_name for p in split.test).values()) >= 1


def test_copies_are_used_once_and_conflicts_not_at_all(folder: Path) -> None:
    shutil.copy(folder / "red" / "000.png", folder / "red" / "copy.png")
    shutil.copy(folder / "red" / "001.png", folder / "blue" / "conflict.png")
    catalogue = scan(folder)
    split = make_split(catalogue, SplitConfig(), seed=0)
    assert sum(len(split.part(part)) for part in ("train", "val", "test")) == 59
    found = {one.kind: {picture.path for picture in one.pictures} for one in find(Project.open(folder), catalogue)}
    assert found["conflict"] == {"red/001.png", "blue/conflict.png"}
    assert found["copy"] == {"red/000.png", "red/copy.png"}


def test_three_pictures_a_class_are_one_in_each_part(tmp_path: Path) -> None:
    split = make_split(scan(flat_project(tmp_path / "p", COLOURS, each=3)), SplitConfig(), seed=0)
    assert [len(split.part(part)) for part in ("train", "val", "test")] == [3, 3, 3]


def test_why_not_trainable(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert why_not_trainable(scan(tmp_path / "none")) == "No class has pictures yet."
    assert "only one class" in why_not_trainable(scan(flat_project(tmp_path / "one", {"red": (200, 0, 0)}, each=5)))
    (tmp_path / "one" / "empty").mkdir()
    assert "only one class with pictures, red." in why_not_trainable(scan(tmp_path / "one"))
    assert "red has too few" in why_not_trainable(few(tmp_path))
    assert why_not_trainable(scan(flat_project(tmp_path / "ok", COLOURS, each=3))) == ""


def few(tmp_path: Path) -> Catalogue:
    folder = flat_project(tmp_path / "few", COLOURS, each=5)
    for path in sorted((folder / "red").iterdir())[2:]:
        path.unlink()
    return scan(folder)


def test_problems_are_named(folder: Path) -> None:
    (folder / "red" / "bad.jpg").write_bytes(b"")
    (folder / "empty").mkdir()
    (folder / "blue" / "notes.txt").write_text("x")
    told = {problem.kind: problem.sentence for problem in find_problems(scan(folder), Framing())}
    assert told.keys() == {"unreadable", "empty", "skipped"}
    assert told["skipped"] == "1 other file is passed over: no pictures, or hidden."


def shaped(folder: Path, sizes: dict[tuple[int, int], int]) -> Catalogue:
    """Pictures of these sizes, so many of each, in two classes."""
    number = 0
    for size, each in sizes.items():
        for _ in range(each):
            target = folder / ("a", "b")[number % 2]
            target.mkdir(parents=True, exist_ok=True)
            shaded(COLOURS["red"], number, size).save(target / f"{number}.png")
            number += 1
    return scan(folder)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({(320, 60): 6}, "Most of these pictures are much wider than high: the model sees only the middle 19 %"),
        ({(60, 320): 6}, "Most of these pictures are much higher than wide: the model sees only the middle 19 %"),
        ({(160, 90): 4, (90, 90): 3}, "much wider than high: the model sees only the middle 56 %"),
        (
            {(160, 80): 3, (80, 160): 3},
            "much wider than high or much higher than wide: the model sees only the middle 50 %",
        ),
    ],
)
def test_pictures_of_which_the_centre_square_shows_little_are_told(
    tmp_path: Path, sizes: dict[tuple[int, int], int], words: str
) -> None:
    (problem,) = (p for p in find_problems(shaped(tmp_path / "p", sizes), Framing()) if p.kind == "cut off")
    assert words in problem.sentence
    assert "Configure" in problem.sentence


@pytest.mark.parametrize(
    "sizes",
    [{(80, 60): 4, (60, 80): 4}, {(90, 60): 6}, {(320, 60): 3, (80, 60): 3}, {(64, 64): 6}],
    ids=["4:3", "3:2", "half of them", "squares"],
)
def test_photos_and_a_few_wide_ones_are_not(tmp_path: Path, sizes: dict[tuple[int, int], int]) -> None:
    assert cut_off(shaped(tmp_path / "p", sizes), Framing()) == []


@pytest.mark.parametrize("framing", [Framing(fit="letterbox"), Framing(fit="squeeze"), Framing(region=(0, 0, 0.5, 1))])
def test_who_has_chosen_what_is_seen_is_told_nothing(tmp_path: Path, framing: Framing) -> None:
    assert cut_off(shaped(tmp_path / "p", {(320, 60): 6}), framing) == []
