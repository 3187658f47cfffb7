"""Tasks done by threads of the tests' own process, which has loaded TensorFlow and scikit-learn already.

What a worker does is the same; how one is started, stopped, killed and told apart has tests of its own, with real processes.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import InspectLoader
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

from core.system.tasks import handle, processes


class _Thread(threading.Thread):
    """Stands in for the process of a worker."""

    pid = os.getpid()

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        super().__init__(daemon=True)
        self._module, self._arguments, self._log = module, arguments, log

    def run(self) -> None:
        with FileLock(self._log.parent / ".lock"):
            pass  # whoever starts a worker writes its first state before it lets go of this
        spec = find_spec(self._module)
        assert spec is not None
        assert isinstance(spec.loader, InspectLoader)
        code = spec.loader.get_code(self._module)
        assert code is not None
        sys.argv[:] = [self._module, *self._arguments]
        with suppress(SystemExit), warnings.catch_warnings(action="ignore"):  # of others' packages, as in a worker
            exec(code, {"__name__": "__main__", "__file__": spec.origin})


def _leave(status: int) -> NoReturn:
    raise SystemExit(status)


def _spawn(module: str, arguments: Sequence[str], log: Path) -> _Thread:
    thread = _Thread(module, arguments, log)
    thread.start()
    return thread


@contextmanager
def one_process() -> Iterator[None]:
    """No task that is started meanwhile has a process of its own."""
    argv = list(sys.argv)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handle, "spawn", _spawn)
        patch.setattr(processes, "leave", _leave)
        yield
    sys.argv[:] = argv
