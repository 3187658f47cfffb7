"""Where the tries of a study lie that several machines share: a storage of Optuna's, by its address.

    /shared/studies.journal, journal:///shared/studies.journal    a file in a folder that all of them see
    postgresql://USER@HOST/DATABASE                               a database of PostgreSQL
    grpc://HOST:13000                                             Optuna's proxy in front of a database

The password of an address is put where PostgreSQL's own library looks for it (PGPASSWORD), in the environment of this process
and of those that it starts; it gets into no record, no log and no sentence. Optuna is loaded when a storage is opened.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from core.system.errors import RunError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

_KINDS = "For instance: /shared/studies.journal, postgresql://USER@HOST/DATABASE, or grpc://HOST:13000"
_PATIENCE = 10
"""Seconds that a storage may take to answer."""
_GRPC_PORT = 13000
_NOT_LET_IN = ("authentication failed", "no password supplied", "pg_hba.conf", 'role "')
"""What PostgreSQL says then; how it names such errors does not reach its callers."""


@dataclass(frozen=True)
class Place:
    """A storage. `address`: as records keep it, without a password; `shown`: as sentences name it."""

    kind: Literal["journal", "postgresql", "grpc"]
    address: str
    shown: str


def place_of(text: str) -> Place:
    """The storage at an address; its password goes into the environment. Raises RunError for what is no address."""
    scheme = re.match(r"([a-z][a-z0-9+]*):", text, re.IGNORECASE)
    if not scheme or len(scheme[1]) == 1:  # a drive of Windows has one letter
        return _journal(text)
    kind = scheme[1].lower()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _unreadable() from None
    if parts.fragment or "@" in parts.path + parts.query:  # a password that was cut in two must not be shown
        raise _unreadable()
    if kind == "journal":
        if parts.netloc or not parts.path:
            raise RunError("This is no address of a journal file.", f"It has three strokes. {_KINDS}")
        return _journal(re.sub(r"^/(?=[A-Za-z]:)", "", unquote(parts.path)))  # a drive of Windows
    if kind == "grpc":
        if not host or parts.username or parts.password or parts.path.strip("/"):
            raise RunError("This is no address of Optuna's proxy.", "It has a host and a port: grpc://HOST:13000")
        address = f"grpc://{_bracketed(host)}:{port or _GRPC_PORT}"
        return Place("grpc", address, address)
    if kind not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise RunError(f"Studies cannot be kept in a storage of the kind {kind}.", _KINDS)
    if not text[scheme.end() :].startswith("//"):
        raise _unreadable()
    query = parse_qsl(parts.query)
    password = unquote(parts.password or "") or dict(query).get("password")
    if password:
        os.environ["PGPASSWORD"] = password
    user = f"{quote(unquote(parts.username))}@" if parts.username else ""
    shown = f"postgresql://{user}{_bracketed(host)}{f':{port}' if port else ''}{parts.path}"
    kept = urlencode([(name, value) for name, value in query if "password" not in name])
    return Place("postgresql", f"{shown}?{kept}" if kept else shown, shown)


def open_storage(place: Place) -> BaseStorage:
    """Opens it, and makes what it needs. Raises RunError with what is wrong and what to do: it cannot be reached, lets nobody
    in, lacks its driver, is of another version, or is something else."""
    with answering(place):
        import optuna
        from optuna.exceptions import ExperimentalWarning
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        class Lock(JournalFileOpenLock):
            """Of those who wait for a dead one's lock, one may take away that which another has just got."""

            def release(self) -> None:
                with suppress(RuntimeError):
                    super().release()

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        if place.kind == "journal":
            file = place.address
            try:
                # Not by a symbolic link, as is usual there: Windows and many shared folders have none.
                return optuna.storages.JournalStorage(JournalFileBackend(file, Lock(file)))
            except (ValueError, KeyError, TypeError, AssertionError):
                raise RunError(f"{file} is no journal of studies, or is damaged.", "Name another file.") from None
        if place.kind == "grpc":
            parts = urlsplit(place.address)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                proxy = optuna.storages.GrpcStorageProxy(host=_bracketed(parts.hostname or ""), port=parts.port or 0)
            proxy.wait_server_ready(_PATIENCE)
            return proxy
        # It is filled in as a template: a brace in it must stay one.
        address = place.address.replace("postgresql:", "postgresql+psycopg:", 1).replace("{", "{{").replace("}", "}}")
        return optuna.storages.RDBStorage(
            address, engine_kwargs={"pool_pre_ping": True, "connect_args": {"connect_timeout": _PATIENCE}}
        )


