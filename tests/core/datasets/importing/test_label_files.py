"""The JSON of labelling tools and of programs is read as it was meant."""

from __future__ import annotations

import json

import pytest

from core.datasets import importing
from tests.core.datasets.importing.sources import (
    CLASSES,
    KINDS,
    NUMBERS,
    PICTURES,
    RIGHT,
    labels,
    planned,
)

JSON_FILES: dict[str, object] = {
    "records": [{"image": f, "label": c} for f, c in RIGHT.items()],
    "one object": RIGHT,
    "classes": {kind: [f for f, c in RIGHT.items() if c == kind] for kind in KINDS},
    "pandas by columns": {
        "image_path": dict(zip(map(str, range(15)), PICTURES, strict=True)),
        "y": dict(zip(map(str, range(15)), CLASSES, strict=True)),
    },
    "pandas by lists": {"image_path": PICTURES, "species": CLASSES},
    "pandas split": {"columns": ["f", "label"], "index": [*range(15)], "data": [[f, c] for f, c in RIGHT.items()]},
    "lists": [[f, c] for f, c in RIGHT.items()],
    "FiftyOne": {"classes": list(KINDS), "labels": {f[:-4]: KINDS.index(c) for f, c in RIGHT.items()}},
    "FiftyOne with confidences": {
        "classes": list(KINDS), "labels": {f[:-4]: {"label": c, "confidence": 0.9} for f, c in RIGHT.items()},
    },
    "COCO": {
        "images": [{"id": n, "file_name": f, "width": 9} for n, f in enumerate(PICTURES)],
        "annotations": [{"id": n, "image_id": n, "category_id": NUMBERS[n] + 1} for n in range(15)],
        "categories": [{"id": n, "name": kind} for n, kind in enumerate(KINDS, 1)],
    },
    "VoTT": {
        "assets": {
            f"{n:x}": {"asset": {"name": f, "path": f"file:/home/x/{f}"}, "regions": [{"tags": [c]}]}
            for n, (f, c) in enumerate(RIGHT.items())
        }
    },
    "CreateML": [{"image": f, "annotations": [{"label": c, "coordinates": {"x": 1}}]} for f, c in RIGHT.items()],
    "Label Studio": [
        {"data": {"image": f"/data/upload/1/0a1b2c3d-{f}"}, "annotations": [{"result": [{"value": {"choices": [c]}}]}]}
        for f, c in RIGHT.items()
    ],
    "Label Studio, least": [
        {"image": f"/data/upload/1/0a1b2c3d-{f}", "id": n, "choice": c, "annotator": 1, "lead_time": 3.5}
        for n, (f, c) in enumerate(RIGHT.items())
    ],
    "VGG": {f"{f}123": {"filename": f, "size": 123, "file_attributes": {"kind": c}} for f, c in RIGHT.items()},
}  # fmt: skip


@pytest.mark.parametrize("value", JSON_FILES.values(), ids=JSON_FILES)
def test_the_json_of_tools_is_read(value: object) -> None:
    assert labels(planned(PICTURES, {"labels.json": json.dumps(value)})) == RIGHT


def test_json_lines_of_vertex() -> None:
    lines = [
        {
            "imageGcsUri": f"gs://bucket/{f}",
            "classificationAnnotation": {"displayName": c},
            "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": "test" if n % 5 == 0 else "training"},
        }
        for n, (f, c) in enumerate(RIGHT.items())
    ]
    plan = planned(PICTURES, {"t.jsonl": "\n".join(map(json.dumps, lines))})
    assert labels(plan) == RIGHT
    assert [entry.part for entry in plan.entries[:2]] == ["test", "train"]


def several(plan: importing.Plan) -> dict[str, str]:
    return {row.name: row.reason for row in plan.rows}


@pytest.mark.parametrize(
    ("title", "holds"),
    [("choice", "choices"), ("label", "choices"), ("my own question", "choices"), ("label", "labels")],
)
def test_several_choices_among_single_ones_are_more_than_one_label(title: str, holds: str) -> None:
    """As Label Studio exports: a text for one choice, an object for several."""
    tasks: list[dict[str, object]] = [{"image": f, "id": n, title: c} for n, (f, c) in enumerate(RIGHT.items())]
    tasks[3][title] = {holds: ["cat", "dog"]}
    tasks[4][title] = {holds: ["cat"]}
    plan = planned(PICTURES, {"min.json": json.dumps(tasks)})
    assert several(plan) == {PICTURES[3]: "has more than one label: cat, dog"}
    assert labels(plan) == {name: kind for name, kind in RIGHT.items() if name != PICTURES[3]}


def test_what_an_object_says_beside_its_label_stays_told_apart() -> None:
    tasks = [{"filename": f, "file_attributes": {"class": c}} for f, c in RIGHT.items()]
    plan = planned(PICTURES, {"via.json": json.dumps(tasks)})
    assert labels(plan) == RIGHT
    assert "file_attributes class" in plan.recognised[0].options.label_columns
