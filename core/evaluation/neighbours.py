"""Which training pictures are most like a picture, as the network sees it. Loads no TensorFlow.

Compared are the features that the run's own frozen network saw, which the training kept. A network that was trained itself
(from scratch, fine-tuned, joined) leaves none; then the features of the quick recipe are taken, which a look at the
project's pictures (core.quality.analysis) computes and keeps.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from core.config.framing import Framing
from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.imaging.decode import read_square
from core.models.feature_extractor import ExtractorSpec, specs_of
from core.runs.lifecycle import Run
from core.runs.records import RunPlan
from core.system.errors import ModelError, ProjectError
from core.training.ensembles import RECIPE
from core.training.feature_matrix import FeatureFile, Features, filled, logits, over, room_for
from core.training.features import FeatureStore, plain_key

_READ = 1000


@dataclass(frozen=True)
class Neighbour:
    """A training picture: content id, where it lies in the project now, the class that was learned, and the cosine of the
    angle between its features and those of the picture asked about, -1..1."""

    id: str
    path: str
    class_name: str
    similarity: float

    def as_dict(self) -> dict[str, str | float]:
        """Plain values for JSON."""
        return vars(self)


class Neighbours:
    """The features of a run's training pictures (N, F), in order of `ids`.

    `own`: whether the run's own network saw them, or that of the quick recipe. `missing`: training pictures without
    features. Safe to use from several threads.
    """

    def __init__(self, run: Run) -> None:
        """Raises ModelError while there are no features to compare, with what to do."""
        plan = run.records.plan()
        self.own, self._spec, self._framing, self.ids, self._features = _best_source(plan)
        label = {picture.id: picture.label for picture in plan.part("train")}
        self.missing = len(label) - len(self.ids)
        self._classes = [plan.classes[label[name]] for name in self.ids]
        lengths = over(self._features, lambda _, piece: np.linalg.norm(piece, axis=1))
        self._lengths = np.concatenate(list(lengths)).clip(1e-9)
        self._interpreter = Interpreter(model_content=self._spec.path.read_bytes())
        self._interpreter.allocate_tensors()
        self._lock = threading.Lock()

    def like(self, source: Path | bytes, places: Mapping[str, str], number: int = 5, but: str = "") -> list[Neighbour]:
        """The most similar training pictures, the most similar first.

        `places`: id -> path of the pictures that still exist; others are left out, and so is the one with the id `but`.
        Raises PictureError for a picture that does not open.
        """
        vector = self._seen(read_square(source, self._spec.pixels, self._framing))
        unit = vector / max(float(np.linalg.norm(vector)), 1e-9)
        close = logits(self._features, unit[:, None], np.zeros(1, np.float32))[:, 0] / self._lengths
        found: list[Neighbour] = []
        for row in np.argsort(-close, kind="stable"):
            name = self.ids[row]
            if name in places and name != but:
                found.append(Neighbour(name, places[name], self._classes[row], float(close[row])))
            if len(found) == number:
                break
        return found

    def _seen(self, square: np.ndarray) -> np.ndarray:
        with self._lock:
            source, target = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
            self._interpreter.set_tensor(source["index"], square[None].astype(np.float32))
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(target["index"])[0])


def places_of(catalogue: Catalogue) -> dict[str, str]:
    """Id -> path of the pictures that are there; of equal ones the first."""
    found: dict[str, str] = {}
    for picture in catalogue.pictures:
        found.setdefault(picture.id, picture.path)
    return found


def _own_spec(config: TrainConfig) -> ExtractorSpec | None:
    """What a run looked through, if that stayed as it was; of two networks the first."""
    frozen = config.pretrained and config.fine_tune == "off" and not config.minutes and config.recipe != RECIPE
    return specs_of(config)[0] if frozen else None


def _best_source(plan: RunPlan) -> tuple[bool, ExtractorSpec, Framing, tuple[str, ...], Features]:
    """Whether it is the run's own, the extractor, what it saw of each picture, and of which pictures there are features, at
    least of one, and these."""
    own, quick, framing = _own_spec(plan.config), specs_of(TrainConfig())[0], plan.config.input_framing
    try:
        project = Project.open(plan.project, again=True)
    except ProjectError:  # the record of a run names any folder: none is made a project for it
        sources, folder = {}, Path()
    else:
        folder = project.home / "features"
        # A look at all pictures sees of them what the project says now.
        sources = dict.fromkeys(((own, framing), (quick, framing), (quick, project.framing())))
    for spec, framing in sources:
        if spec is None or not spec.ready or not (folder / f"{spec.id}.sqlite").is_file():
            continue
        kept = FeatureStore(folder / f"{spec.id}.sqlite")
        wanted = {plain_key(picture.id, framing): picture.id for picture in plan.part("train")}
        keys = list(wanted)
        ids: list[str] = []
        room: np.ndarray | FeatureFile | None = None
        for start in range(0, len(keys), _READ):
            found = kept.get(keys[start : start + _READ])
            for key in filter(found.__contains__, keys[start : start + _READ]):
                if room is None:
                    room = room_for(len(keys), len(found[key]), folder)
                room[len(ids)] = found[key]
                ids.append(wanted[key])
        if room is not None:
            same = (spec, framing) == (own, plan.config.input_framing)
            return same, spec, framing, tuple(ids), filled(room, len(ids))
    raise ModelError(
        "The training pictures were not looked at in a way that can be compared.",
        "Let Fieldguide look at all pictures once.",
    )
