"""The parts of the Configure page."""
