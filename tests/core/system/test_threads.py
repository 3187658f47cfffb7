"""Work in threads, in order, a few items ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np  # noqa: F401 - brings the library that is limited
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from core.system.threads import chunks, in_threads, serial_linear_algebra


def test_results_come_in_the_order_of_the_items() -> None:
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first_may_end.wait(30)
        elif number == 5:
            first_may_end.set()  # which is begun although the first has not ended
        return number * number

    assert list(in_threads(work, range(40), threads=2)) == [number * number for number in range(40)]


def test_only_a_few_are_begun_ahead() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    results = in_threads(lambda number: number, items(), threads=2, ahead=8)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(asked) <= 3 + 8
    results.close()  # type: ignore[attr-defined]
    assert len(asked) <= 3 + 8


def test_what_goes_wrong_is_heard_in_its_turn() -> None:
    def work(number: int) -> int:
        return 10 // (number - 3)

    results = in_threads(work, range(6), threads=2)
    assert [next(results) for _ in range(3)] == [-4, -5, -10]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_chunks() -> None:
    assert list(chunks(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunks([], 3)) == []


def test_a_product_has_one_thread_while_several_would_wait_for_each_other() -> None:
    def most() -> int:
        return max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")

    with threadpool_limits(2):
        with serial_linear_algebra():
            assert most() == 1
        assert most() == 2
