"""A network's layers in blocks, from input to output. Needs Keras: only the worker imports this module."""

from __future__ import annotations

import re

import keras

HEAD = re.compile(r"([Cc]onv_1|top|head)(?=_|$)")
"""The beginning of the name of the block after the last stage, where there is one."""

# The beginnings of names that Keras Applications and efficientnet_lite give to the layers of one block; what has no name
# of its own belongs to the block before it. In Inception only the layer that ends a block has a name.
_BLOCK = re.compile(
    HEAD.pattern + r"|block_?\d+[a-z]?(?=_)"
    r"|expanded_conv(_\d+)?(?=_)"
    r"|conv\d+_block\d+(?=_)"
    r"|pool[2-9](?=_)"
    r"|convnext_\w+_(stage_\d+_block_\d+|downsampling_block_\d+)"
)
_END = re.compile(r"mixed\d+")


def operations(model: keras.Model) -> list[list[keras.Operation]]:
    """All steps of a network (layers, and sums between them) in its blocks; the first is the stem."""
    found: dict[str, list[keras.Operation]] = {}
    name = "stem"
    for operation in model.operations:
        begins = _BLOCK.match(operation.name)
        name = begins[0] if begins else name
        found.setdefault(name, []).append(operation)
        if _END.fullmatch(operation.name):
            name = f"after {operation.name}"
    return list(found.values())


def blocks(model: keras.Model) -> list[list[keras.Layer]]:
    """The layers with weights, in consecutive blocks from input to output: the last ones know most about the pictures.

    A Hub module is one block, as it cannot be divided.
    """
    divided = [
        [step for step in block if isinstance(step, keras.Layer) and step.weights] for block in operations(model)
    ]
    return [block for block in divided if block]
