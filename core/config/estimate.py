"""What a training will need: time, roughly, from what was measured on this machine; and memory, of a network from scratch."""

from __future__ import annotations

import psutil

from core.config.backbones import BACKBONES, REFERENCE, get_backbone
from core.config.network import NetworkSize, measure
from core.config.training import TrainConfig
from core.system import storage
from core.system.errors import ConfigError

_DECODE = 0.5
_START = 8.0
TRAINING = 11.0
"""What fine-tuning takes for a picture, against a look at it."""
_OPERATION, _ACTIVATION, _PIXEL, _CHANGED_PIXEL = 8.5e-9, 9.3e-7, 2e-5, 8e-5
_WEIGHT, _STEP = 1.3e-6, 4.0
"""Milliseconds of learning from scratch on two cores of ours: of a picture for each multiplication, each value behind a layer,
each pixel, and each pixel that is changed at random; of a step for each weight, and for itself. Their ratios are those of
twelve networks of 80,000 to 19 million weights on pictures of 32 to 180 pixels, each off by a quarter at most."""
_COPIES = 31
"""Of the weights, at the worst moment: when the .tflite file is made. Measured with 63 million of them."""
_BYTES = 4  # of a float32
MOST_PARAMETERS = 400_000_000
"""Weights of a network: a .tflite file, and what makes it, ends at 2 GB."""


def speeds() -> dict[str, float]:
    """Milliseconds a picture by backbone, as measured on this machine when features were computed."""
    return _numbers(storage.read_json(storage.data_home() / "speeds.json"))


def note_speed(backbone: str, milliseconds: float) -> None:
    """Remembers a measurement."""
    file = storage.data_home() / "speeds.json"
    storage.update_json(file, lambda known: _numbers(known) | {backbone: round(milliseconds, 3)})


def _numbers(value: object) -> dict[str, float]:
    return {str(k): float(v) for k, v in value.items() if isinstance(v, int | float)} if isinstance(value, dict) else {}


def size_of(config: TrainConfig, classes: int) -> NetworkSize:
    """The size of the network from scratch that these settings ask for. Raises ConfigError where its pictures are too small."""
    return measure(config.architecture, config.input_pixels, classes)


def require_room(config: TrainConfig, classes: int) -> None:
    """Raises ConfigError where a network from scratch cannot be built, or is too large for this computer's memory."""
    if config.pretrained:
        return
    size = size_of(config, classes)
    weights = _BYTES * _COPIES * size.parameters
    step = 2 * _BYTES * config.batch_size * size.activations  # values, and their gradients
    memory = psutil.virtual_memory().total
    if size.parameters <= MOST_PARAMETERS and weights + step <= memory:
        return
    if step > weights and size.parameters <= MOST_PARAMETERS:
        raise ConfigError(
            f"A step would take about {step / 1e9:,.1f} GB of memory, and this computer has {memory / 1e9:,.1f} GB.",
            "Look at fewer pictures a step (batch size), use smaller pictures (pixels), or fewer filters.",
        )
    raise ConfigError(
        f"This network would have {size.parameters / 1e6:,.0f} million weights, too many for "
        + ("a model file." if size.parameters > MOST_PARAMETERS else "the memory of this computer."),
        "Use fewer filters or dense units, one more block that halves the picture (pooling), or smaller pictures (pixels).",
    )


def _an_epoch(config: TrainConfig, learning: float, checking: float) -> float:
    """Milliseconds of one epoch of a network from scratch, of so many pictures to learn from and to check with, on the computer
    that the numbers above are of; 0 where it cannot be built."""
    try:
        size = size_of(config, 2)
    except ConfigError:
        return 0.0
    each = _OPERATION * size.operations + _ACTIVATION * size.activations
    pixels = (learning + checking) * _PIXEL + learning * _CHANGED_PIXEL * config.augment.active
    step = _STEP + _WEIGHT * size.parameters
    return (learning + checking / 3) * each + pixels * config.input_pixels**2 + learning / config.batch_size * step


def seconds(config: TrainConfig, pictures: int, learning: int | None = None) -> float:
    """Roughly how long a training on so many pictures takes, in seconds, without features kept from before. `learning`: how
    many of them are learned from, where that is not the share that the split says, as with under-sampling."""
    if config.minutes and config.pretrained:
        return config.minutes * 60
    known = speeds()
    usual = BACKBONES[REFERENCE].milliseconds
    pace = known.get(REFERENCE, usual) / usual
    learned = pictures * config.split.training if learning is None else learning
    held_out = pictures * (1 - config.split.training)
    if not config.pretrained:
        an_epoch = _an_epoch(config, learned, pictures * config.split.validation)
        return _START + (learned + held_out) * _DECODE / 1000 + config.epochs * pace * an_epoch / 1000
    looks = held_out + learned * (1 + config.draws * config.augment.active)
    look = 0.0
    for name in config.backbones:
        backbone = get_backbone(name)
        each = known.get(name, (backbone.milliseconds or 4.0 * backbone.megabytes / 13.7) * pace)
        look += each * (config.input_pixels / backbone.input_pixels) ** 2
    once = look * (2 if config.mirrored else 1) * (0.5 if config.integer_features else 1)
    total = _START + looks * (once + _DECODE) / 1000 + looks * 0.001 * len(config.backbones)
    if config.fine_tune != "off":
        share = 1.0 if config.fine_tune == "all" else 0.6
        total += learned * config.fine_tune_epochs * look * TRAINING * share / 1000
    return total
