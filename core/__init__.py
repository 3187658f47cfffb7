"""Fieldguide's engine: pictures in class folders -> a trained, measured, exported classifier. No pages, no Streamlit.

Importing it loads no TensorFlow; trainings and exports run in processes of their own.
"""

from core.config.augmentation import AugmentConfig
from core.config.export_formats import ExportConfig
from core.config.framing import Framing
from core.config.recipes import RECIPES, Recipe, get_recipe
from core.config.split import SplitConfig
from core.config.training import TrainConfig
from core.datasets.catalogue import Catalogue, Picture
from core.datasets.project import Project
from core.export.exports import Export, export
from core.inference.classifier import Classifier, Predictions
from core.inference.metrics import Evaluation
from core.runs.lifecycle import Run, RunSnapshot, evaluate, list_runs, open_run, start, train
from core.system.errors import FieldguideError

__all__ = [
    "RECIPES",
    "AugmentConfig",
    "Catalogue",
    "Classifier",
    "Evaluation",
    "Export",
    "ExportConfig",
    "FieldguideError",
    "Framing",
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
