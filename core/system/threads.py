"""Work on many items in threads, which go on while the results are stored or shown."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 64


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None, ahead: int = _AHEAD
) -> Iterator[Result]:
    """What `work` makes of each item, in the order of the items; by default in a thread for each core.

    At most `ahead` items are begun or finished beyond the one that is being taken, so that memory stays bounded, and little
    is done in vain when whoever takes the results stops. What `work` raises is raised here in its turn.
    """
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for unwanted in begun:
                unwanted.cancel()


def serial_linear_algebra() -> AbstractContextManager[object]:
    """While it lasts, each product of arrays is computed by one thread. Several would wait for each other at every step, which
    takes ten times as long where something else computes, too; what is large is better cut into pieces, a thread for each."""
    return threadpool_limits(1)


def chunks(results: Iterable[Result], size: int) -> Iterator[list[Result]]:
    """Lists of `size` in turn, the last one shorter."""
    chunk: list[Result] = []
    for result in results:
        chunk.append(result)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
