"""The system's own lock on an open file: it ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

if sys.platform == "win32":

    def lock(descriptor: int) -> bool | None:
        """None: such locks are not used on this system."""
        return None

else:
    import fcntl

    def lock(descriptor: int) -> bool | None:
        """True: the lock is ours until the descriptor is closed. False: another open file holds it.
        None: this file system has no such locks."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR) else None
        return True


def is_at(descriptor: int, path: str) -> bool:
    """True when the open file is still the one that `path` names."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    return False
