"""The time of a search: what is left of it, and how long things will take, told by what took how long in this search.

What is known beforehand is rough: how quick this computer was when it was measured last, and ratios from two cores of ours.
Each kind of work corrects it as soon as some of it was done.
"""

from __future__ import annotations

from collections.abc import Callable

from core.config.augmentation import AugmentConfig
from core.config.backbones import HUB, get_backbone
from core.config.estimate import TRAINING, seconds
from core.config.training import TrainConfig
from core.training.linear_probe import copies

_SAVING, _SAVING_TUNED = 12.0, 45.0
"""Seconds kept back for the test and the file: of frozen networks, and of a small one that was fine-tuned."""
_CONVERTING, _CONVERTING_EACH = 3.0, 0.5
"""Seconds to build a network and make its .tflite file, and for each million of its weights."""
_BUILDING, _BUILDING_EACH = 10.0, 3.0
"""Seconds until fine-tuning takes its first step, and for each million of weights."""
_COMPILING = 40.0
"""Seconds more with a graphics card, for which programs are made."""
_LATER = 5.0
"""What learning from a picture takes against a look at it, where only the later part of a network does."""
_CARD = 0.1
"""What learning from a picture takes with a graphics card, against two cores."""
_HOPE = 0.5
"""On a busy computer, learning from a picture is not as much slower than a look at it; what its steps take is measured before
they count, so that little is lost by trying."""
_SOLVING = 2.5e-7
"""Seconds for each picture, feature and class, to learn a head and cross-validate it."""
_MEGABYTE = 0.5
"""Seconds for each megabyte that is fetched."""
_LITTLE = 4.0
"""Seconds: what is over sooner tells little of the speed of a computer."""
_LOOKING, _CONVERSION, _SOLUTION, _TUNING, _FETCHING = "looking", "conversion", "solution", "tuning", "fetching"


class Budget:
    """The seconds of a search, by `clock`, from now on; so many pictures learn. `card`: whether a graphics card trains;
    `saving`: seconds that are kept back for the test and the file; `pixels`: the side of the squares that networks look at."""

    def __init__(self, config: TrainConfig, learning: int, clock: Callable[[], float]) -> None:
        self.clock, self.learning, self.card, self.saving = clock, learning, False, _SAVING
        self._looks_to_keep = copies(config)
        self._patched = bool(config.augment.cutmix)  # for which a network learns as a whole
        self._ends = clock() + 60 * config.minutes
        self.pixels = config.input_pixels
        self._config = config.model_copy(update={"minutes": 0, "augment": AugmentConfig(), "second_backbone": ""})
        self._slower: dict[str, float] = {}  # than it was thought to be, by the kind of work
        # By network and size: pictures that were looked at, and seconds.
        self._looks: dict[tuple[str, int], tuple[int, float]] = {}

    @property
    def left(self) -> float:
        """Seconds until what is kept must be tested and saved."""
        return self._ends - self.clock() - self.saving

    def saving_of(self, parameters: int) -> float:
        """To test and save a network of so many weights that was fine-tuned."""
        return max(_SAVING_TUNED, 15 + 2 * self._convert(parameters) * self._pace(_CONVERSION))

    def look(self, name: str, pictures: int) -> float:
        """To look at so many pictures."""
        seen, took = self._looks.get((name, self.pixels), (0, 0.0))
        if took >= _LITTLE:
            return pictures * took / seen
        return self._look(name, pictures) * self._pace(_LOOKING)

    def looked(self, name: str, pictures: int, took: float) -> None:
        """So many pictures were looked at."""
        self._took(_LOOKING, self._look(name, pictures), took)
        seen, before = self._looks.get((name, self.pixels), (0, 0.0))
        self._looks[name, self.pixels] = seen + pictures, before + took

    def convert(self, name: str) -> float:
        """To make of a network what looks at pictures."""
        return self._convert(get_backbone(name).parameters) * self._pace(_CONVERSION)

    def converted(self, name: str, took: float) -> None:
        """That was done."""
        self._took(_CONVERSION, self._convert(get_backbone(name).parameters), took)

    def solve(self, pictures: int, features: int, classes: int) -> float:
        """To learn a head, and cross-validate it."""
        return _SOLVING * pictures * features * classes * self._pace(_SOLUTION)

    def solved(self, pictures: int, features: int, classes: int, took: float) -> None:
        """That was done."""
        self._took(_SOLUTION, _SOLVING * pictures * features * classes, took)

    def tune(self, name: str, rounds: int, *, hopeful: bool = False) -> float:
        """To fine-tune a network for so many epochs: where nothing was fine-tuned yet, about the most that it can take, or the
        least (`hopeful`)."""
        return self._tune(name, rounds, hopeful) * self._slower.get(_TUNING, 1.0)

    def tuned(self, name: str, rounds: int, took: float) -> None:
        """That was done."""
        self._took(_TUNING, self._tune(name, rounds), took)

    def fetch(self, name: str) -> float:
        """To fetch the weights of a network."""
        return _MEGABYTE * get_backbone(name).megabytes * self._slower.get(_FETCHING, 1.0)

    def fetched(self, name: str, took: float) -> None:
        """That was done."""
        self._took(_FETCHING, _MEGABYTE * get_backbone(name).megabytes, took)

    def _pace(self, work: str) -> float:
        """What has not been done yet is as much slower than it was thought to be as looking was."""
        return self._slower.get(work, max(1.0, self._slower.get(_LOOKING, 1.0)))

    def _took(self, work: str, expected: float, took: float) -> None:
        self._slower[work] = (took + _LITTLE) / (expected + _LITTLE)

    def _look(self, name: str, pictures: int) -> float:
        update = {"backbone": name, "pixels": self.pixels, "mirrored": False, "fine_tune": "off"}
        config = self._config.model_copy(update=update)
        return seconds(config, pictures) - seconds(config, 0)  # it has started already

    def _convert(self, parameters: int) -> float:
        return _CONVERTING + _CONVERTING_EACH * parameters / 1e6

    def _tune(self, name: str, rounds: int, hopeful: bool = False) -> float:
        start = _BUILDING + _BUILDING_EACH * get_backbone(name).parameters / 1e6 + _COMPILING * self.card
        in_parts = get_backbone(name).source != HUB and not self._patched
        each = (_LATER if in_parts else TRAINING) * self.look(name, 1) * (_CARD if self.card else 1.0)
        quicker = _HOPE if hopeful and _TUNING not in self._slower else 1.0
        looks = self.look(name, self._looks_to_keep * self.learning) if in_parts else 0.0
        return start * max(1.0, self._slower.get(_LOOKING, 1.0)) + looks + rounds * self.learning * each * quicker
