"""Writing a file whole or not at all: a kill, a full disk or a second writer never leaves half of one.

The bytes go to a temporary file in the same folder, are forced to the disk, and take the name in one step (rename).
A writer holds the system's lock on its temporary file; one that nobody holds was left by a killed writer and goes away
with the next write into that folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence

from chainrule.archive.file_lock import is_at, lock
from chainrule.errors import ModelFileError

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_SUFFIX = ".chainrule-tmp"


def replace_file(path: str | os.PathLike[str], blocks: Sequence[bytes | memoryview]) -> None:
    """Give the file at `path` this content; until the last moment the old file stays as it was, also for its readers.

    A new file gets the permissions of the umask, a replaced one keeps its own; a link is followed. When several
    processes write to one path, each file is whole and the last one stays.

    Raises `ModelFileError` CR317 (the path is a folder), CR507 (the folder is missing or read-only), CR508 (no room).
    """
    size = sum(memoryview(block).nbytes for block in blocks)
    with _explained(path, size):
        target, old = _check_place(path, size)
        descriptor, temporary = _open_temporary(os.path.dirname(target))
        try:
            with os.fdopen(descriptor, "wb") as file:
                if old is not None:
                    os.chmod(temporary, stat.S_IMODE(old.st_mode))
                for block in blocks:
                    file.write(block)
                file.flush()
                os.fsync(descriptor)
                os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _force_folder(os.path.dirname(target))


def check_writable(path: str | os.PathLike[str], size: int = 0) -> None:
    """Find out before the work starts whether a file of `size` bytes can be saved at `path` when it is done.

    Raises as `replace_file` would. The folder is tried with a real file that is removed at once; the file that is
    there now is not touched.
    """
    with _explained(path, size):
        target, _ = _check_place(path, size)
        descriptor, temporary = _open_temporary(os.path.dirname(target))
        os.close(descriptor)
        os.unlink(temporary)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make the folder and those above it, where they are missing.

    Raises `ModelFileError` CR507 where a file stands in the way or the system refuses.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        where = os.path.realpath(path)
        raise ModelFileError("CR507", "the folder cannot be made", where=where, got=error.strerror) from None


def _check_place(path: str | os.PathLike[str], size: int) -> tuple[str, os.stat_result | None]:
    """The place behind any links, and what is known of the file that is there now."""
    target = os.path.realpath(path)
    try:
        old = os.stat(target)
    except FileNotFoundError:
        old = None
    if old is not None and stat.S_ISDIR(old.st_mode):
        raise ModelFileError("CR317", "a folder is where the file should be", where=target, hint="add a file name")
    if old is not None and not stat.S_ISREG(old.st_mode):
        raise ModelFileError("CR507", "only an ordinary file can be replaced", where=target, got="a pipe or a device")
    if old is not None:
        os.close(os.open(target, os.O_WRONLY))  # a rename would replace a write-protected file without asking
    free = shutil.disk_usage(os.path.dirname(target)).free
    if size > free:
        raise _no_room(target, size, free)
    return target, old


def _open_temporary(folder: str) -> tuple[int, str]:
    """A new, locked file with a name of its own, after what killed writers left has been removed."""
    _remove_abandoned(folder)
    while True:
        temporary = os.path.join(folder, f".{secrets.token_hex(8)}{_SUFFIX}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        locked = lock(descriptor)
        if locked is None or (locked and is_at(descriptor, temporary)):
            return descriptor, temporary
        os.close(descriptor)  # another writer took it for abandoned in the moment before it was locked


def _remove_abandoned(folder: str) -> None:
    with os.scandir(folder) as entries:
        names = [entry.path for entry in entries if entry.name.startswith(".") and entry.name.endswith(_SUFFIX)]
    for name in names:
        with contextlib.suppress(OSError):
            descriptor = os.open(name, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            try:
                if lock(descriptor) and is_at(descriptor, name):
                    os.unlink(name)
            finally:
                os.close(descriptor)


def _force_folder(folder: str) -> None:
    """Make the new name last through a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _explained(path: str | os.PathLike[str], size: int) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except ModelFileError:
        raise
    except (OSError, ValueError) as error:
        where = os.path.realpath(path) if not isinstance(error, ValueError) else repr(path)
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise _no_room(where, size, _free(where), str(error.strerror)) from None
        hint = "choose another place, or create the folder" if isinstance(error, FileNotFoundError) else None
        got = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError("CR507", "the file cannot be written here", where=where, got=got, hint=hint) from None


def _free(where: str) -> int:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(os.path.dirname(where)).free
    return 0


def _no_room(where: str, size: int, free: int, reason: str | None = None) -> ModelFileError:
    got = f"{free} bytes free" + (f" ({reason})" if reason else "")
    hint = "make room or choose another place; a file that was there before is unchanged"
    return ModelFileError("CR508", "not enough room to save", where=where, expected=f"{size} bytes", got=got, hint=hint)
