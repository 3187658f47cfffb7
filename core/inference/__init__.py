"""A model file and pictures to probabilities, a decision, and what those are worth: numpy and LiteRT only."""
