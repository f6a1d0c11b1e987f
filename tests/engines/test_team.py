"""Stretches with a team of threads and stretches alone, one after the other in one session."""

import subprocess
import sys

PROGRAM = """
import numpy as np
from chainrule import Dense, Network, Update, initialize, rules
from chainrule.engines.base import Rows
from chainrule.engines.native import NativeEngine

net = Network(40, [Dense(64, "relu"), Dense(64, "relu"), Dense(1)], "mse")
update, drawn = Update(rules.get("adam")), np.random.default_rng(0)
theta = initialize(net, 0, np.float32)
rows = Rows(drawn.normal(size=(64, 40)).astype(np.float32), drawn.normal(size=(64, 1)).astype(np.float32))
session = NativeEngine().open(net.plan, theta, (np.zeros_like(theta),) * 2, update, seed=0, n_jobs=2)
step = 0
for epochs in (20, 1) * 1000:  # stretches just long enough for the team, and ones so short that the caller goes alone
    orders = np.tile(np.arange(64), (epochs, 1))
    step += len(session.train(rows, orders, 64, update.rule.table(step + 1, np.ones(epochs)), step).losses)
print(step)
"""


def test_a_short_stretch_after_one_of_the_whole_team_ends():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("21000", "")
