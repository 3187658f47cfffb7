"""A burst of pictures from a webcam."""
