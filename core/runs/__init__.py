"""A training's record on disk, its life cycle, and what a person adds to it."""
