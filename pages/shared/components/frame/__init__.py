"""The frame of every page in the browser."""
