"""A worker process of a search: reads the data once, then takes trials as lines of JSON and answers with lines of JSON.

Started by `tuning.pool` as `python -m chainrule.tuning.worker JOB`; ends when its input does.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from dataclasses import asdict
from pathlib import Path

from chainrule.tuning.trial import Task, run_trial


def main(path: str) -> None:
    """Serve until the input ends or the process that asks is gone."""
    job = pickle.loads(Path(path).read_bytes())  # written a moment ago by the process that started this one
    parent = os.getppid()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints while training must not stand among the answers
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        result = run_trial(job, Task(**asked["task"]), asked["left"], lambda: os.getppid() != parent)
        answers.write(json.dumps(asdict(result)).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
