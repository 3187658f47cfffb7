"""What a recipe costs over the bare work: decode every picture once, and invoke the backbone once for each.

    python -m tests.benchmarks.bare FOLDER [--recipe quick] [--threads N]

The backbone of `instant` computes in integers for the pictures that are learned from, and in floats for those held out.

Both are measured in one run, one after the other, on the same threads, in a data home that is empty but for the
converted backbone. Prints seconds and their ratio: from the click on Train, when the project was looked through
already, and with that first look (each file read, decoded and compared with the others). Nothing is asserted.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import click

from core import Project, get_recipe, train
from core.config.augmentation import AugmentConfig
from core.config.framing import Framing
from core.datasets.edit_journal import HIDDEN
from core.imaging.decode import SUFFIXES, read_square
from core.models.feature_extractor import prepare, specs_of
from core.training.features import FeatureExtractor, PictureView


def bare(paths: list[Path], models: dict[Path, float], pixels: int, threads: int) -> dict[str, float]:
    """Seconds to decode all pictures, and to invoke on each one of the backbones, which look at such shares of them; two
    interpreters of one thread each, say."""
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(lambda path: read_square(path, pixels, Framing()), paths))
        decode = time.perf_counter() - began
    both, at = 0.0, 0
    for model, share in models.items():
        some = paths[at : at + round(share * len(paths))]
        at += len(some)
        extractor = FeatureExtractor(model, pixels, threads)
        list(extractor.compute([PictureView("warm", path, Framing()) for path in some[:8]], AugmentConfig(), 0))
        began = time.perf_counter()
        list(extractor.compute([PictureView("bare", path, Framing()) for path in some], AugmentConfig(), 0))
        both += time.perf_counter() - began
    return {"decode": decode, "invoke": both - decode, "both": both}


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--recipe", default="quick")
@click.option("--threads", default=os.cpu_count() or 1)
def main(folder: Path, recipe: str, threads: int) -> None:
    """Prints bare seconds, ours, and the ratio of the two."""
    config = get_recipe(recipe).config
    (spec,) = specs_of(config)
    looking, exactly = prepare(spec), prepare(replace(spec, integer=False))
    assert looking
    assert exactly
    models = {looking: config.split.training, exactly: 1.0 - config.split.training} if spec.integer else {exactly: 1.0}
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        paths = sorted(path for path in copy.rglob("*") if path.suffix.lower() in SUFFIXES)
        least = bare(paths, models, config.input_pixels, threads)
        project, began = Project.open(copy), time.perf_counter()
        project.scan()
        scanned = time.perf_counter() - began
        result = train(project, config).snapshot().as_dict()
        ours = sum(result["seconds"][name] for name in ("decode", "features", "fit"))
        print(json.dumps({
            "pictures": len(paths), "bare": least, "ours": result["seconds"], "decode+features+fit": ours,
            "ratio": ours / least["both"],
            "scan": scanned, "ratio with the scan": (ours + scanned) / least["both"],
            "test accuracy": result["test"]["accuracy"],
        }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
