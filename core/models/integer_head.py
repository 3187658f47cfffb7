"""The head of an integer file, fitted to what its own network sees. numpy and LiteRT, no TensorFlow.

Integers move each feature a little, on all pictures alike and in proportion. A line for each feature, from what the integer
network sees of some pictures to what the float network saw of the same ones, puts that right again, and is folded into the
kernel and the bias of the head. (The statistics of a layer taken anew after rounding: Sun et al. 2019, arXiv 1909.13863,
section 3; bias correction is the same with a line of slope 1.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from core.models.litert_graph import Graph
from core.models.rounding import scale_of

_MOST_STEPS = 2**30


def with_fitted_head(
    model: bytes, pictures: Sequence[np.ndarray], features: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> bytes:
    """An integer .tflite file whose head answers, of what the file itself sees, what the float head says of `features`.

    `pictures`: uint8 (S, S, 3), of the size that the file takes; `features` float (N, F): what the float network sees of
    them; `kernel` (F, K) and `bias` (K,): the float head. The file as it is where it has no such head in integers, as a
    convolution of one pixel with a scale for each class.
    """
    graph = Graph(model)
    step = _head(graph, kernel.shape)
    if step is None:
        return model
    entry, weights, offsets = (graph.tensors[int(number)] for number in step.inputs)
    (fine,), (zero,) = entry.quantization.scale, entry.quantization.zeroPoint
    seen = (_seen(model, int(step.inputs[0]), pictures).astype(np.float64) - zero) * fine
    written = graph.whole(int(step.inputs[1])).reshape(kernel.T.shape).T * weights.quantization.scale
    # What the file takes for one unit of a feature: it tells where there is nothing to tell a slope by.
    size = (kernel.astype(np.float64) ** 2).sum(axis=1)
    usual = np.divide((written * kernel).sum(axis=1), size, out=np.zeros_like(size), where=size > 0)
    noise = fine**2 / 12  # the variance of rounding
    apart, wanted = seen - seen.mean(axis=0), features - features.mean(axis=0)
    slope = ((apart * wanted).mean(axis=0) + noise * usual) / ((apart**2).mean(axis=0) + noise)
    fitted = kernel * slope[:, None]
    level, middle = features.mean(axis=0) @ kernel + bias, seen.mean(axis=0)
    # Beside a kernel of next to nothing a bias would be more steps than 32 bits can count.
    scale = np.maximum(scale_of(fitted, (0,)), (np.abs(level) + np.abs(middle @ fitted)) / (fine * _MOST_STEPS))
    whole = np.rint(fitted / scale)
    shift = level - middle @ (whole * scale)
    weights.buffer = graph.buffer(whole.T.astype(np.int8))
    weights.quantization.scale = scale.ravel().astype(np.float32)
    offsets.quantization.scale = (scale.ravel() * fine).astype(np.float32)
    offsets.buffer = graph.buffer(np.rint(shift / offsets.quantization.scale).astype(np.int32))
    return graph.packed()


def _head(graph: Graph, shape: tuple[int, ...]) -> Any:
    """The last operator that makes K logits of F features, in integers; None where there is no such."""
    features, classes = shape
    for step in reversed(graph.operators):
        if graph.kind(step) != schema.BuiltinOperator.CONV_2D or len(step.inputs) != 3:
            continue
        weights = graph.tensors[int(step.inputs[1])]
        own = weights.quantization.scale if weights.quantization is not None else None
        if tuple(weights.shape) == (classes, 1, 1, features) and own is not None and len(own) == classes:
            return step if weights.type == schema.TensorType.INT8 else None
    return None


def _seen(model: bytes, number: int, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """What the file computes for the tensor of that number, int8 (N, F)."""
    from ai_edge_litert.interpreter import Interpreter

    until = Graph(model)
    until.output = number
    reader = Interpreter(model_content=until.packed(), num_threads=1)
    reader.allocate_tensors()
    (taken,), (told,) = reader.get_input_details(), reader.get_output_details()
    seen = []
    for picture in pictures:
        values = picture.astype(np.int16) - 128 if taken["dtype"] == np.int8 else picture
        reader.set_tensor(taken["index"], values.astype(taken["dtype"])[None])
        reader.invoke()
        seen.append(reader.get_tensor(told["index"]).ravel())
    return np.stack(seen)
