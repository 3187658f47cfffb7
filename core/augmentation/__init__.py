"""Random changes of training pictures (augmentation): settings and the one implementation. Loads no TensorFlow."""

from core.augmentation.config import AugmentConfig
from core.augmentation.draw import augment, generator

__all__ = ["AugmentConfig", "augment", "generator"]
