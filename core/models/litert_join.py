"""A head behind frozen backbones, joined as .tflite files: a dense layer and a softmax are added to what is converted already,
in place of a conversion of the whole by TensorFlow, which takes seconds. Loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from core.models.litert_graph import Graph


def joined(extractors: Sequence[bytes], kernel: np.ndarray, bias: np.ndarray) -> bytes:
    """One .tflite file: float32 (1, S, S, 3) in 0..255 -> probabilities float32 (1, K).

    `extractors`: .tflite files of backbones of one input size, each float32 (1, S, S, 3) -> features float32 (1, F_i); `kernel`
    float32 (F, K) and `bias` float32 (K,): the head of all features side by side. Raises ValueError for extractors of more
    than one graph, input or output, and for a head that does not fit.
    """
    graph = Graph(extractors[0])
    features = [graph.output, *(_append(graph, Graph(other)) for other in extractors[1:])]
    width = sum(graph.width(each) for each in features)
    if width != kernel.shape[0]:
        raise ValueError(f"expected a kernel of {width} features. Received: {kernel.shape}")
    both = features[0]
    if len(features) > 1:
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        both = graph.computed("features", width, features, schema.BuiltinOperator.CONCATENATION, options)
    weights = [graph.constant("kernel", np.ascontiguousarray(kernel.T)), graph.constant("bias", bias)]
    dense = schema.FullyConnectedOptionsT()
    logits = graph.computed("logits", len(bias), [both, *weights], schema.BuiltinOperator.FULLY_CONNECTED, dense)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    graph.output = graph.computed("probabilities", len(bias), [logits], schema.BuiltinOperator.SOFTMAX, softmax)
    return graph.packed()


def _append(graph: Graph, other: Graph) -> int:
    """Adds another graph, which looks at the same picture; returns the number of the tensor of its features."""
    buffers, codes = len(graph.model.buffers), len(graph.model.operatorCodes)
    graph.model.buffers += other.model.buffers
    graph.model.operatorCodes += other.model.operatorCodes
    place: dict[int, int] = {-1: -1, other.input: graph.input}
    for number, tensor in enumerate(other.tensors):
        if number != other.input:
            place[number] = len(graph.tensors)
            moved = copy(tensor)
            moved.buffer = tensor.buffer + buffers if tensor.buffer else 0
            graph.tensors.append(moved)
    for step in other.operators:
        step.opcodeIndex += codes
        step.inputs = np.array([place[int(each)] for each in step.inputs], np.int32)
        step.outputs = np.array([place[int(each)] for each in step.outputs], np.int32)
        graph.operators.append(step)
    return place[other.output]
