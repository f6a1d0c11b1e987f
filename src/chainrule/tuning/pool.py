"""Trials in this process, or several at once in processes of their own.

The processes are started as `python -m chainrule.tuning.worker`, not by `multiprocessing`: so a script needs no
`if __name__ == "__main__"`, and a worker that is killed is one trial lost and said, not a search that hangs.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.tuning.trial import Job, Result, Task, run_trial, without_score

Evaluate = Callable[[Iterable[Task], float | None], Iterator[Result]]
"""Tasks, and when to stop (by `time.monotonic`), to results in the order they come in. Tasks are taken one by one as
there is room, none after that time."""

_GRACE = 2.0  # seconds that trials have to end by themselves when the time is over
_LOOK_UP = 0.1  # seconds between two looks at the clock


@contextlib.contextmanager
def evaluator(job: Job, workers: int) -> Iterator[Evaluate]:
    """A way to evaluate trials; its processes end with the block."""
    if workers == 1:
        yield lambda tasks, deadline: _one_by_one(job, tasks, deadline)
        return
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        path = Path(folder) / "job.pickle"
        try:
            path.write_bytes(pickle.dumps(job))
        except (pickle.PicklingError, AttributeError, TypeError) as reason:
            raise SettingError(
                "CR202", "these settings cannot be handed to another process", where="tune", got=str(reason),
                hint="use n_jobs=1, or names of the catalogs in place of functions of your own",
            ) from None  # fmt: skip
        pool = _Pool(path, workers)
        try:
            yield pool.evaluate
        finally:
            pool.close()


def _one_by_one(job: Job, tasks: Iterable[Task], deadline: float | None) -> Iterator[Result]:
    for task in tasks:
        left = _left(deadline)
        if left is not None and left <= 0.0:
            return
        result = run_trial(job, task, left)
        yield result
        if result.stopped == "interrupted":
            raise KeyboardInterrupt


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()


class _Pool:
    """Worker processes, each with a thread that hands it a task and waits for the answer."""

    def __init__(self, job: Path, count: int) -> None:
        self.job = job
        self.count = count
        self.tasks: queue.SimpleQueue[tuple[Task, float | None] | None] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self.processes: dict[int, Any] = {}
        self.is_closed = self.has_answered = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._serve, args=(i,), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def evaluate(self, tasks: Iterable[Task], deadline: float | None) -> Iterator[Result]:
        """See `Evaluate`."""
        source = iter(tasks)
        running = 0
        while True:
            while running < self.count and ((left := _left(deadline)) is None or left > 0.0):
                task = next(source, None)
                if task is None:
                    break
                self.tasks.put((task, deadline))
                running += 1
            if not running:
                return
            result = self._next(deadline)
            if result is None:
                return
            running -= 1
            yield result

    def _next(self, deadline: float | None) -> Result | None:
        """The next result; None where the time is over and the trials that run do not end."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self.results.get(timeout=_LOOK_UP)
            left = _left(deadline)
            if left is not None and left < -_GRACE and self.has_answered:
                return None

    def _serve(self, place: int) -> None:
        while (given := self.tasks.get()) is not None:
            task, deadline = given
            began = time.monotonic()
            with self.lock:
                if self.is_closed:
                    return
                process = self.processes.get(place)
                if process is not None and process.poll() is not None:
                    _end(process)
                    process = None
                if process is None:
                    process = self.processes[place] = _start(self.job)
            result = _ask(process, task, deadline, began)
            if self.is_closed:
                return
            self.has_answered = True
            self.results.put(result)

    def close(self) -> None:
        """End the processes; a trial that still runs is lost."""
        with self.lock:
            self.is_closed = True
        for _ in self.threads:
            self.tasks.put(None)
        for process in list(self.processes.values()):
            process.kill()
        for thread in self.threads:
            thread.join()
        for process in self.processes.values():
            _end(process)


def _end(process: Any) -> None:
    """End a worker and close its pipes; one that was killed leaves words in them that nobody will read."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()


def _ask(process: Any, task: Task, deadline: float | None, began: float) -> Result:
    """One task to a worker and its answer back; a worker that ends in between is the answer too."""
    try:
        process.stdin.write(json.dumps({"task": asdict(task), "left": _left(deadline)}).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except OSError:
        line = b""
    if line.endswith(b"\n"):
        return Result(**json.loads(line))
    code = process.wait()
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return without_score(task, "killed", f"its process {how}", time.monotonic() - began)


def _start(job: Path) -> Any:
    import subprocess

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"  # the cores are shared among the trials
    return subprocess.Popen(
        [sys.executable, "-m", "chainrule.tuning.worker", str(job)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=environment, start_new_session=True,  # Ctrl-C is for the search alone, which then ends its workers
    )  # fmt: skip
