"""What a search tells: what it tried, what each gained, what it left out and why, and why it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.runs.result import Attempt
from core.system.errors import FieldguideError, in_words
from core.system.naming import duration
from core.system.tasks.job import Stopped
from core.training.budget import Budget
from core.training.candidates import Candidate
from core.training.job import Job

OF_ALL = 0.85
"""Of the time that is left, for one attempt at most: the last of it may take longer than what came before."""


class OutOfTime(Exception):  # noqa: N818 - an answer, which the caller knows how to go on from
    """What was begun has outlasted the time."""


class SearchLog:
    """The attempts so far, and a sentence for each that was not made, or not to its end."""

    def __init__(self, job: Job, budget: Budget) -> None:
        self._job, self._budget = job, budget
        self.attempts: list[Attempt] = []
        self.left_out: dict[str, str] = {}  # the sentence, by what was left out
        self.too_long: list[str] = []  # what the time was too short for
        self.stopped = self.perfect = False

    @property
    def why(self) -> str:
        """Why it ended."""
        if self.stopped:
            return "Someone stopped it."
        if self.perfect:
            return (
                "Every picture to learn from and to check with is named right by a head that did not see it: nothing could "
                "tell what is better."
            )
        if self.too_long:
            return f"The time was too short for {_listed(self.too_long)}."
        return f"Everything {'else ' if self.left_out else ''}that it knows was tried."

    def fits(self, what: str, seconds: float, share: float = OF_ALL) -> bool:
        """Whether it can be tried within that share of the time that is left; if not, it is said."""
        spare = share * max(0.0, self._budget.left)
        if seconds <= spare:
            return True
        self._too_long(what)
        beside = " beside fine-tuning" if share < OF_ALL else ""
        self.left_out[what] = (
            f"Not tried: {what}. It was expected to take {duration(seconds)}, and "
            f"{duration(spare) if spare >= 1 else 'no time'} could be spared{beside}."
        )
        return False

    def _too_long(self, what: str) -> None:
        if what not in self.too_long:
            self.too_long.append(what)

    def attempt(self, what: str, work: Callable[[], None]) -> bool:
        """Does it; False where that was broken off or went wrong, which is said, and what was found before stays. Raises
        Stopped if someone asked for that."""
        try:
            work()
        except OutOfTime:
            self._too_long(what)
            self.left_out[what] = f"Not tried: {what}. Not one round of it fits into the time that was left."
        except Stopped:
            if self._job.stop_asked():
                raise
            self._too_long(what)
            self.left_out[what] = f"Broken off: {what}. It took longer than was expected."
        except (FieldguideError, OSError) as error:  # a disk that is full, and may not be for the next one
            self.left_out[what] = f"Went wrong: {what}. {in_words(error).message}"
        except Exception as error:
            if not isinstance(error, MemoryError) and "ResourceExhausted" not in type(error).__name__:
                raise
            self.left_out[what] = f"Went wrong: {what}. It needs more memory than there is."
        else:
            self.left_out.pop(what, None)
            self.too_long = [other for other in self.too_long if other != what]
            return True
        return False

    def note(
        self, candidate: Candidate, began: float, *, cross_validated: float | None = None, gained: float | None = None
    ) -> None:
        """Writes an attempt down."""
        accuracy, likelihood = candidate.score(self._job.labels("val"))
        self.attempts.append(
            Attempt(
                what=candidate.what,
                val_accuracy=accuracy,
                val_log_loss=-likelihood,
                cross_validated=cross_validated,
                gained=gained,
                seconds=round(self._budget.clock() - began, 1),
            )
        )
        self._job.records.write_tried(self.attempts)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
