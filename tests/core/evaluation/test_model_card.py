"""The model card: everything in it, and nothing that runs or leads elsewhere."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from core import Project, Run, evaluate
from core.cli import runs as commands
from core.config.training import TrainConfig
from core.evaluation import model_card, robustness
from core.evaluation.corruptions import CHANGES
from core.evaluation.robustness import Outcome, Robustness
from core.inference.decision import Decision, keep_decision
from core.runs.film import FilmRecorder
from core.runs.notes import About, change
from core.runs.records import RunPicture
from core.system.errors import RunError
from tests.pictures import COLOURS, flat_project
from tests.runs import make_run, picture

NASTY = ("<script>alert(1)</script>", "**b** | `c` [x](http://evil.example)")


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p").mkdir()
    return Project.open(tmp_path / "p")


def test_the_markdown_has_all_sections_and_numbers(project: Project) -> None:
    run = make_run(project, "one", [0, 1] * 4 + [1, 1])
    change(run, About(), name="My cats", notes="For the fair.")
    text = model_card.markdown(run)
    assert text.startswith("# Model card: My cats\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "What it is", "What it is for, and its limits", "Numbers", "Pictures it learned from", "Some of its mistakes",
        "How it was made", "Versions",
    ]  # fmt: skip
    assert "For the fair." in text
    assert "| accuracy | 90.0 % (9 of 10 right) |" in text
    assert "| 95 % interval (Wilson) | 59.6 % to 98.2 % |" in text
    assert "| cat | 4 of 5 | 0.80 | 1.00 | 0.89 |" in text
    assert "| cat | 4 | 1 |" in text
    assert "| all | 6 | 4 | 10 |" in text
    assert "- cat/18.png: is cat, taken for dog (80 % sure)" in text
    assert "with seed 0" in text


def test_what_looks_is_told_of_searches_and_ensembles(project: Project) -> None:
    kept = "EfficientNet-Lite2, fine-tuned, mirrored views"
    text = model_card.markdown(make_run(project, "one", config=TrainConfig(minutes=5), chosen=kept))
    assert f"| what the search kept | {kept} |" in text
    assert "| minutes | 5.0 |" in text
    assert not re.search(r"^\| (network|mirrored|fine_tune|epochs) ", text, re.MULTILINE)
    voters = [{"run": "first", "weight": 0.75}, {"run": "second", "weight": 0.25}]
    text = model_card.markdown(make_run(project, "two", ensemble=voters))
    assert "| trainings that it was joined from (ensemble) | first (weight 0.75), second (weight 0.25) |" in text
    assert not re.search(r"^\| (network|epochs|seed) ", text, re.MULTILINE)


def test_limits_follow_from_the_numbers(project: Project) -> None:
    parts = ["train"] * 100 + ["val"] * 4 + ["test"] * 40
    pictures = [picture(n, int(n % 10 == 0 or (part == "test" and n % 2)), part) for n, part in enumerate(parts)]
    run = make_run(project, "one", [0] * 40, pictures=pictures)
    snapshot = run.snapshot()
    said = " ".join(model_card.limits_of(snapshot.plan, evaluate(run)))
    assert "fewer than 20 pictures of: dog (10)" in said
    assert "far more of cat (90 pictures) than of dog (10)" in said
    assert "misses many of: dog (0 of" in said
    assert "tested on 40 pictures only" in said
    assert "mostly chance" not in said
    many = ["train"] * 80 + ["val"] * 4 + ["test"] * 300
    good = make_run(project, "two", pictures=[picture(n, n % 2, part) for n, part in enumerate(many)])
    assert len(model_card.limits_of(good.snapshot().plan, evaluate(good))) == 3


def test_nasty_names_are_shown_as_they_are(project: Project) -> None:
    run = make_run(project, "one", [1, 1] * 5, classes=NASTY)
    change(run, About(), name="<img src=x onerror=alert(1)>", notes="- a\n# b\n=\n<b>")
    page = Page(model_card.html(run))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "a", "link", "iframe", "object", "form", "b", "base"})
    assert not [attrs for tag, attrs in page.tags if tag == "img" and not str(attrs["src"]).startswith("data:image/")]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(name in page.text for name in (*NASTY, "<img src=x onerror=alert(1)>"))
    text = model_card.markdown(run)
    assert re.search(r"(?<!\\)<\w", text) is None
    assert "\n# b" not in text
    assert r"\*\*b\*\* \| \`c\` \[x\](http\://evil.example)" in text
    rows = [line for line in text.splitlines() if line.startswith("| \\*\\*b")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4, 5, 6}


def test_the_page_asks_for_nothing_from_elsewhere(project: Project) -> None:
    text = model_card.html(make_run(project, "one"))
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*['\"]?(?!data:)\S+", text) == []


def test_sample_errors_are_shown_even_where_they_were_moved(tmp_path: Path) -> None:
    project = Project.open(flat_project(tmp_path / "p", {name: COLOURS[name] for name in ("blue", "red")}, each=6))
    found = project.scan().pictures
    parts = ["train", "train", "val", "test", "test", "test"] * 2
    classes = ("blue", "red")
    pictures = [
        RunPicture(p.id, p.path, classes.index(str(p.class_name)), part) for p, part in zip(found, parts, strict=True)
    ]
    run = make_run(project, "one", [1, 1, 1, 0, 0, 0], classes=classes, pictures=pictures)
    tested = [p for p in pictures if p.part == "test"]
    (project.root / tested[0].path).rename(project.root / "red" / "moved.png")
    (project.root / tested[1].path).unlink()
    project.scan()
    page = Page(model_card.html(run))
    shown = [str(attrs["src"]) for tag, attrs in page.tags if tag == "img"]
    assert len(shown) == 5
    assert "The file is gone." in page.text
    for source in shown:
        image = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert image.format == "JPEG"
    assert "data:" not in model_card.markdown(run)


def test_harder_pictures_are_told_if_they_were_tried(project: Project) -> None:
    run = make_run(project, "one")
    robustness.folder_of(run).mkdir()
    outcomes = tuple(
        Outcome(one, 4 if one.kind == "turned" else 10, 6 if one.kind == "turned" else 0, 0) for one in CHANGES
    )
    robustness.write(run, Robustness(10, 10, 10, outcomes, 2))
    text = model_card.markdown(run)
    assert "## Harder pictures" in text
    assert "| turned by 90 degrees | 40 % |" in text


def test_how_sure_it_must_be_is_told(project: Project) -> None:
    run = make_run(project, "one", [0, 1] * 4 + [1, 1])
    assert "not sure" not in model_card.markdown(run)
    keep_decision(run.folder, Decision(temperature=2.0, threshold=0.6))
    text = model_card.markdown(run)
    assert "below a confidence of 60 %" in text
    assert "taken for dog (67 % sure)" in text


def test_many_classes_get_a_list_of_confusions(project: Project) -> None:
    classes = [f"class {n:02}" for n in range(40)]
    pictures = [
        picture(n, n % 40, part, classes) for n, part in enumerate(["train"] * 40 + ["val"] * 40 + ["test"] * 40)
    ]
    run = make_run(project, "one", [1, *range(1, 40)], classes=classes, pictures=pictures)
    text = model_card.markdown(run)
    assert "Confusion matrix" not in text
    assert "| class 00 | class 01 | 1 |" in text
    assert "and 28 more" in text


def test_a_run_without_a_result_has_no_card(project: Project) -> None:
    run = make_run(project, "one", config=TrainConfig(epochs=3))
    (run.folder / "result.json").unlink()
    with pytest.raises(RunError, match="no result"):
        model_card.markdown(run)
    (run.folder / "run.json").unlink()
    with pytest.raises(RunError, match="not the folder of a training"):
        model_card.html(run)


def test_the_card_of_a_real_model_names_its_versions(trained: Run) -> None:
    text = model_card.markdown(trained)
    assert "| tensorflow | 2." in text
    assert re.search(r"\| SHA-256 of model.tflite \| [0-9a-f]{64} \|", text)


@pytest.mark.parametrize("name", ["card.md", "card.HTML"])
def test_the_command_writes_by_the_ending(project: Project, tmp_path: Path, name: str) -> None:
    folder = str(make_run(project, "one").folder)
    result = CliRunner().invoke(commands.card, [folder, "--out", str(tmp_path / name)])
    assert result.exit_code == 0, result.output
    begins = "# Model card" if name.endswith("md") else "<!doctype html>"
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    assert CliRunner().invoke(commands.card, [folder]).output.startswith("# Model card")


def test_the_command_refuses_other_endings_and_places(project: Project, tmp_path: Path) -> None:
    folder = str(make_run(project, "one").folder)
    for out, words in (("card.txt", "neither .md nor .html"), ("no/such/folder/card.md", "cannot be written")):
        result = CliRunner().invoke(commands.card, [folder, "--out", str(tmp_path / out)])
        assert isinstance(result.exception, RunError)
        assert words in str(result.exception)


def filmed(project: Project, classes: int) -> Run:
    """A run whose film goes from all in the first class to all right in 40 rounds."""
    names = [f"<b>{number:02}" for number in range(classes)]
    pictures = [
        picture(200 * part + n, n % classes, name, names)
        for part, name in enumerate(("train", "val", "test"))
        for n in range(90)
    ]
    run = make_run(project, "filmed", classes=names, pictures=pictures, best_epoch=40)
    recorder, truth = FilmRecorder(run.records, run.records.plan()), run.records.predictions("val")
    for number in range(41):
        rows = truth.copy()
        rows[2 * number :] = truth[0]
        recorder.add(number, rows)
    recorder.close(40, truth)
    return run


@pytest.mark.parametrize(("classes", "columns"), [(3, 3), (11, 11), (12, 12), (30, 12)])
def test_how_it_learned_is_drawn(project: Project, classes: int, columns: int) -> None:
    run = filmed(project, classes)
    told = model_card.markdown(run)
    first = sum(n % classes == 0 for n in range(90))
    assert f"- before the first round: {first} of 90 right\n- round 1: " in told
    assert "- round 40 (kept): 90 of 90 right" in told
    assert len(re.findall(r"^- round \d+", told, re.MULTILINE)) == 4
    page = Page(model_card.html(run))
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawings) == 5
    assert sum(tag == "g" for tag, _ in page.tags) == 5 * columns
    dots = [attrs["class"] for tag, attrs in page.tags if tag == "circle"]
    assert len(dots) == 5 * 90
    assert dots[:90].count("right") == first
    assert set(dots[-90:]) == {"right"}
    assert not any(tag == "b" for tag, _ in page.tags)
    assert ("other classes" in page.text) == (classes > 12)
