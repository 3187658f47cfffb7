"""Features by Keras, for backbones that LiteRT cannot run. Needs TensorFlow: only worker processes import this."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.augmentation import AugmentConfig
from core.training.features import Sight, Spent
from core.training.prepare import ExtractorSpec, build_extractor


class KerasExtractor:
    """As FeatureExtractor, with the network as it was loaded: slower, but whatever Keras runs it can use."""

    def __init__(self, spec: ExtractorSpec) -> None:
        self._model = build_extractor(spec)
        self._pixels = spec.pixels
        self.threads = os.cpu_count() or 1
        self.spent = Spent()

    def compute(
        self, sights: Sequence[Sight], config: AugmentConfig, seed: int, pool: ThreadPoolExecutor
    ) -> np.ndarray:
        """Features of some sights: float32 (N, F). Raises PictureError if a file went bad since it was checked."""
        began = time.perf_counter()
        pictures = np.stack(list(pool.map(lambda sight: sight.pixels(self._pixels, config, seed), sights)))
        decoded = time.perf_counter()
        features = np.asarray(self._model.predict_on_batch(pictures.astype(np.float32)))
        self.spent.add(decoded - began, time.perf_counter() - decoded, len(sights))
        return features
