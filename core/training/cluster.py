"""Dask as the driver of shards of features: on several processes of this machine, or on a cluster whose machines see the same
folders. Dask gives a shard whose worker is lost to another one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.config.training import TrainConfig
from core.datasets.project import Project
from core.system.errors import ConfigError, FieldguideError, ModelError
from core.training import feature_shards
from core.training.feature_shards import Shard, Work

if TYPE_CHECKING:
    from dask.distributed import Client

EACH = 4
"""Shards for each worker, so that none is long without work while the last ones are computed."""
_MOST_WORKERS = 64
_RETRIES = 3
_PATIENCE = 20.0
"""Seconds that a scheduler may take to answer."""
_LOCAL = re.compile(r"local:(\d{1,2})")


def compute(project: Project, config: TrainConfig, cluster: str, told: Callable[[int, int], None]) -> int:
    """Computes all shards on a cluster, "local:4" or the address of a Dask scheduler, such as "tcp://10.0.0.5:8786", and joins
    them. `told` is called with (shards done, of how many). Returns how many features of pictures came from shards.

    Raises ConfigError, ModelError, PictureError.
    """
    with _client(cluster) as client:
        from dask.distributed import as_completed

        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise ConfigError(f"The cluster {cluster} has no workers.", "Start some: dask worker ADDRESS")
        shards = EACH * workers
        every = feature_shards.works(project, config, [Shard(number, shards) for number in range(1, shards + 1)])
        try:
            client.run(_warm)
        except Exception as error:  # noqa: BLE001 - the workers are programs of their own
            raise ConfigError(
                f"The workers cannot load Fieldguide: {error}.", "Install it there, too, in the same version."
            ) from None
        told(0, shards)
        places = [(str(project.root), config.model_dump_json(), work) for work in every]
        futures = client.map(_shard, places, retries=_RETRIES, pure=False)
        for done, future in enumerate(as_completed(futures), 1):
            if future.status != "finished":
                raise ModelError(f"A part could not be computed: {future.exception()}.", "What was computed is kept.")
            told(done, shards)
    return feature_shards.join(project, config, lambda *_: None)


def _warm() -> None:
    """To name it loads this module, and what it needs, in a worker."""


def _shard(place: tuple[str, str, list[Work]]) -> None:
    """One shard, in a worker; Dask counts a worker as one thread."""
    folder, values, works = place
    project, config = Project.open(folder), TrainConfig.model_validate_json(values)
    try:
        for work in works:
            feature_shards.carry_out(project, config, work, lambda *_: None, threads=1)
    except FieldguideError as error:  # it travels as what any Python has
        raise RuntimeError(error.message.rstrip(".")) from None


@contextmanager
def _client(cluster: str) -> Iterator[Client]:
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        raise ConfigError(
            "Dask, which hands out the work, is not installed.", 'Run: python -m pip install "dask[distributed]"'
        ) from None
    local = _LOCAL.fullmatch(cluster)
    if local and 1 <= int(local[1]) <= _MOST_WORKERS:
        with (
            LocalCluster(
                n_workers=int(local[1]), threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
            ) as here,
            Client(here) as client,
        ):
            yield client
        return
    if not re.fullmatch(r"(tcp|tls|ws|wss)://[\w.\[\]:-]+", cluster):
        raise ConfigError(f"{cluster} is no cluster.", "For instance: local:4, or tcp://10.0.0.5:8786")
    try:
        client = Client(cluster, timeout=_PATIENCE)
    except OSError as error:
        raise ConfigError(f"The cluster {cluster} does not answer: {error}.", "Is its scheduler running?") from None
    with client:
        yield client
