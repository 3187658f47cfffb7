"""What predictions are worth: numbers, curves, how sure a model may be, and which classes are confused. numpy only."""

from core.evaluation.scores import ClassScore, Evaluation, evaluate_predictions

__all__ = ["ClassScore", "Evaluation", "evaluate_predictions"]
