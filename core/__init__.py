"""Fieldguide's engine: pictures in class folders -> a trained, measured, exported classifier. No pages, no Streamlit.

Importing it loads no TensorFlow; trainings and exports run in processes of their own.
"""

from core.augmentation import AugmentConfig
from core.catalogue import Catalogue, Picture
from core.config import ExportConfig, TrainConfig
from core.errors import FieldguideError
from core.evaluation import Evaluation
from core.export import Export, export
from core.prediction import Classifier, Predictions
from core.project import Project
from core.recipes import RECIPES, Recipe, get_recipe
from core.runs import Run, RunSnapshot, evaluate, list_runs, open_run, start, train
from core.split_config import SplitConfig

__all__ = [
    "RECIPES",
    "AugmentConfig",
    "Catalogue",
    "Classifier",
    "Evaluation",
    "Export",
    "ExportConfig",
    "FieldguideError",
    "Picture",
    "Predictions",
    "Project",
    "Recipe",
    "Run",
    "RunSnapshot",
    "SplitConfig",
    "TrainConfig",
    "evaluate",
    "export",
    "get_recipe",
    "list_runs",
    "open_run",
    "start",
    "train",
]
