"""A name is found whatever was imported first: no catalog is empty because nobody has looked at it yet."""

import subprocess
import sys

import pytest

ALONE = {
    "chainrule.steps": "from chainrule.steps import rules; print(len(rules.names()))",
    "chainrule.explain.update": "from chainrule.explain.update import rules; print(len(rules.names()))",
    "chainrule.layers": "from chainrule.layers import Dense; print(Dense(1, 'sigmoid').units)",
    "chainrule.network": "from chainrule.network import Network; from chainrule.layers import Dense;"
    " print(Network(1, [Dense(1, 'tanh')], 'mse').input_count)",
}


@pytest.mark.parametrize("module", ALONE)
def test_a_module_imported_alone_knows_the_names(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE[module]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
