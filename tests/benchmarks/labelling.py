"""Pictures labelled a minute, with and without help: `python -m tests.benchmarks.labelling FOLDER [--json FILE]`.

A script plays a person who knows every right answer. Looking and pressing cost seconds (below: assumptions, the same for
all three ways); the waiting for the computer is real. FOLDER holds class folders; a copy is made without labels. The person

- alone: looks at each picture large and presses a key;
- look-alikes: scans each group, labels it with one click, then puts right what did not belong; single ones alone;
- suggestions: labels groups until half is done, lets the computer look again, then scans the suggestions class by class,
  accepts them with one click, and puts right the wrong ones.

It stops when all pictures have a label; every label is right at the end, since the person sees what is wrong.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import click

from core import Project
from core.datasets import labels
from core.datasets.catalogue import Picture
from core.quality import analysis
from tests.benchmarks import measured

LOOK = 0.9  # seconds to recognise one picture by itself
SCAN = 0.25  # to see whether a thumbnail among its like belongs there
KEY = 0.3
CLICK = 1.0


class Person:
    """Knows the answers and counts the seconds."""

    def __init__(self, project: Project, answers: dict[str, str]) -> None:
        self.project, self.answers, self.seconds, self.waited = project, answers, 0.0, 0.0

    def unlabelled(self) -> dict[str, Picture]:
        return {picture.id: picture for picture in self.project.scan().unlabelled}

    def one_by_one(self, pictures: list[Picture]) -> None:
        for picture in pictures:
            self.seconds += LOOK + KEY
            self._do([picture], self.answers[picture.id])

    def together(self, pictures: list[Picture], to: str) -> None:
        """Scans, labels all with one click, and puts right what does not belong."""
        self.seconds += SCAN * len(pictures) + CLICK
        wrong = [picture for picture in pictures if self.answers[picture.id] != to]
        self._do(pictures, to)
        now = {picture.id: picture for picture in self.project.scan().pictures}
        for picture in wrong:
            self.seconds += CLICK + KEY
            self._do([now[picture.id]], self.answers[picture.id])

    def wait_for_a_look(self) -> analysis.Analysis:
        began = time.perf_counter()
        found = analysis.look(self.project, self.project.scan())
        self.waited += time.perf_counter() - began
        return found

    def groups(self, found: analysis.Analysis, until: int) -> None:
        for group in found.groups:
            loose = self.unlabelled()
            if len(loose) <= until:
                return
            here = [loose[one] for one in group if one in loose]
            if len(here) == 1:
                self.one_by_one(here)
            elif here:
                to = Counter(self.answers[picture.id] for picture in here).most_common(1)[0][0]
                self.together(here, to)

    def suggestions(self, found: analysis.Analysis) -> None:
        if found.suggestions is None:
            return
        loose, by_class = self.unlabelled(), defaultdict(list)
        best = found.suggestions.probabilities.argmax(axis=1)
        for one, column in zip(found.suggestions.ids, best, strict=True):
            if one in loose:
                by_class[found.suggestions.classes[column]].append(loose[one])
        for name, pictures in by_class.items():
            self.together(pictures, name)

    def _do(self, pictures: list[Picture], to: str) -> None:
        began = time.perf_counter()
        labels.move(self.project, pictures, to)
        self.waited += time.perf_counter() - began


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@measured.to_json
def main(folder: Path, file: Path | None) -> None:
    """Prints a line for each way."""
    a_minute = {}
    count = 0
    for way in ("alone", "look-alikes", "suggestions"):
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch) / "loose"
            root.mkdir()
            for path in folder.glob("*/*.*"):
                shutil.copy(path, root / f"{path.parent.name}-{path.name}")
            project = Project.open(root)
            pictures = sorted(project.scan().pictures, key=lambda picture: picture.id)  # in no order that helps
            person = Person(project, {p.id: p.path.rpartition("-")[0].partition("-")[0] for p in pictures})
            count = len(person.answers)
            if way == "alone":
                person.one_by_one(pictures)
            else:
                found = person.wait_for_a_look()
                person.groups(found, until=0 if way == "look-alikes" else count // 2)
                if way == "suggestions":
                    person.suggestions(person.wait_for_a_look())
            person.one_by_one(list(person.unlabelled().values()))
            right = sum(person.answers[p.id] == p.class_name for p in project.scan().pictures)
            total = person.seconds + person.waited
            print(
                f"{way:12} {60 * count / total:6.0f} a minute: {person.seconds:5.0f} s of the person, "
                f"{person.waited:4.0f} s of waiting, {right} of {count} right"
            )
            a_minute[way] = 60 * count / total
    measured.write(file, "labelling", [{"folder": folder.name, "pictures": count, "a minute": a_minute}])


if __name__ == "__main__":
    main()
