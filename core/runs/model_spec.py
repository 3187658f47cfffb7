"""What a program must know to use a model as it was used here: fieldguide.json, which lies beside each model file."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.config.framing import BORDER
from core.inference.classifier import SPEC_NAME, SPEC_VERSION
from core.inference.decision import Decision
from core.runs.records import RunPlan
from core.runs.result import RunResult
from core.system import storage


def make_spec(
    plan: RunPlan, result: RunResult, kind: str, model: bytes, decision: Decision | None = None
) -> dict[str, Any]:
    """What a program must know to use the model as it was used here; becomes fieldguide.json.

    `decision`: what is built into the model (the temperature), and below what a program should say "not sure".
    """
    decision, framing = decision or Decision(), plan.config.input_framing
    borders = f"; borders are RGB {', '.join(map(str, BORDER))}" if framing.fit == "letterbox" else ""
    return {
        "fieldguide": SPEC_VERSION,
        "model": "model.tflite",
        "kind": kind,
        "sha256": hashlib.sha256(model).hexdigest(),
        "classes": list(plan.classes),
        "input": {
            "pixels": result.input_pixels(plan.config),
            "channels": "RGB",
            "range": [0, 255],
            "framing": framing.model_dump(mode="json"),
            "crop": f"{framing.words}, scaled with bilinear filtering{borders}",
            "dtype": "float32",
        },
        "output": {"meaning": "probabilities", "dtype": "float32"},
        "not_sure_below": decision.threshold,
        "temperature": decision.temperature,
        "test": result.test.model_dump(include={"accuracy", "right", "total"}),
        "training": {
            "run": plan.id,
            "recipe": plan.config.recipe,
            "backbone": plan.config.backbone,
            "seed": plan.config.seed,
        },
        "versions": {name: version(name) for name in ("fieldguide", "tensorflow", "keras", "ai-edge-litert", "pillow")},
    }


def write_spec(folder: Path, plan: RunPlan, result: RunResult, kind: str, model: bytes) -> None:
    """Writes fieldguide.json into `folder`, where `model` is, or will be, model.tflite."""
    storage.write_json(folder / SPEC_NAME, make_spec(plan, result, kind, model))
