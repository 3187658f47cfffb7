"""The weights of a .tflite file stored in fewer bytes, without TensorFlow: as its converter does it, by the same rules.

Specification of what runtimes take: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from core.models.litert_graph import Graph
from core.models.rounding import rounded, scale_of

_FEW = 1024
"""Weights of a tensor below which nothing is gained (the converter's own bound)."""
_FROM_FLOAT16 = 3
"""Version of DEQUANTIZE that takes float16."""
_HYBRID = {schema.BuiltinOperator.CONV_2D: (0, 5), schema.BuiltinOperator.DEPTHWISE_CONV_2D: (3, 6)}
"""Operators that take int8 weights with float inputs: the axis of their weights that has a scale for each channel, and the
version that does so."""
_WINDOW = (1, 2)
"""The axes of height and width in the weights of both."""
_LARGEST = float(np.finfo(np.float16).max)


def with_float16_weights(model: bytes) -> bytes:
    """A float32 .tflite file, its weights stored as float16: half the bytes."""
    graph = Graph(model)
    _halve(graph, set(range(len(graph.tensors))))
    graph.needs_runtime("1.15.0")
    return graph.packed()


def with_rounded_weights(model: bytes) -> bytes:
    """A float32 .tflite file whose weights have only the digits that float16 has: it computes as fast, and packs into 60 % of
    the bytes."""
    graph = Graph(model)
    for number, tensor in enumerate(graph.tensors):
        values = graph.values(number)
        if values is not None and values.size >= _FEW:
            tensor.buffer = graph.buffer(_as_float16(values).astype(np.float32))
    return graph.packed()


def with_int8_weights(model: bytes) -> bytes:
    """A float32 .tflite file, the weights of its convolutions stored as int8 (dynamic range): a quarter of the bytes.

    Symmetric, with a scale for each channel. Those of dense layers become float16: one scale for all of them, which is what
    older runtimes know, would be too coarse for the kernel of a head.
    """
    graph = Graph(model)
    done: set[int] = set()
    for step in graph.operators:
        kind = graph.kind(step)
        weights = int(step.inputs[1]) if kind in _HYBRID else -1
        values = graph.values(weights) if weights >= 0 and weights not in done else None
        if values is not None and values.size >= _FEW:
            _quantize(graph, weights, values, _HYBRID[kind][0])
            done.add(weights)
        if weights in done:
            step.opcodeIndex = graph.code(kind, _HYBRID[kind][1])
    dense = schema.BuiltinOperator.FULLY_CONNECTED
    _halve(graph, {int(step.inputs[1]) for step in graph.operators if graph.kind(step) == dense})
    graph.needs_runtime("2.4.0")
    return graph.packed()


def _quantize(graph: Graph, number: int, values: np.ndarray, axis: int) -> None:
    scale = scale_of(values, tuple(each for each in range(values.ndim) if each != axis))
    tensor = graph.tensors[number]
    tensor.type = schema.TensorType.INT8
    tensor.buffer = graph.buffer(rounded(values, scale, _WINDOW).astype(np.int8))
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = scale.ravel()
    tensor.quantization.zeroPoint = np.zeros(scale.size, np.int64)
    tensor.quantization.quantizedDimension = axis


def _as_float16(values: np.ndarray) -> np.ndarray:
    return values.clip(-_LARGEST, _LARGEST).astype(np.float16)


def _halve(graph: Graph, numbers: set[int]) -> None:
    """Stores constants as float16; an operator makes float32 of each, which runtimes do once, when they open the file."""
    first: list[Any] = []
    for number in sorted(numbers):
        values = graph.values(number)
        if values is None or values.size < _FEW:
            continue
        tensor = graph.tensors[number]
        name = f"{(tensor.name or b'').decode()}_float16"
        small = graph.constant(name, _as_float16(values))
        tensor.buffer = 0
        options = schema.DequantizeOptionsT()
        first.append(graph.operator(schema.BuiltinOperator.DEQUANTIZE, [small], number, options, _FROM_FLOAT16))
    graph.operators = first + graph.operators
