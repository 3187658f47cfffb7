"""Commands that train many times: search, cross-validation, learning curve, mirror check; and joining runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from core.cli.shared import as_json, bar, phase_watcher, say_json, settings, with_settings
from core.config.training import TrainConfig
from core.datasets.opened import open_project
from core.datasets.project import Project
from core.quality import analysis
from core.runs.lifecycle import evaluate, open_run
from core.runs.result import Shape
from core.system.naming import percent
from core.system.statistics import told
from core.training import ensembles
from core.training.experiments import Kind, S, Study, cross_validation, joint, learning_curve, mirror, space, wait_for
from core.training.experiments import seeds as repeated
from core.training.experiments.found import CurveFound, FoldsFound, SearchFound, SeedsFound
from core.training.experiments.preconditions import outcome
from core.training.experiments.ranges import usual_choice


def add_to(cli: click.Group) -> None:
    """Makes these commands some of `cli`."""
    for command in (search, cross_validate, curve, mirror_check, several_seeds, ensemble):
        cli.add_command(command)


def _tell(found: Shape, sentence: str, json_: bool) -> None:
    click.echo(sentence)
    say_json(json_, found.model_dump(by_alias=True))


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which several machines take part; with --join, `_own` names those that may be given."""
    for option in (
        click.option("--join", metavar="STUDY", help="Take part in this study, which another machine began there."),
        click.option(
            "--storage",
            metavar="WHERE",
            help="Share the study with other machines: a file in a folder that all see, postgresql://USER@HOST/DATABASE, or "
            "grpc://HOST:PORT (Optuna's proxy).",
        ),
    ):
        command = option(command)
    return command


_OWN = {"folder", "storage", "join", "workers", "json_"}


def _joined(kind: Kind, folder: str, join: str, storage: str | None, **own: Any) -> Study:
    """Takes part in a study. Raises UsageError where something else is asked for as well."""
    if storage is None:
        raise click.UsageError("Say where the study is: --storage, as on the machine that began it.")
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) == ParameterSource.COMMANDLINE
        if given and parameter.name not in _OWN:
            raise click.UsageError(f"{parameter.opts[0]} was settled where the study was begun: leave it out.")
    return joint.join(_opened(folder), kind, join, storage, **own)


def _invite(study: Study) -> None:
    if invitation := joint.invitation(study):
        click.echo(f"On each further machine, with its own copy of the pictures: {invitation}", err=True)


def _found(
    folder: str,
    start: Callable[[Project, TrainConfig], Study],
    joined: Study | None,
    shape: type[S],
    chosen: dict[str, Any],
) -> S:
    """What came of the study that this machine `joined`, or else begins with the settings that were chosen."""
    if joined:
        return wait_for(joined, shape, phase_watcher())
    project, config = _opened(folder), settings(**chosen)
    study = start(project, config)
    _invite(study)
    return outcome(project, study, config, shape, phase_watcher())


def _opened(folder: str) -> Project:
    project = open_project(folder)
    project.scan(bar("looking at pictures"))
    analysis.task(project).stop()
    return project


@click.command()
@click.argument("folder")
@with_settings
@click.option("--method", default="bayesian", show_default=True, help="bayesian, random or grid.")
@click.option("--vary", multiple=True, metavar="NAME[=VALUES]",
              help="What may change, with its ends or choices if wanted: l2=1..100, batch_size=32,128. Of a network from "
              "scratch: blocks, filters (of the first block, doubled in each further one), kernel, dense.")  # fmt: skip
@click.option("--trials", default=20, show_default=True, help="How many are tried at most; 0: no limit.")
@click.option("--minutes", default=0.0, help="How long it may take; 0: no limit.")
@click.option("--workers", default=1, show_default=True, help="Processes that try at once on this machine.")
@_shared
@as_json
def search(
    folder: str,
    method: str,
    vary: tuple[str, ...],
    trials: int,
    minutes: float,
    workers: int,
    storage: str | None,
    join: str | None,
    json_: bool,
    **chosen: Any,
) -> None:
    """Find good settings for FOLDER: many trainings, each with other settings, judged on the validation part.

    \b
    --storage WHERE                several machines share the tries
    --storage WHERE --join STUDY   this one takes part, with its own copy of the same pictures
    """
    if join:
        space.require_workers(workers)
        study = _joined("search", folder, join, storage, workers=workers)
    else:
        config = settings(**chosen)
        options = space.options_for(method, vary or usual_choice(config), trials, minutes, workers, config)
        study = joint.begin(_opened(folder), "search", config, options, storage=storage)
        _invite(study)
    found = wait_for(study, SearchFound, phase_watcher())
    for trial in found.trials:
        reached = "    -" if trial.val_accuracy is None else f"{trial.val_accuracy:.3f}"
        click.echo(f"{trial.number:4} {reached} {trial.values}", err=True)
    if found.best:
        before, beside = found.before, ""
        if before and before.val_log_loss <= found.best.val_log_loss:
            beside = f"; what it began with is no worse: {percent(before.val_accuracy, 1)}"
        click.echo(f"Best: validation {percent(found.best.val_accuracy, 1)} with {found.best.values}{beside}")
    say_json(json_, found.model_dump() | {"config": space.best_config(study).model_dump()})


