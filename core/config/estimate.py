"""How long a training will take, roughly, from what was measured on this machine."""

from __future__ import annotations

from core.config.backbones import BACKBONES, REFERENCE, get_backbone
from core.config.training import TrainConfig
from core.system import storage

_DECODE = 0.5
_START = 8.0
_TRAINING = 11.0  # a step of fine-tuning against a look at the same picture


def speeds() -> dict[str, float]:
    """Milliseconds a picture by backbone, as measured on this machine when features were computed."""
    return _numbers(storage.read_json(storage.data_home() / "speeds.json"))


def note_speed(backbone: str, milliseconds: float) -> None:
    """Remembers a measurement."""
    file = storage.data_home() / "speeds.json"
    storage.update_json(file, lambda known: _numbers(known) | {backbone: round(milliseconds, 3)})


def _numbers(value: object) -> dict[str, float]:
    return {str(k): float(v) for k, v in value.items() if isinstance(v, int | float)} if isinstance(value, dict) else {}


def seconds(config: TrainConfig, pictures: int) -> float:
    """Roughly how long a training on so many pictures takes, in seconds, without features kept from before."""
    if config.minutes:
        return config.minutes * 60
    known = speeds()
    usual = BACKBONES[REFERENCE].milliseconds
    pace = known.get(REFERENCE, usual) / usual
    changed = 2.0 if config.augment.active else 1.0
    if not config.pretrained:
        each = (get_backbone(config.backbone).milliseconds or 1.0) * pace * changed
        return _START + pictures * config.split.training * config.epochs * each / 1000
    looks = 1 + config.split.training * config.draws * config.augment.active
    look = 0.0
    for name in config.backbones:
        backbone = get_backbone(name)
        each = known.get(name, (backbone.milliseconds or 4.0 * backbone.megabytes / 13.7) * pace)
        look += each * (config.input_pixels / backbone.input_pixels) ** 2
    once = look * (2 if config.mirrored else 1) * (0.5 if config.integer_features else 1)
    total = _START + pictures * looks * (once + _DECODE) / 1000 + pictures * looks * 0.001 * len(config.backbones)
    if config.fine_tune != "off":
        share = 1.0 if config.fine_tune == "all" else 0.6
        total += pictures * config.split.training * config.fine_tune_epochs * look * _TRAINING * share / 1000
    return total
