"""The command line: `python -m core COMMAND`, or `fieldguide COMMAND`; `fieldguide` alone opens the app."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict
from glob import glob
from pathlib import Path
from typing import Any, TextIO

import click

from core.cli import explain, export, features, framing, import_pictures, runs, serve, split, studies
from core.cli.launch import open_app
from core.cli.shared import as_json, bar, phase_watcher, say_json, settings, with_settings
from core.config import recipes
from core.datasets import importing, validation
from core.datasets.catalogue import Catalogue
from core.datasets.opened import open_project
from core.datasets.project import Project
from core.datasets.scanner import ignored
from core.datasets.splits import make_split
from core.imaging import decode
from core.inference.decision import NOT_SURE
from core.inference.sandbox import load_model
from core.quality import analysis, findings
from core.runs.lifecycle import Run, RunSnapshot, wait
from core.runs.lifecycle import train as train_run
from core.system import disk, storage
from core.system.csv_safety import as_csv, safe_cell
from core.system.errors import ConfigError, FieldguideError, PictureError, in_words
from core.system.naming import count, percent
from core.system.statistics import told


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fieldguide")
@click.pass_context
def cli(context: click.Context) -> None:
    """Fieldguide teaches a computer to recognise pictures. Without a command it opens the app in the browser."""
    if context.invoked_subcommand is None:
        open_app()


@cli.command()
@click.argument("folder")
@click.option("--quick", is_flag=True, help="Leave out the search for wrong labels, which takes a model and a minute.")
@as_json
def check(folder: str, quick: bool, json_: bool) -> None:
    """Count the pictures in FOLDER and list what is worth a look: problems, duplicates, likely wrong labels."""
    project = open_project(folder)
    catalogue = project.scan(bar("looking at pictures"))
    problems = validation.find_problems(catalogue, project.framing())
    reason = validation.why_not_trainable(catalogue)
    looked = None if quick or reason else analysis.look(project, catalogue, phase_watcher())
    found = findings.find(project, catalogue, looked)
    for name, number in catalogue.counts.items():
        click.echo(f"{number:7}  {name}{', set aside' if name in catalogue.aside else ''}")
    if catalogue.unlabelled:
        click.echo(f"{len(catalogue.unlabelled):7}  without a class")
    for past in (imports := importing.past_imports(project.home)):
        click.echo(
            " ".join([f"import: {count(past.taken, 'picture')} from {past.source}.", past.sentence, *past.notes])
        )
    for problem in problems:
        click.echo(f"{problem.kind}: {problem.sentence}")
    for finding in found:
        click.echo(f"{finding.kind}: {finding.title}: {', '.join(p.path for p in finding.pictures)}")
    for line in findings.advice(catalogue):
        if line.sentence:
            click.echo(f"{line.class_name}: {line.sentence}")
    remarks = () if reason else make_split(catalogue, project.division().config).remarks
    for remark in remarks:
        click.echo(f"split: {remark}")
    click.echo(reason or "Ready to train.")
    say_json(
        json_,
        {
            "folder": str(project.root),
            "pictures": len(catalogue.pictures),
            "classes": catalogue.counts,
            "set_aside": sorted(catalogue.aside),
            "unlabelled": len(catalogue.unlabelled),
            "rejected": [{"file": r.path, "reason": r.reason} for r in catalogue.rejected],
            "problems": [{"kind": p.kind, "sentence": p.sentence, "files": list(p.paths)} for p in problems],
            "findings": [{"kind": f.kind, "sentence": f.title, "files": [p.path for p in f.pictures]} for f in found],
            "duplicates": [[p.path for p in f.pictures] for f in found if f.kind in ("conflict", "copy", "near")],
            "suspects": _suspects(project, catalogue, looked),
            "imports": [asdict(past) for past in imports],
            "advice": {line.class_name: line.sentence for line in findings.advice(catalogue) if line.sentence},
            "split": list(remarks),
            "trainable": not reason,
            "reason": reason,
        },
    )


def _suspects(project: Project, catalogue: Catalogue, looked: analysis.Analysis | None) -> list[dict[str, Any]]:
    """The tenth of the labels that is to be doubted most, the most doubtful first."""
    every = findings.suspects(project, catalogue, looked) if looked else []
    return [
        {
            "file": picture.path,
            "class": picture.class_name,
            "suggested": suggested,
            "quality": quality,
            "likely": likely,
        }
        for number, (picture, suggested, quality, likely) in enumerate(every)
        if likely or number < len(every) / 10
    ]


@cli.command()
@click.argument("folder")
@with_settings
@click.option("--out", help="A new folder for the run; by default one in FOLDER/.fieldguide.")
@as_json
def train(folder: str, out: str | None, json_: bool, **chosen: Any) -> None:
    """Train on the class folders in FOLDER and say how good the model is."""
    config = settings(**chosen)
    project = open_project(folder)
    project.scan(bar("looking at pictures"))
    analysis.task(project).stop()
    watcher = _TrainingWatcher()
    try:
        run = train_run(project, config, Path(out).expanduser() if out else None, watcher)
    except KeyboardInterrupt:
        if watcher.run and wait(watcher.run).result:
            click.echo(f"The best model so far is kept. Run: {watcher.run.folder}")
        raise
    snapshot = run.snapshot()
    if snapshot.result:
        test = snapshot.result.test
        click.echo(f"{test.right} of {test.total} test pictures right ({told(test.right, test.total)}).")
        click.echo(snapshot.result.diagnosis)
        for remark in snapshot.plan.remarks:
            click.echo(remark)
    else:
        click.echo(snapshot.state.message)
    click.echo(f"Run: {run.folder}")
    say_json(json_, snapshot.as_dict())


@cli.command()
@click.argument("model")
@click.argument("pictures", nargs=-1, required=True)
@click.option("--csv", "table", metavar="FILE", help="Also write a table: file, label, sure, and each class.")
@as_json
def predict(model: str, pictures: tuple[str, ...], table: str | None, json_: bool) -> None:
    """Say what is on PICTURES, files or folders, with MODEL: a run folder, an exported zip, one from Teachable Machine, or
    a .tflite with fieldguide.json beside it.

    A file that is no picture is an error; in a folder it is named and left out. Hidden files and folders are passed over.
    """
    paths = [path for name in pictures for path in _meant(name)]
    for path in paths:
        try:
            if not path.is_dir():
                decode.open_picture(path, at_least=32)
        except PictureError as error:
            raise PictureError(f"{path}: {error.message}.", "Leave it out, or choose another picture.") from None
    classifier, answers = load_model(model), []
    for file in _files(paths):
        try:
            [answer] = classifier.predict([file]).as_dicts()
        except PictureError as error:
            click.echo(f"{file} - {error.message}", err=True)
            continue
        doubt = "" if answer["sure"] else f"{NOT_SURE}, perhaps "
        click.echo(f"{answer['file']}: {doubt}{answer['label']} ({percent(answer['probability'])})")
        answers.append(answer)
    if table:
        names = ["file", "label", "sure", "probability"]
        rows = [[*(row[name] for name in names), *row["probabilities"].values()] for row in answers]
        text = as_csv([*names, *map(safe_cell, classifier.classes)], rows)
        storage.write_bytes(Path(table).expanduser().absolute(), text.encode("utf-8-sig"))
    if json_:
        # A list was asked for; the one JSON value on the last line is that list.
        click.echo(json.dumps(answers, ensure_ascii=False))


def _meant(name: str) -> list[Path]:
    """The file or folder of this name, or those that a pattern such as *.jpg finds, as not every shell does it. Raises
    PictureError if there is none."""
    path = Path(name).expanduser()
    found = [path] if path.exists() else [Path(each) for each in sorted(glob(str(path), recursive=True))]  # noqa: PTH207 - it may begin anywhere
    if not found:
        raise PictureError(f"There is no file or folder {name}.", "Check the spelling.")
    return found


def _files(given: list[Path]) -> Iterator[Path]:
    """What is meant: files, and those in folders, in the order of their names, but for hidden ones and what lies in hidden
    folders, as a project's own."""
    for path in given:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if not any(map(ignored, file.relative_to(path).parts)))
            yield from sorted(file for file in inside if file.is_file())
        else:
            yield path


