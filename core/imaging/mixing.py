"""Mixing pairs of pictures and their labels: MixUp (Zhang et al., 2018) and CutMix (Yun et al., 2019)."""

from __future__ import annotations

import math

import numpy as np

from core.config.augmentation import AugmentConfig


def mix(
    pictures: np.ndarray, truth: np.ndarray, config: AugmentConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mixes each picture of a batch with another one of it, all in the same proportion, as the papers do.

    `pictures` float32 (B, S, S, 3), or (B, ...) of anything where only MixUp is on, such as features; `truth` float32
    (B, K), rows that sum to 1, and so do the rows that come back. With both on, one is drawn for each batch. What is handed
    in is not changed, and comes back itself when neither is on. The same generator state gives the same draw.
    """
    if not config.mixes:
        return pictures, truth
    cut = rng.random() < 0.5 if config.mixup and config.cutmix else bool(config.cutmix)
    alpha = config.cutmix if cut else config.mixup
    own = float(rng.beta(alpha, alpha))
    order = rng.permutation(len(pictures))
    if cut:
        pictures, own = _with_patch(pictures, pictures[order], own, rng.random(2))
    else:
        pictures = _blend(pictures, pictures[order], own)
    return pictures, _blend(truth, truth[order], own)


def _blend(these: np.ndarray, others: np.ndarray, own: float) -> np.ndarray:
    return np.float32(own) * these + np.float32(1 - own) * others


def _with_patch(these: np.ndarray, others: np.ndarray, own: float, middle: np.ndarray) -> tuple[np.ndarray, float]:
    """A box of about 1 - `own` of the area comes from `others`; the box may end at the edge, so its real share counts."""
    side = these.shape[1]
    half = side * math.sqrt(1 - own) / 2
    low, high = (np.rint(np.clip(middle * side + step, 0, side)).astype(int) for step in (-half, half))
    patched = these.copy()
    patched[:, low[1] : high[1], low[0] : high[0]] = others[:, low[1] : high[1], low[0] : high[0]]
    return patched, 1 - float(np.prod(high - low)) / side**2
