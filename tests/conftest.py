"""For every test: pictures are drawn without a screen, and closed; one thread, unless a test asks for more."""

import os
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CHAINRULE_NUM_THREADS", "1")  # the workers of the suite fill the cores already
os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # threads that wait for each other on small matrices take thrice the time


@pytest.fixture(autouse=True)
def _close_pictures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
