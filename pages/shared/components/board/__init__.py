"""The board: a card for each class, one button that trains, and the camera with what the model says."""
