"""Files to take away, each measured."""