@click.command("cross-validate")
@click.argument("folder")
@with_settings
@click.option("--folds", default=cross_validation.FOLDS, show_default=True)
@_shared
@as_json
def cross_validate(folder: str, folds: int, storage: str | None, join: str | None, json_: bool, **chosen: Any) -> None:
    """Train and test several times on FOLDER, so that each picture is in the test once: for small sets."""
    start = partial(cross_validation.start, folds=folds, storage=storage)
    joined = _joined("cross-validation", folder, join, storage) if join else None
    found = _found(folder, start, joined, FoldsFound, chosen)
    _tell(found, cross_validation.in_words(found), json_)


@click.command("learning-curve")
@click.argument("folder")
@with_settings
@click.option("--steps", default=learning_curve.STEPS, show_default=True)
@_shared
@as_json
def curve(folder: str, steps: int, storage: str | None, join: str | None, json_: bool, **chosen: Any) -> None:
    """Say whether more pictures would help, and of which class, by training on fewer."""
    start = partial(learning_curve.start, steps=steps, storage=storage)
    joined = _joined("learning-curve", folder, join, storage) if join else None
    found = _found(folder, start, joined, CurveFound, chosen)
    for point in found.steps:
        click.echo(f"{point.pictures:6.0f} pictures: {point.accuracy:.3f}")
    _tell(found, found.sentence, json_)


@click.command("mirror-check")
@click.argument("folder")
@as_json
def mirror_check(folder: str, json_: bool) -> None:
    """Say whether the pictures of FOLDER may be mirrored, by training both ways."""
    found = mirror.mirror_check(_opened(folder), TrainConfig(), phase_watcher())
    _tell(found, found.sentence, json_)


@click.command("seeds")
@click.argument("folder")
@with_settings
@click.option("--seeds", default="0,1,2,3,4", show_default=True, help="Numbers with commas between them.")
@_shared
@as_json
def several_seeds(folder: str, seeds: str, storage: str | None, join: str | None, json_: bool, **chosen: Any) -> None:
    """Train on FOLDER with several seeds, each of which deals the pictures anew, and say how far the results lie apart."""
    if join:
        study = _joined("seeds", folder, join, storage)
    else:
        if not all(one.strip().isdecimal() for one in seeds.split(",")):
            raise click.UsageError("--seeds are numbers with commas between them: 0,1,2")
        config, numbers = settings(**chosen), [int(one) for one in seeds.split(",")]
        study = repeated.start(_opened(folder), config, numbers, storage=storage)
        _invite(study)
    found = wait_for(study, SeedsFound, phase_watcher())
    for one in found.seeds:
        click.echo(f"seed {one.seed}: {told(one.right, one.total)}  {one.run}")
    _tell(found, repeated.in_words(found), json_)


@click.command()
@click.argument("run_dirs", nargs=-1, required=True)
@click.option(
    "--stack", is_flag=True, help="Let a small head learn what to make of their answers, if that does better."
)
@as_json
def ensemble(run_dirs: tuple[str, ...], stack: bool, json_: bool) -> None:
    """Make one model of the models in RUN_DIRS, each with the weight that does best on the validation part."""
    made = ensembles.join([open_run(folder) for folder in run_dirs], method="stacking" if stack else "averaging")
    evaluation = evaluate(made)
    for member in ensembles.members_of(made.folder):
        click.echo(f"{'head' if member['weight'] is None else format(member['weight'], '.2f')}  {member['run']}")
    for remark in made.records.plan().remarks:
        click.echo(remark)
    click.echo(f"{evaluation.in_words} ({told(evaluation.right, evaluation.total)})")
    click.echo(f"Run: {made.folder}")
    say_json(json_, made.snapshot().as_dict() | {"ensemble": ensembles.members_of(made.folder)})