@cli.command("recipes")
@as_json
def list_recipes(json_: bool) -> None:
    """List the recipes and their settings."""
    for recipe in recipes.all_recipes().values():
        click.echo(f"{recipe.name}: {recipe.sentence}")
    say_json(
        json_,
        {
            "recipes": [
                {"name": r.name, "title": r.title, "sentence": r.sentence, "config": r.config.model_dump()}
                for r in recipes.all_recipes().values()
            ]
        },
    )


class _TrainingWatcher:
    """Prints each new phase, and each new epoch, once; `run` is the training, once it has begun."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._phase, self._epochs = "", 0

    def __call__(self, snapshot: RunSnapshot) -> None:
        self.run = snapshot.run
        if snapshot.state.phase != self._phase:
            self._phase = snapshot.state.phase
            if self._phase:
                click.echo(self._phase, err=True)
        for epoch in snapshot.history[self._epochs :]:
            click.echo(
                f"epoch {epoch['epoch']}: accuracy {epoch['accuracy']:.3f}, validation {epoch['val_accuracy']:.3f}, "
                f"loss {epoch['loss']:.3f}, validation {epoch['val_loss']:.3f}",
                err=True,
            )
        self._epochs = len(snapshot.history)


import_pictures.add_to(cli)
split.add_to(cli)
features.add_to(cli)
framing.add_to(cli)
studies.add_to(cli)
runs.add_to(cli)
export.add_to(cli)
explain.add_to(cli)
serve.add_to(cli)


class _Harmless(io.TextIOWrapper):
    """A stream to a terminal: names of files and classes may come from anyone, and must not command it."""

    def write(self, text: str, /) -> int:
        """Control characters are shown by their numbers, as JSON does."""
        return super().write(text.translate(_CONTROLS))

    def fileno(self) -> int:
        """Not told on Windows: click would write to its console past this."""
        if disk.WINDOWS:
            raise io.UnsupportedOperation("fileno")
        return super().fileno()


_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\r\t"}


def _harmless(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    buffered = stream.line_buffering
    # A class may have a name in any script.
    return _Harmless(stream.detach(), encoding="utf-8", errors="backslashreplace", line_buffering=buffered)


def main() -> None:
    """Runs the command line; an error a person can cause is one line on standard error, and exit status 2."""
    sys.stdout, sys.stderr = map(_harmless, (sys.stdout, sys.stderr))
    try:
        cli(standalone_mode=False)
    except ConfigError as error:
        _end(f"{error} Run `python -m core recipes --json` to see all settings.")
    except FieldguideError as error:
        _end(str(error))
    except click.exceptions.Abort:
        _end("Stopped.")
    except (OSError, sqlite3.Error, MemoryError) as error:
        _end(str(in_words(error)))
    except RecursionError:
        _end("These settings are nested too deeply. A setting is a number, a word, or one group of them.")
    except click.ClickException as error:
        _end(f"{error.format_message()} Run `python -m core --help` to see what there is.")


def _end(message: str) -> None:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
