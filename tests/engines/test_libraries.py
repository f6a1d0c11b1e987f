"""Which library is opened: the fastest for the CPU and the network, never one that is broken or of another version."""

import shutil
import subprocess

import numpy as np
import pytest

from chainrule import Dense, Network, Update, initialize, rules
from chainrule.engines import library as libraries
from chainrule.engines.native import NativeEngine
from chainrule.errors import SettingError

pytestmark = pytest.mark.skipif(not libraries.runnable(), reason="the compiled engine is not built here")


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Pretends that one file is all that is installed."""

    def install(path):
        monkeypatch.delenv("CHAINRULE_ISA", raising=False)
        monkeypatch.setattr(libraries, "built", lambda: {"baseline": path})
        libraries._open.cache_clear()
        libraries.runnable.cache_clear()

    yield install
    libraries._open.cache_clear()
    libraries.runnable.cache_clear()


def test_a_library_that_does_not_load_is_no_library(only, tmp_path):
    broken = tmp_path / "chainrule_baseline.so"
    broken.write_bytes(b"not a library")
    only(broken)
    assert libraries.runnable() == ()
    update = Update(rules.get("gradient_descent"))
    assert "not built" in str(NativeEngine().refuses(Network(2, [Dense(1)]).plan, update, np.dtype(float)))


@pytest.mark.parametrize(
    "source", ["int machine_runs(const char *isa) { return 1; }", "int interface_number(void) { return 1; }"]
)
def test_a_library_of_another_version_is_refused(only, tmp_path, source):
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc to build such a library")
    old = tmp_path / "chainrule_baseline.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", old], input=source, text=True, check=True)
    only(old)
    with pytest.raises(SettingError, match="other sources than this version"):
        libraries.runnable()


@pytest.mark.skipif("avx512" not in libraries.runnable(), reason="this CPU or build has no AVX-512")
@pytest.mark.parametrize(
    ("width", "dtype", "wanted"), [(8, "float32", "avx2"), (9, "float32", "avx512"), (8, "float64", "avx512")]
)
def test_a_network_that_fits_half_a_vector_runs_on_the_narrower_one(monkeypatch, width, dtype, wanted):
    monkeypatch.delenv("CHAINRULE_ISA", raising=False)
    network = Network(2, [Dense(width, "tanh"), Dense(1)], "mse")
    update = Update(rules.get("gradient_descent"))
    theta = initialize(network, 0, np.dtype(dtype))
    assert NativeEngine().open(network.plan, theta, (), update, seed=0).isa == wanted
