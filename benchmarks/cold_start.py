"""How long does a first small fit take from a fresh process?

    python benchmarks/cold_start.py [--repeats 7] [--json]

Every contender imports itself and trains 4-10-3 for ten full-batch epochs of Adam on 150 rows, in a new process; the
processes take turns, A B C A B C …, after one uncounted round that fills the caches. Seconds are those of the clock, from
before the interpreter starts to after it ends; "chainrule is faster" is the median of the paired turns with the smallest and
the largest. Peers that are not installed are left out: `pip install jax torch scikit-learn`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

DATA = """
import warnings; warnings.simplefilter("ignore")
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(150, 4)).astype("float32")
y = (x @ rng.normal(size=(4, 3))).argmax(1)
"""

PROGRAMS = {
    "chainrule": """
from chainrule import MLPClassifier
MLPClassifier((10,), max_iter=10, batch_size=150).fit(x, y)
""",
    "chainrule fit": """
from chainrule import fit
fit((x, y), network=(10,), epochs=10, batch_size=None, test=0, validation=0)
""",
    "torch": """
import torch
net = torch.nn.Sequential(torch.nn.Linear(4, 10), torch.nn.ReLU(), torch.nn.Linear(10, 3))
adam, a, b = torch.optim.Adam(net.parameters()), torch.from_numpy(x), torch.from_numpy(y)
for _ in range(10):
    loss = torch.nn.functional.cross_entropy(net(a), b)
    adam.zero_grad()
    loss.backward()
    adam.step()
loss.item()
""",
    "jax": """
import jax
import jax.numpy as jnp
start = [jnp.array(rng.normal(size=s).astype("float32")) for s in ((4, 10), (10,), (10, 3), (3,))]

def loss(p):
    z = jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3]
    return -jnp.mean(jax.nn.log_softmax(z)[jnp.arange(150), y])

@jax.jit
def train(p):
    def step(state, t):
        p, m, v = state
        value, g = jax.value_and_grad(loss)(p)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g)]
        p = [a - 1e-3 * b / (1 - 0.9**t) / (jnp.sqrt(c / (1 - 0.999**t)) + 1e-8) for a, b, c in zip(p, m, v)]
        return (p, m, v), value
    zero = [jnp.zeros_like(a) for a in p]
    return jax.lax.scan(step, (p, zero, zero), jnp.arange(1.0, 11.0))[1]

train(start).block_until_ready()
""",
    "sklearn": """
from sklearn.neural_network import MLPClassifier
MLPClassifier((10,), max_iter=10, batch_size=150).fit(x, y)
""",
    "numpy alone": "",
}
MODULES = {"chainrule fit": "chainrule", "numpy alone": "numpy"}


def seconds(program: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", DATA + program], check=True, env=environment, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    there = {name: text for name, text in PROGRAMS.items() if importlib.util.find_spec(MODULES.get(name, name))}
    turns = [{name: seconds(text) for name, text in there.items()} for _ in range(asked.repeats + 1)][1:]
    if not asked.json:
        print(f"{'':15}{'seconds':>9}   chainrule is faster")
    for name in there:
        took = statistics.median(turn[name] for turn in turns)
        ratios = sorted(turn[name] / turn["chainrule"] for turn in turns)
        row = {"contender": name, "seconds": round(took, 3), "ratio": round(statistics.median(ratios), 2)}
        if asked.json:
            print(json.dumps({**row, "smallest": round(ratios[0], 2), "largest": round(ratios[-1], 2)}))
        else:
            print(f"{name:15}{took:9.3f}   {row['ratio']:.1f}x ({ratios[0]:.1f}–{ratios[-1]:.1f})")


if __name__ == "__main__":
    main()
