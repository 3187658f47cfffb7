"""A head behind backbones, joined without TensorFlow: the same answers, bytes where readers want them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from core import Run, TrainConfig
from core.inference.calibration import softmax
from core.models.feature_extractor import specs_of
from core.models.litert_join import joined

PIXELS = 224


@pytest.fixture(scope="module")
def extractor(trained: Run) -> bytes:
    return specs_of(TrainConfig())[0].path.read_bytes()


def said(model: bytes, picture: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_it_answers_as_backbones_and_head_do(extractor: bytes, count: int) -> None:
    rng = np.random.default_rng(count)
    picture = rng.integers(0, 256, (1, PIXELS, PIXELS, 3)).astype(np.float32)
    features = np.tile(said(extractor, picture), count)
    kernel = rng.normal(size=(features.shape[1], 5), scale=0.01).astype(np.float32)
    bias = rng.normal(size=5).astype(np.float32)
    model = joined([extractor] * count, kernel, bias)
    assert np.abs(said(model, picture) - softmax(features @ kernel + bias)).max() < 1e-5
    signature = Interpreter(model_content=model).get_signature_runner()
    assert np.abs(next(iter(signature(picture=picture).values())) - said(model, picture)).max() < 1e-6
    root = schema.Model.GetRootAs(model, 0)
    buffers = [root.Buffers(number) for number in range(root.BuffersLength())]
    assert all(b._tab.Vector(b._tab.Offset(4)) % 16 == 0 for b in buffers if b.DataLength())
    assert root.Metadata(0).Name() == b"min_runtime_version"


def test_a_head_that_does_not_fit_is_an_error(extractor: bytes) -> None:
    with pytest.raises(ValueError, match="expected a kernel of"):
        joined([extractor], np.zeros((7, 2), np.float32), np.zeros(2, np.float32))


def test_joining_loads_no_tensorflow() -> None:
    code = "import sys, core.models.litert_join; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
