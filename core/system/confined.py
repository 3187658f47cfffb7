"""Files and folders below a folder, moved and made so that nothing leads out of it.

A name is checked first: relative, without `..`. Then the folders on the way are entered one by one, each without following
a link, and the act is done from inside the last of them: a link that someone puts there between the look and the act is
not followed either (POSIX *at calls; where the system has none, as on Windows, each folder is looked at just before).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.system import disk
from core.system.naming import class_key, free_name

_BY_HANDLE = {os.open, os.mkdir, os.rmdir, os.rename, os.stat} <= os.supports_dir_fd and os.listdir in os.supports_fd
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_MAX = 4096
"""Characters of a path; no system takes a longer one."""


def parts_of(name: object) -> list[str]:
    """The parts of a relative path that cannot lead out of its folder. Raises ValueError for any other."""
    if not isinstance(name, str) or not name or len(name) > _MAX or "\0" in name:
        raise ValueError(f"not a path: {name!r:.80}")
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or (disk.WINDOWS and any(c in name for c in "\\:")):
        raise ValueError(f"a path that leads elsewhere: {name!r:.80}")
    return parts


class Confined:
    """The folder `root`. Every path is relative to it, as `parts_of` wants it.

    All raise ValueError for another path, and OSError (ELOOP) where a folder on the way is a link.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def exists(self, name: str) -> bool:
        """Whether something lies there, be it a link that leads nowhere."""
        try:
            with self._parent(name) as (folder, last):
                return _is_there(folder, last)
        except FileNotFoundError:
            return False

    def move(self, source: str, target: str) -> str | None:
        """Moves a file or folder, and says where it came to lie: beside `target` if that is taken. The folders above
        `target` are made. None if there was nothing to move; `target` if it lies there already."""
        if not self.exists(source):
            return target if self.exists(target) else None
        with self._parent(source) as (here, old), self._parent(target, make=True) as (there, wanted):
            new = wanted
            if _is_there(there, wanted):
                taken = {class_key(name) for name in os.listdir(there)}  # noqa: PTH208 - of a handle
                new = free_name(Path(wanted).stem, Path(wanted).suffix, taken)
            _rename(here, old, there, new)
        return "/".join([*parts_of(target)[:-1], new])

    def make_folder(self, name: str) -> None:
        """Makes a folder with those above it; one that is there stays. Raises FileExistsError for a link or file there."""
        with self._parent(name, make=True) as (folder, last):
            _make(folder, last)

    def remove_folder(self, name: str) -> None:
        """Removes an empty folder. Raises OSError if it is none."""
        with self._parent(name) as (folder, last):
            if isinstance(folder, int):
                os.rmdir(last, dir_fd=folder)
            else:
                disk.patiently((folder / last).rmdir)

    def delete(self, name: str) -> None:
        """Deletes a folder with all that is in it, or a file; links in it are deleted, not followed."""
        with suppress(FileNotFoundError), self._parent(name) as (folder, last):
            if not stat.S_ISDIR(_status(folder, last).st_mode):
                os.unlink(last, dir_fd=folder) if isinstance(folder, int) else disk.remove(folder / last)
            elif isinstance(folder, int):
                shutil.rmtree(last, ignore_errors=True, dir_fd=folder)
            else:
                disk.remove_tree(folder / last)

    @contextmanager
    def _parent(self, name: str, *, make: bool = False) -> Iterator[tuple[int | Path, str]]:
        """The folder in which `name` lies, as a handle, or as a path where there are no handles; and the last part."""
        *above, last = parts_of(name)
        if not _BY_HANDLE:
            folder = self._root
            for part in above:
                if make:
                    _make(folder, part)
                folder /= part
                if folder.is_symlink() or not folder.is_dir():
                    raise _refused(folder)
            yield folder, last
            return
        handle = os.open(self._root, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
        try:
            for part in above:
                if make:
                    _make(handle, part)
                try:
                    inner = os.open(part, _FOLDER, dir_fd=handle)
                except OSError as error:
                    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                        raise _refused(name) from None
                    raise
                os.close(handle)
                handle = inner
            yield handle, last
        finally:
            os.close(handle)


def _refused(name: str | Path) -> OSError:
    return OSError(errno.ELOOP, "a folder on the way is a link, or none", str(name))


def _status(folder: int | Path, name: str) -> os.stat_result:
    if isinstance(folder, int):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    return (folder / name).lstat()


def _is_there(folder: int | Path, name: str) -> bool:
    try:
        _status(folder, name)
    except FileNotFoundError:
        return False
    return True


def _make(folder: int | Path, name: str) -> None:
    try:
        os.mkdir(name, dir_fd=folder) if isinstance(folder, int) else (folder / name).mkdir()
    except FileExistsError:
        if not stat.S_ISDIR(_status(folder, name).st_mode):
            raise FileExistsError(errno.EEXIST, "a link or a file is in the place of a folder", name) from None


def _rename(here: int | Path, old: str, there: int | Path, new: str) -> None:
    if isinstance(here, int) and isinstance(there, int):
        os.rename(old, new, src_dir_fd=here, dst_dir_fd=there)
    else:
        disk.rename(Path(str(here), old), Path(str(there), new))
