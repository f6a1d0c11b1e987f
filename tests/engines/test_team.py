"""Teams of threads: stretches together and alone in one session, shares that change, processors that are left alone."""

import os
import subprocess
import sys

import pytest

NETWORK = """
import os, sys
import numpy as np
from chainrule import Dense, Network, Update, initialize, rules
from chainrule.engines.base import Rows
from chainrule.engines.native import NativeEngine

net = Network(40, [Dense(64, "relu"), Dense(64, "relu"), Dense(1)], "mse")
update, drawn = Update(rules.get("adam")), np.random.default_rng(0)
theta = initialize(net, 0, np.float32)
rows = Rows(drawn.normal(size=(64, 40)).astype(np.float32), drawn.normal(size=(64, 1)).astype(np.float32))
def opened(n_jobs):
    return NativeEngine().open(net.plan, theta, (np.zeros_like(theta),) * 2, update, seed=0, n_jobs=n_jobs)
"""

STRETCHES = """
session, step = opened(2), 0
for epochs in (20, 1) * 1000:  # stretches just long enough for the team, and ones so short that the caller goes alone
    orders = np.tile(np.arange(64), (epochs, 1))
    step += len(session.train(rows, orders, 64, update.rule.table(step + 1, np.ones(epochs)), step).losses)
print(step)
"""


# Every step is timed for the shares, and rows and tasks move from thread to thread while the network trains.
LONG = """
def trained(n_jobs):
    session, orders = opened(n_jobs), np.tile(np.arange(64), (3000, 1))
    losses = session.train(rows, orders, 64, update.rule.table(1, np.ones(3000)), 0).losses
    return session.export()[0].tobytes() + np.asarray(losses).tobytes()
alone = trained(1)
print(all(trained(n) == alone for n in (2, 3, 5)))
"""

PINNED = """
before = os.sched_getaffinity(0)
if len(sys.argv) > 1:
    before = {min(before)}
    os.sched_setaffinity(0, before)
orders = np.tile(np.arange(64), (2000, 1))
session = opened(2)
session.train(rows, orders, 64, update.rule.table(1, np.ones(2000)), 0)
mine = [os.sched_getaffinity(int(thread)) for thread in os.listdir("/proc/self/task")]
print(os.sched_getaffinity(0) == before, all(allowed <= before for allowed in mine))
"""


def said(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", NETWORK + program, *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_short_stretch_after_one_of_the_whole_team_ends():
    assert said(STRETCHES) == "21000"


def test_shares_that_change_while_training_change_no_bit():
    assert said(LONG) == "True"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads are seated on Linux alone")
@pytest.mark.parametrize("arguments", [(), ("one processor",)], ids=["all processors", "one processor"])
def test_the_callers_processors_are_left_alone_and_no_thread_leaves_them(arguments):
    assert said(PINNED, *arguments) == "True True"
