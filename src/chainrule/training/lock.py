"""One process at a time in a run's folder."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

from chainrule.archive.file_lock import is_at, lock
from chainrule.errors import ModelFileError

_NAME = ".lock"


@contextlib.contextmanager
def folder_lock(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the folder while the block runs; a second holder, also in this process, is refused.

    The file `.lock` in the folder tells who holds it; whether it is held, the system's own lock on that file decides,
    which ends with its process however that ends. So the lock of a killed process is taken over at once, and a process
    number that the system used again deceives nobody. On a file system without such locks the file alone counts.

    Raises `ModelFileError` CR510 when another process holds the folder, CR507 when no file can be made in it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, folder_lock(folder):
    ...     print(os.listdir(folder))
    ['.lock']
    """
    path = os.path.join(os.fspath(folder), _NAME)
    try:
        descriptor = _take(path)
    except OSError as error:
        raise ModelFileError("CR507", "the run's folder cannot be used", where=path, got=error.strerror) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if is_at(descriptor, path):
                os.unlink(path)
        os.close(descriptor)


def _take(path: str) -> int:
    """The open lock file, with our name in it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = lock(descriptor)
            owner = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            if locked is False or (locked is None and owner):
                raise _held(path, owner, certain=locked is False)
            if is_at(descriptor, path):  # else its last holder removed it in the moment before it was locked
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _held(path: str, owner: str, *, certain: bool) -> ModelFileError:
    hint = "wait until it ends, or give this run another folder"
    if not certain:
        hint += f"; if that process no longer runs, remove {path}"
    return ModelFileError(
        "CR510",
        "another process is writing in this folder",
        where=os.path.dirname(path),
        got=owner or "a process that has not yet told its number",
        hint=hint,
    )
