"""A worker that has loaded what it needs before there is work: `python -m core.system.tasks.standby MODULE`.

It waits for one line on its standard input, JSON of {"arguments": [...], "log": path}, then is `python -m MODULE ARGUMENT ...`;
it ends when whoever started it has gone, or when no work comes for ten minutes.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import threading

from core.system.tasks.processes import leave

PATIENCE = 600.0
"""Seconds that it waits."""


def main(module: str) -> None:
    """Loads the module, waits, and becomes it."""
    importlib.import_module(module)
    del sys.modules[module]  # it is run as __main__; what it has loaded stays
    impatience = threading.Timer(PATIENCE, leave, [0])  # Windows cannot wait for a pipe for so long and no longer
    impatience.daemon = True
    impatience.start()
    line = sys.stdin.buffer.readline()
    impatience.cancel()
    if not line:
        leave(0)
    order = json.loads(line)
    out = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, out), (2, out)):
        os.dup2(file, number)
    sys.argv = [module, *order["arguments"]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
