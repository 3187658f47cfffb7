"""What timm's networks say with weights drawn by name, for those of ours that have to say the same.

Where timm and PyTorch are installed, `python -m tests.core.models.timm_reference` writes timm_reference.json anew: some of the
numbers that each network gives. Written with timm 1.0.31 and PyTorch 2.13.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
PIXELS = 90
"""Halved, it is odd at some stages and even at others."""
TIMM = {
    "hgnetv2-b1": "hgnetv2_b1",
    "hgnetv2-b2": "hgnetv2_b2",
    "mobilenet-v4-medium": "mobilenetv4_conv_medium",
}
"""What timm calls the networks of the table."""
_SOME = 128
_RANGES = {
    "running_var": (0.5, 1.5),
    "running_mean": (-0.1, 0.1),
    "scale": (0.5, 1.5),
    "bias": (-0.1, 0.1),
    "weight": (0.5, 1.5),
}


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32 (shape), always the same for a name; such that pictures are told apart after many layers, too."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) > 1:
        return rng.normal(0, np.sqrt(1.6 / np.prod(shape[1:])), shape).astype(np.float32)
    kind = name.rpartition(".")[2]
    numbers = rng.uniform(*_RANGES[kind], shape).astype(np.float32)
    return -numbers if kind == "scale" and rng.random() < 1 / 8 else numbers


def pictures() -> np.ndarray:
    """uint8 (2, 90, 90, 3)."""
    return np.random.default_rng(5).integers(0, 256, (2, PIXELS, PIXELS, 3), np.uint8)


def some(features: np.ndarray) -> np.ndarray:
    """About 128 of features (N, F), of all channels."""
    return features[:, :: max(1, features.shape[1] // _SOME)]


def timms_own(name: str) -> tuple[list[np.ndarray], int]:
    """What timm says of the pictures: averages of the stages from a stride of 8 on, and what its classifier is given, float32
    (2, C) each; and how many parameters it has without the classifier."""
    import timm
    import torch

    network = timm.create_model(TIMM[name], pretrained=False, num_classes=0).eval()
    state = {key: torch.from_numpy(drawn(key, tuple(value.shape))) for key, value in network.state_dict().items()
             if value.dtype == torch.float32}  # fmt: skip
    network.load_state_dict(state, strict=False)
    mean, deviation = (np.array(network.default_cfg[key], np.float32) for key in ("mean", "std"))
    inputs = torch.from_numpy((pictures() / np.float32(255) - mean) / deviation).permute(0, 3, 1, 2)
    stages: list[Any] = []
    for stage in getattr(network, "stages", None) or network.blocks:
        stage.register_forward_hook(lambda module, given, answer: stages.append(answer))
    with torch.no_grad():
        seen = network(inputs).numpy()
    averages = [stage.mean((2, 3)).numpy() for stage in stages if stage.shape[-1] <= -(-PIXELS // 8)]
    return [*averages, seen], sum(weights.numel() for weights in network.parameters())


def main() -> None:
    """Writes the file."""
    told: dict[str, Any] = {}
    for name in TIMM:
        features, parameters = timms_own(name)
        numbers = [[[float(f"{number:.7g}") for number in row] for row in some(each)] for each in features]
        told[name] = {"parameters": parameters, "features": numbers}
        print(name, parameters, [(each.shape[1], round(float(np.abs(each).max()), 2)) for each in features])
    FILE.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