@contextmanager
def opened(place: Place) -> Iterator[BaseStorage]:
    """The storage, as `open_storage` gives it, for a while; then it is closed. Raises RunError, also if it answers no more."""
    storage = open_storage(place)
    try:
        with answering(place):
            yield storage
    finally:
        if place.kind == "grpc":
            storage.close()  # type: ignore[attr-defined]
        elif place.kind == "postgresql":
            storage.remove_session()
            storage.engine.dispose()  # type: ignore[attr-defined]


@contextmanager
def answering(place: Place) -> Iterator[None]:
    """Around what asks a storage: raises RunError where it does not answer, in a sentence that names no password."""
    try:
        yield
    except Exception as error:
        words = _in_words(error, place)
        if words is None:
            raise
        raise words from None


def _in_words(error: Exception, place: Place) -> RunError | None:
    """What a storage's error means; None where it is another one."""
    source = type(error).__module__
    if type(error).__name__ == "StorageInternalError":
        return (isinstance(error.__cause__, Exception) and _in_words(error.__cause__, place)) or _unreachable(place)
    if isinstance(error, ImportError):
        if place.kind == "postgresql":
            return RunError(
                "The driver of PostgreSQL (psycopg) is not installed.",
                'Run: python -m pip install "psycopg[binary]"',
            )
        return RunError(
            "What Optuna's proxy is asked by is not installed.", "Run: python -m pip install grpcio protobuf"
        )
    if source.startswith(("sqlalchemy", "psycopg")):
        return _of_database(str(getattr(error, "orig", None) or error), place)
    if source.startswith("grpc") and "RESOURCE_EXHAUSTED" in str(error):
        return RunError(
            f"What was found is larger than what {place.shown} takes at once, 4 MB.",
            "Share the study in the database behind it, or in a journal file.",
        )
    if source.startswith("grpc") or (isinstance(error, ConnectionError) and place.kind == "grpc"):
        return _unreachable(place)
    if isinstance(error, OSError) and place.kind == "journal" and str(error.filename).startswith(place.address):
        why = error.strerror or "it cannot be written"
        return RunError(f"The journal {place.shown} cannot be used: {why}.", "Is the shared folder there?")
    if isinstance(error, RuntimeError) and "table schema" in str(error):
        return RunError(
            f"{place.shown} was made by another version of Optuna.",
            "Install the same version everywhere, or name another database.",
        )
    return None


def _of_database(said: str, place: Place) -> RunError:
    first = said.strip().splitlines()[0] if said.strip() else ""
    if any(words in said for words in _NOT_LET_IN):
        return RunError(
            f"{place.shown} does not let you in: user or password are wrong, or missing.",
            "Give them in the address (postgresql://USER:PASSWORD@HOST/DATABASE, special signs as %40), or the password as "
            "PGPASSWORD or in ~/.pgpass.",
        )
    if 'database "' in said and "does not exist" in said:
        return RunError(f"There is no database at {place.shown}.", "Make it first: createdb DATABASE")
    if "permission denied" in said:
        return RunError(f"{place.shown} does not allow that: {first}.", "Let the user make tables in it.")
    if "connect" in said or "resolve" in said or "timeout" in said:
        return _unreachable(place)
    return RunError(f"{place.shown} could not do what it was asked: {first}.", "Look at the database, then try again.")


def _unreachable(place: Place) -> RunError:
    return RunError(
        f"{place.shown} does not answer.",
        "Does it run, are host and port right, and does it take connections from this machine? Then try again.",
    )


def _journal(text: str) -> Place:
    path = Path(text).expanduser().absolute()
    if not path.parent.is_dir() or path.is_dir():
        if "@" in text:  # it may be an address with a slip, and a password in it
            raise _unreadable()
        what = "is a folder" if path.is_dir() else "has no folder that it could lie in"
        raise RunError(f"{path} {what}.", "Name a file in a folder that all machines see.")
    return Place("journal", str(path), str(path))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _unreadable() -> RunError:
    return RunError(
        "The address of the storage cannot be read.",
        f"Write special signs of a password as %40 for @, %2F for /, %23 for #, %3F for ?. {_KINDS}",
    )
