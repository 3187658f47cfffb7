"""Processes that are there to be killed: forked from one that has loaded what they need, which takes longer than they live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.serving import ROOT


def serve(work: Callable[[str], object]) -> None:
    """For each line on standard input a process that tells its number and does this with it; says when it has gone."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                print("born", os.getpid(), flush=True)
                work(line.strip())
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        print("gone", flush=True)


@dataclass(frozen=True)
class Nursery:
    program: subprocess.Popen[str]

    def killed(self, order: str, after: float, lines: int = 0) -> list[str]:
        """What a process has printed that was killed (-9) so many seconds after it had printed so many lines."""
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.write(f"{order}\n")
        self.program.stdin.flush()
        _, number = self.program.stdout.readline().split()
        heard = [self.program.stdout.readline() for _ in range(lines)]
        time.sleep(after)  # nothing depends on how long it is
        os.kill(int(number), signal.SIGKILL)
        while (line := self.program.stdout.readline()) != "gone\n":
            assert line, "the nursery has ended itself"
            heard.append(line)
        return heard


@contextmanager
def nursery(*arguments: str) -> Iterator[Nursery]:
    """Of `python ARGUMENTS`, which ends in `serve`."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    ) as program:
        yield Nursery(program)
