"""Random changes of training pictures (augmentation): settings and the one implementation. Loads no TensorFlow."""

from core.augmentation.config import AugmentConfig
from core.augmentation.draw import augment, generator
from core.augmentation.handed import handed
from core.augmentation.levels import LEVELS, level_of
from core.augmentation.mixing import mix

__all__ = ["LEVELS", "AugmentConfig", "augment", "generator", "handed", "level_of", "mix"]
