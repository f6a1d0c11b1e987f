"""`chainrule diagnose` as it is typed."""

import json
import time

import numpy as np
import pytest

from chainrule.cli.main import main
from chainrule.diagnostics.layers import words
from chainrule.diagnostics.watch import SHARE, Watch
from chainrule.fit import fit

pytestmark = pytest.mark.filterwarnings("ignore")


def said(capsys, *arguments):
    """What a command prints on stdout, and its exit code."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return capsys.readouterr().out, left.value.code


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    r = np.random.default_rng(0)
    x = r.normal(size=(240, 2))
    y = np.sin(2 * x[:, 0]) + x[:, 1]
    rows = "\n".join(f"{a:.6f},{b:.6f},{c:.6f}" for (a, b), c in zip(x, y, strict=True))
    (tmp_path / "data.csv").write_text(f"a,b,y\n{rows}\n")
    return "data.csv"


def test_a_model_is_diagnosed_with_the_file_that_it_names_and_cured(table, capsys):
    assert (
        said(capsys, "fit", table, "-t", "y", "--learning-rate", "1e-7", "--epochs", "15", "--test", "0.2", "-q")[1]
        == 0
    )
    printed, code = said(capsys, "diagnose", "data.model", "--cure")
    assert code == 0
    assert printed.startswith("Ill: learning rate too small")
    assert "it helped" in printed
    assert "\x1b" not in printed
    plain = json.loads(said(capsys, "diagnose", "data.model", table, "--json")[0])
    assert plain["findings"][0]["diagnostic"] == "learning_rate_too_small"
    assert plain["cure"] is None


def test_a_run_that_diverged_is_diagnosed_from_its_folder(table, capsys):
    fitting = ("fit", table, "-t", "y", "--optimizer", "momentum", "--learning-rate", "1e30", "--test", "0.2", "-q")
    assert said(capsys, *fitting, "--run", "kept")[1] == 5
    plain = json.loads(said(capsys, "diagnose", "kept", "--json")[0])
    assert plain["verdict"] == "ill"
    found = next(one for one in plain["findings"] if one["diagnostic"] == "diverged")
    assert {"step", "epoch", "layer", "unit", "factor"} <= set(found["measured"])


def test_the_light_checks_say_a_word_for_every_layer_and_keep_to_their_share():
    r = np.random.default_rng(0)
    x = r.normal(size=(300, 4))
    lines, spent, watch = [], [], Watch()

    def progress(event):
        lines.append(watch(event))
        spent.append(watch.spent)

    fit((x, x[:, 0] * x[:, 1]), network=(8, 6), epochs=80, test=0, progress=progress)
    elapsed = time.perf_counter() - watch.began
    assert set(lines) == {"layers ok ok"}
    # a look that is due may take longer than the last one did, on a busy machine
    assert spent[-1] - spent[0] <= SHARE * elapsed + watch.cost
    assert len(set(spent)) < len(spent)  # most epochs repeat the last words
    assert words(()) == {}
