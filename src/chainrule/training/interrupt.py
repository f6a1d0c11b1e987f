"""Ctrl-C while a network trains: the first one asks, the second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Flag:
    """A handler of SIGINT that remembers the first and raises at the second."""

    is_raised = False

    def __call__(self, number: int, frame: Any) -> None:
        if self.is_raised:
            raise KeyboardInterrupt
        self.is_raised = True


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C only raises a flag, that of the outermost block; the second stops at once. Outside the main
    thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)
    if isinstance(before, _Flag):
        yield lambda: before.is_raised
        return
    flag = _Flag()
    signal.signal(signal.SIGINT, flag)
    try:
        yield lambda: flag.is_raised
    finally:
        signal.signal(signal.SIGINT, before)
