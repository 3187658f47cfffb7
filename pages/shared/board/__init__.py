"""The board, where a project begins: classes, training and the camera on one page."""
