"""A picture that shows what a model makes of the background: as it is, with its middle covered, and with its rim covered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from core.evaluation.corruptions import COVERED, RIM_COVERED
from core.evaluation.robustness import chosen
from core.imaging.decode import read_square
from core.inference.classifier import Classifier
from core.runs.pictures import find_file
from core.runs.records import RunPlan
from core.system.errors import FieldguideError

_MOST = 12
"""Pictures that are asked about in search of one."""


@dataclass(frozen=True)
class View:
    """One picture as it was shown to the model, uint8 (S, S, 3), and the class that it answered, 0..1 sure of it."""

    square: np.ndarray
    class_name: str
    probability: float


def example(plan: RunPlan, classifier: Classifier) -> tuple[View, View, View] | None:
    """As it is, with its middle covered, with its rim covered: the first of some test pictures, evenly over the classes, that
    is named rightly also with its middle covered. None if none of them is there and is named so."""
    for picture in chosen(plan, _MOST):
        with suppress(FieldguideError):
            square = read_square(find_file(plan, picture), classifier.pixels, classifier.framing)
            name = plan.classes[picture.label]
            views = [_asked(classifier, each) for each in (square, COVERED.of(square, picture.id))]
            if all(view.class_name == name for view in views):
                return views[0], views[1], _asked(classifier, RIM_COVERED.of(square, picture.id))
    return None


def _asked(classifier: Classifier, square: np.ndarray) -> View:
    said = classifier.probabilities(square)
    return View(square, classifier.classes[int(said.argmax())], float(said.max()))
