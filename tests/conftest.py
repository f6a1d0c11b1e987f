"""For every test: pictures are drawn without a screen, and closed; one thread, unless a test asks for more."""

import os
import signal
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CHAINRULE_NUM_THREADS", "1")  # the workers of the suite fill the cores already
# Threads that wait for each other on small matrices take thrice the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# In a shell's background job Ctrl-C is ignored, and so it would be by all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _close_pictures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
