"""The process that looks at all pictures of a project. `python -m core.quality.worker PROJECT_ROOT PROJECT_HOME`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from core.config.training import TrainConfig
from core.datasets.project import Project
from core.quality.label_suggestions import from_run, most_useful
from core.quality.result import (
    FROM_LABELS,
    Analysis,
    Suggestions,
    Suspect,
    asked,
    fingerprint,
    folder_of,
    read,
    source_run,
    write,
)
from core.quality.unique_pictures import Contents, with_features
from core.runs.records import RunPlan, RunRecords
from core.system.tasks.job import own_state, work_through
from core.system.tasks.processes import leave
from core.training.job import Job


def look(job: Job, project: Project) -> Analysis:
    """Looks at everything. Raises Stopped, and ProjectError if the folder is gone."""
    catalogue = project.scan().in_use
    run = source_run(project, catalogue)
    contents, vectors = with_features(job, project, Contents.of(catalogue))
    from core.quality import (  # scikit-learn takes a second, which is not spent before a stop
        clusters,
        embedding_map,
        label_issues,
    )

    job.phase("compare")
    points = job.waiting_for(lambda: label_issues.reduced(vectors))
    examples = _Examples(contents, points)
    judged: dict[str, tuple[str, float]] = {}
    suspects = examples.suspects(job, judged)
    alone = contents.unlabelled
    found = job.waiting_for(lambda: clusters.look_alikes(points[alone]))
    alike = tuple(tuple(contents.ids[alone[row]] for row in members) for members in found)
    suggestions = None
    if len(alone):
        suggestions = (from_run(job, project, run, contents) if run else None) or examples.suggestions(job)
    if suggestions:
        suggestions = most_useful(suggestions, alike)
        judged |= _opinions(suggestions.ids, suggestions.classes, suggestions.probabilities)
    job.phase("map")
    last = read(project)
    framing = job.config.input_framing
    # Where only labels changed, the map stays as it is.
    if last and last.ids == contents.ids and last.framing == framing.mark:
        xy, method = last.xy, last.map_method
    else:
        xy, method = job.waiting_for(lambda: embedding_map.layout(points))
    return Analysis(
        ids=contents.ids,
        labels=tuple(names[0] if names else None for names in contents.classes),
        xy=xy,
        map_method=method,
        suspects=suspects,
        groups=alike,
        suggestions=suggestions,
        judged=judged,
        fingerprint=fingerprint(catalogue, asked(run), framing),
        framing=framing.mark,
    )


class _Examples:
    """What can be learned from: `classes` (K), `rows` (M,) of `points`, and `labels` (M,), positions in the classes."""

    def __init__(self, contents: Contents, points: np.ndarray) -> None:
        from core.quality import label_issues

        self.contents, self.points = contents, points
        self.classes = label_issues.usable(contents.certain, contents.groups)
        number = {name: position for position, name in enumerate(self.classes)}
        chosen = [(row, number[name]) for row, name in enumerate(contents.certain) if name in number]
        self.rows, self.labels = np.array(chosen, int).reshape(-1, 2).T

    def suspects(self, job: Job, judged: dict[str, tuple[str, float]]) -> tuple[Suspect, ...]:
        """All examples, the most suspicious first; opinions are added to `judged`. Empty with fewer than two classes."""
        from core.quality import label_issues

        rows, labels = self.rows, self.labels
        if len(self.classes) < 2:
            return ()
        opinions = np.zeros((len(rows), len(self.classes)), np.float32)
        heard = np.zeros(len(rows), bool)
        for number, (learn, ask) in enumerate(label_issues.folds(labels, np.array(self.contents.groups)[rows])):
            opinions[ask] = job.waiting_for(
                lambda learn=learn, ask=ask: self._opinion(rows[learn], labels[learn], rows[ask])  # type: ignore[misc]
            )
            heard[ask] = np.isin(labels[ask], labels[learn])  # where False, the right answer was not among the choices
            job.progress(number + 1, label_issues.FOLDS)
        rows, labels, opinions = rows[heard], labels[heard], opinions[heard]
        quality, likely = job.waiting_for(lambda: label_issues.label_quality(labels, opinions))
        judged |= _opinions([self.contents.ids[row] for row in rows], self.classes, opinions)
        opinions[np.arange(len(rows)), labels] = -1
        return tuple(
            Suspect(
                self.contents.ids[rows[i]],
                self.classes[labels[i]],
                self.classes[int(opinions[i].argmax())],
                float(quality[i]),
                bool(likely[i]),
            )
            for i in np.argsort(quality, kind="stable")
        )

    def suggestions(self, job: Job) -> Suggestions | None:
        """For the unlabelled, by all examples; None with fewer than two classes."""
        alone = self.contents.unlabelled
        if len(self.classes) < 2:
            return None
        found = job.waiting_for(lambda: self._opinion(self.rows, self.labels, alone))
        return Suggestions(FROM_LABELS, tuple(self.classes), tuple(self.contents.ids[row] for row in alone), found)

    def _opinion(self, learn: np.ndarray, labels: np.ndarray, ask: np.ndarray) -> np.ndarray:
        from core.quality import label_issues

        return label_issues.opinion(self.points[learn], labels, self.points[ask], len(self.classes))


def _opinions(
    ids: tuple[str, ...] | list[str], classes: tuple[str, ...] | list[str], rows: np.ndarray
) -> dict[str, tuple[str, float]]:
    return {name: (classes[int(row.argmax())], float(row.max())) for name, row in zip(ids, rows, strict=True)}


def run(project: Project) -> int:
    """Does the whole look in this process; returns the exit status."""
    records = RunRecords(folder_of(project))
    plan = RunPlan("analysis", str(project.root), time.time(), TrainConfig(framing=project.framing()), (), ())
    job = Job(records, own_state(records), plan=plan)

    def work() -> None:
        write(project, look(job, project))

    return work_through(
        job,
        work,
        what="Looking at the pictures",
        again="look again",
        stopped="Stopped before everything was looked at.",
    )


if __name__ == "__main__":
    leave(run(Project(Path(sys.argv[1]), Path(sys.argv[2]))))
