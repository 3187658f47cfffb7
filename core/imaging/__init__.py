"""Bytes to upright RGB, and changes of pixels. Loads no TensorFlow."""
