"""Features by Keras, for backbones that LiteRT cannot run. Needs TensorFlow: only worker processes import this."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import numpy as np

from core.config.augmentation import AugmentConfig
from core.models.feature_extractor import ExtractorSpec, build_extractor
from core.system.threads import chunks, in_threads
from core.training.features import CHUNK, PictureView, Spent


class KerasExtractor:
    """As FeatureExtractor, with the network as it was loaded: slower, but whatever Keras runs it can use."""

    def __init__(self, spec: ExtractorSpec) -> None:
        self._model = build_extractor(spec)
        self._pixels = spec.pixels
        self.spent = Spent()

    def compute(self, sights: Iterable[PictureView], config: AugmentConfig, seed: int) -> Iterator[np.ndarray]:
        """Features of the sights, in their order: float32 (F,) each. Raises PictureError if a file went bad since it was
        checked."""
        began = time.perf_counter()
        for pictures in chunks(in_threads(lambda sight: sight.pixels(self._pixels, config, seed), sights), CHUNK):
            decoded = time.perf_counter()
            features = np.asarray(self._model.predict_on_batch(np.stack(pictures).astype(np.float32)))
            self.spent.add(decoded - began, time.perf_counter() - decoded, len(pictures))
            yield from features
            began = time.perf_counter()
