"""Several tabs that label at once: `python -m tests.benchmarks.sessions [TABS] [SECONDS] [--training] [--json FILE]`.

Each tab is a WebSocket session of the real server on a copy of the sample, and puts one of its own pictures into a class by
chance, then waits 0.5 to 1.5 s. Printed is the time from the click to the file lying in its class, and what was refused or
lost. `--training`: fine-tuning of a whole network goes on meanwhile.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import click
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect  # comes with Streamlit
from websockets.typing import Origin, Subprotocol

from core import Project, TrainConfig
from core.datasets.opened import open_project
from core.runs import lifecycle
from tests.benchmarks import measured
from tests.serving import ROOT, Server, serving

_PATIENCE = 15.0


class Tab:
    """One session: opens the pictures' page and sends what its grid would."""

    def __init__(self, server: Server, project: Project, number: int, stack: ExitStack) -> None:
        own = f"127.0.0.1:{server.port}"
        address, names = f"ws://{own}/_stcore/stream", [Subprotocol("streamlit"), Subprotocol("x")]
        self._socket = stack.enter_context(
            connect(address, origin=Origin(f"http://{own}"), subprotocols=names, max_size=None)
        )
        self._mount, self._n, self._grid, self._page = f"tab {number}", 0, "", ""
        self._query = f"project={quote(str(project.root))}"
        message = BackMsg()
        message.rerun_script.query_string, message.rerun_script.page_name = self._query, "Pictures"
        self._send(message)
        self.read()

    def put(self, path: str, to: str) -> None:
        """Sends a label, as a key or a click does."""
        self._n += 1
        message = BackMsg()
        message.rerun_script.query_string, message.rerun_script.page_script_hash = self._query, self._page
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self._grid
        op = {"n": self._n, "kind": "move", "paths": [f"x:{path}"], "to": to}
        state.json_value = json.dumps({"outbox": {"mount": self._mount, "ops": [op]}})
        self._send(message)

    def read(self) -> None:
        """Takes all that the page sends until it is drawn."""
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._socket.recv(timeout=60))
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._page = message.navigation.page_script_hash
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "bidi_component":
                part = message.delta.new_element.bidi_component
                self._grid = part.id if "grid" in part.component_name else self._grid
            if kind == "script_finished":
                return

    def _send(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())


def label(tab: Tab, root: Path, mine: list[str], until: float, seed: int, told: list[float | None]) -> None:
    """Labels until a time; appends the seconds of each label, or None for one that was not saved."""
    chance, classes = random.Random(seed), sorted({path.partition("/")[0] for path in mine})
    where = {path: path for path in mine}
    while time.time() < until:
        path, to = chance.choice(mine), chance.choice(classes)
        name, began = Path(path).name, time.perf_counter()
        tab.put(where[path], to)
        while not (root / to / name).is_file() and time.perf_counter() - began < _PATIENCE:
            time.sleep(0.01)
        spent = time.perf_counter() - began
        told.append(spent if spent < _PATIENCE else None)
        where[path] = f"{to}/{name}"
        tab.read()
        time.sleep(chance.uniform(0.5, 1.5))


@click.command()
@click.argument("tabs", type=int, default=10)
@click.argument("seconds", type=float, default=60)
@click.option("--training", is_flag=True, help="Fine-tuning of a whole network goes on meanwhile.")
@measured.to_json
def main(tabs: int, seconds: float, training: bool, file: Path | None) -> None:
    """Runs it and prints what came of it."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FIELDGUIDE_HOME"] = f"{scratch}/home"
        root = Path(scratch, "leaves")
        shutil.copytree(ROOT / "sample_data" / "leaves", root)
        for leaf in sorted(root.glob("*/*.jpg")):
            leaf.rename(leaf.with_name(f"{leaf.parent.name}-{leaf.name}"))  # so that names meet in no class
        project = open_project(root)
        files = [picture.path for picture in project.scan().pictures]
        told: list[float | None] = []
        command = [sys.executable, "-m", "streamlit", "run", "app.py"]
        with serving(command, cwd=ROOT) as server, ExitStack() as stack:
            opened = [Tab(server, project, number, stack) for number in range(tabs)]
            run = lifecycle.start(project, TrainConfig(fine_tune="all", fine_tune_epochs=30)) if training else None
            until = time.time() + seconds
            threads = [
                threading.Thread(target=label, args=(tab, root, files[number::tabs], until, number, told))
                for number, tab in enumerate(opened)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if run:
                print(f"the training is {run.records.state().state}")
                run.stop()
        saved = sorted(one for one in told if one is not None)
        there = len(project.scan().pictures)
        median, most = saved[len(saved) // 2], saved[int(len(saved) * 0.95)]
        print(
            f"{len(saved)} labels by {tabs} tabs, {len(told) - len(saved)} not saved, {len(files) - there} pictures lost; "
            f"click to saved: median {median:.2f} s, 95 % within {most:.2f} s"
        )
        values = {
            "tabs": tabs, "seconds": seconds, "training": training, "labels": len(saved),
            "refused": len(told) - len(saved), "lost": len(files) - there, "median": median, "95 %": most,
        }  # fmt: skip
        measured.write(file, "sessions", [values])


if __name__ == "__main__":
    main()
