"""scikit-learn's own tests of its MLP, with one line changed: the import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

sklearn = pytest.importorskip("sklearn")

THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from chainrule import MLPClassifier, MLPRegressor"

EXCLUDED = {
    "test_gradient": "calls the private method _loss_grad_lbfgs; our gradients are proved by the laws of every engine",
    "test_nonfinite_params": "expects scikit-learn's sentence; ours says at which step, layer and unit the number arose",
    "test_mlp_diverging_loss": "expects a model trained on infinite numbers; ours is an error that names the step and layer",
    "test_early_stopping_stratified": "expects the class to be called 'True'; ours calls it 1, as the user did",
    "test_lbfgs_classification_maxfun[X1-y1]": "expects no convergence within 10 calls; ours converges after 7 (logistic)",
}
"""Test -> why it cannot pass. A test of this list that passes after all is an error too."""

if sklearn.__version__ < "1.6":
    EXCLUDED["test_mlp_regressor_dtypes_casting"] = (
        "expects 1e-4 between float32 and float64 (5e-4 in later versions), where scikit-learn itself is at 0.8e-4"
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Outcome of every one of scikit-learn's tests by name."""
    source = (Path(sklearn.__file__).parent / "neural_network" / "tests" / "test_mlp.py").read_text()
    assert source.count(THEIRS) == 1
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "test_mlp.py").write_text(source.replace(THEIRS, OURS))
    (folder / "conftest.py").write_text("import pytest\n\n@pytest.fixture\ndef global_random_seed():\n    return 42\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider", "-c", "/dev/null", "."],
        cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(chainrule.__file__).parents[1])},
    )  # fmt: skip
    found = {}
    for line in done.stdout.splitlines():
        status, _, name = line.partition(" ")
        if status in ("PASSED", "FAILED", "ERROR", "SKIPPED") and "test_mlp.py::" in name:
            found[name.split("::")[1].split(" - ")[0].strip()] = status
    assert found, done.stdout + done.stderr
    return found


def test_every_test_passes_but_those_with_a_reason(results):
    assert {name for name, status in results.items() if status not in ("PASSED", "SKIPPED")} == set(EXCLUDED) & set(
        results
    )


def test_the_list_of_reasons_holds_no_test_that_passes(results):
    assert [name for name in EXCLUDED if results.get(name) == "PASSED"] == []


def test_most_of_the_module_was_run(results):
    assert sum(status == "PASSED" for status in results.values()) >= 48


def test_the_page_names_every_excluded_test():
    page = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text(encoding="utf-8")
    assert [name for name in EXCLUDED if f"`{name}`" not in page] == []
