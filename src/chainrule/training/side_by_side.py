"""Jobs side by side, each in a thread of its own; what they tell is heard in the thread that waits for them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from chainrule.training.interrupt import interruptible

E = TypeVar("E")
T = TypeVar("T")


class Round(NamedTuple):
    """So many jobs at once, each with so many threads."""

    jobs: int
    threads: int


def rounds(jobs: int, threads: int) -> list[Round]:
    """How jobs share the threads: as many at once as there are threads; what is left over helps those at work.

    >>> rounds(3, 2)
    [Round(jobs=2, threads=1), Round(jobs=1, threads=2)]
    """
    at_once = min(jobs, threads)
    full, rest = divmod(jobs, at_once)
    return [Round(at_once, threads // at_once)] * full + ([Round(rest, threads // rest)] if rest else [])


def side_by_side(
    jobs: Sequence[Callable[[Callable[[E], bool]], T]], at_once: int, hear: Callable[[int, E], bool]
) -> list[T]:
    """The results of the jobs in their order, with so many at work `at_once` (one alone works in the caller's thread).

    A job is called with a function that tells an event, waits until it was heard, and is True when it is time to stop.
    `hear(number, event)` is called in the caller's thread, for one event at a time; True asks to stop. Then, and after
    Ctrl-C, every job is told so at its next event and no other one begins: the results are those of the first jobs.

    What `hear` or a job raises, and a second Ctrl-C, is raised in the caller's thread once the jobs at work have stopped.
    """
    asked = False

    def stops(number: int, event: E) -> bool:
        nonlocal asked
        asked = asked or hear(number, event)  # once asked nothing more is heard
        return asked or interrupted()

    with interruptible() as interrupted:
        results: dict[int, T] = {}
        if at_once == 1:
            for number, job in enumerate(jobs):
                results[number] = job(partial(stops, number))
                if asked or interrupted():
                    break
            return list(results.values())
        box: SimpleQueue[tuple[int, str, Any]] = SimpleQueue()
        answers: list[SimpleQueue[bool]] = []
        threads: list[threading.Thread] = []

        def begin() -> None:
            number = len(threads)
            answers.append(SimpleQueue())
            work = partial(_work, number, jobs[number], box, answers[number])
            context = contextvars.copy_context()  # NumPy's error state, for one
            threads.append(threading.Thread(target=context.run, args=(work,), name=f"chainrule job {number}"))
            threads[number].start()

        try:
            while len(threads) < at_once:
                begin()
            while len(results) < len(threads):
                number, kind, content = box.get()
                if kind == "event":
                    answers[number].put(stops(number, content))
                elif kind == "error":
                    raise content
                else:
                    results[number] = content
                    if len(threads) < len(jobs) and not (asked or interrupted()):
                        begin()
        finally:
            for answer in answers:  # whoever still works is told to stop, also where its event was never heard
                answer.put(True)
            for thread in threads:
                if thread.is_alive():
                    thread.join()
        return [results[number] for number in sorted(results)]


def _work(number: int, job: Callable[..., Any], box: SimpleQueue[Any], answers: SimpleQueue[bool]) -> None:
    def tell(event: Any) -> bool:
        box.put((number, "event", event))
        return answers.get()

    try:
        box.put((number, "result", job(tell)))
    except BaseException as reason:
        box.put((number, "error", reason))
