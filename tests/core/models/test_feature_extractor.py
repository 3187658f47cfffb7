"""Conversions of backbones, by real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.system.tasks.processes import ROOT

PREPARE = """
from core.config.backbones import get_backbone
from core.models import litert_conversion
from core.models.feature_extractor import ExtractorSpec, prepare

convert = litert_conversion.to_tflite

def told(model):
    print("converted", flush=True)
    return convert(model)

litert_conversion.to_tflite = told
input("ready?")
print(prepare(ExtractorSpec(get_backbone("efficientnet-lite0"), 32, False)).name)
"""


@pytest.mark.slow
def test_of_two_processes_that_want_the_same_one_converts(tmp_path: Path) -> None:
    environment = os.environ | {"FIELDGUIDE_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", PREPARE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with (
        subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as first,
        subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as second,
    ):
        for process in (first, second):
            assert process.stdout
            assert process.stdout.read(len("ready?")) == "ready?"  # both have loaded TensorFlow
        for process in (first, second):
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        told = [process.communicate() for process in (first, second)]
    assert sorted(out.count("converted") for out, _ in told) == [0, 1], told
    assert all("efficientnet-lite0-last-32px-v1.tflite" in out for out, _ in told)
    assert [path.name for path in (tmp_path / "backbones").glob("*.tflite")] == [
        "efficientnet-lite0-last-32px-v1.tflite"
    ]
