"""The processes that this one has started."""

from __future__ import annotations

from contextlib import suppress

import psutil


def running(module: str) -> list[psutil.Process]:
    """Those that live and have a module's name in their command."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it ends while it is asked, or is a zombie
            if module in " ".join(process.cmdline()):
                found.append(process)
    return found


def spawned() -> list[psutil.Process]:
    """Those that multiprocessing started anew and that live, a cluster's workers among them."""
    return running("multiprocessing.spawn")
