"""How many pictures a second a served model answers, against the same model asked in one process, and what memory it keeps.

    python -m tests.benchmarks.serve FOLDER [--pictures 600]

Trains `quick` on a copy of FOLDER, starts `python -m core serve` on the run, and sends it so many pictures, one after the
other. Prints answers a second of both, their ratio, how often the service said "too many at once" (it takes `RATE` a
second), and the megabytes of the service after a tenth of the pictures and at the end. Nothing is asserted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from itertools import cycle, islice
from pathlib import Path

import click
import psutil

from core import Classifier, Project, TrainConfig, train
from core.datasets.edit_journal import HIDDEN


def asked(address: str, picture: bytes) -> bool:
    """Whether it answered; False where it is to be asked again later."""
    try:
        with urllib.request.urlopen(f"{address}/predict", picture, timeout=60) as answer:
            return "label" in json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 429:
                raise
        return False


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--pictures", default=600)
def main(folder: Path, pictures: int) -> None:
    """Prints the numbers as JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        run = train(Project.open(copy), TrainConfig())
        plan = run.records.plan()
        contents = [plan.file(picture).read_bytes() for picture in plan.part("test")]
        model = Classifier.load(run.folder)
        model.predict(contents[:1], ["warm"])
        began = time.perf_counter()
        for content in contents:
            model.predict([content], ["picture"])
        here = len(contents) / (time.perf_counter() - began)

        command = [sys.executable, "-m", "core", "serve", str(run.folder), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                address = process.stdout.readline().split()[2]
                service, early, refused = psutil.Process(process.pid), 0, 0
                began = time.perf_counter()
                for number, content in enumerate(islice(cycle(contents), pictures)):
                    while not asked(address, content):
                        refused += 1
                        time.sleep(0.1)
                    if number == pictures // 10:
                        early = service.memory_info().rss
                served = pictures / (time.perf_counter() - began)
                late = service.memory_info().rss
            finally:
                process.terminate()
    print(json.dumps({
        "pictures": pictures, "answers a second": served, "in one process": here, "ratio": served / here,
        "too many at once": refused, "MB early": early / 1e6, "MB at the end": late / 1e6,
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
