"""How long each change of a picture takes: `python -m tests.benchmarks.augmentations [SIDE]`.

Draws a picture of SIDE pixels (224 if not given) and prints milliseconds a picture on one core, the median of 200 different
draws, for each change by itself, for the levels, and for a batch of 32 mixed (a picture).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from core.config.augmentation import AugmentConfig
from core.config.augmentation_presets import LEVELS
from core.imaging.augment import augment, generator
from core.imaging.mixing import mix
from tests.pictures import shaded

USUAL = {
    "flip": "horizontal",
    "blur": 1.5,
    "rand_augment": 2,
    "aug_mix": 3,
    "mixup": 0.2,
    "cutmix": 1.0,
    "erasing": 0.9,
}
DRAWS, BATCH = 200, 32


def milliseconds(draw: Callable[[int], object], times: int = DRAWS) -> float:
    taken = []
    for number in range(times):
        began = time.perf_counter()
        draw(number)
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def changed(picture: np.ndarray, config: AugmentConfig, number: int) -> object:
    return augment(picture, config, generator(number))


def mixed(pictures: np.ndarray, truth: np.ndarray, config: AugmentConfig, number: int) -> object:
    return mix(pictures, truth, config, generator(number))


def main(side: int) -> None:
    picture = np.asarray(shaded((120, 90, 160), 4, (side, side)))
    singly = {
        name: AugmentConfig.model_validate({name: USUAL.get(name, 0.2)})
        for name in AugmentConfig.model_fields
        if name not in ("mixup", "cutmix", "magnitude")
    }
    for name, config in (singly | {f"level {name}": config for name, config in LEVELS.items()}).items():
        spent = milliseconds(partial(changed, picture, config))
        print(f"{name:16} {spent:6.2f} ms")
    pictures = np.stack([picture] * BATCH).astype(np.float32)
    truth = np.eye(BATCH, dtype=np.float32)
    for name in ("mixup", "cutmix"):
        config = AugmentConfig.model_validate({name: USUAL[name]})
        spent = milliseconds(partial(mixed, pictures, truth, config), 20)
        print(f"{name:16} {spent / BATCH:6.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 224)
