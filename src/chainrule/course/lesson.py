"""A worked network at hand: its pass and gradient under the lecture's names, to explain any number of it."""

from __future__ import annotations

import numpy as np

from chainrule.course.document import Example, load
from chainrule.course.recompute import network_of
from chainrule.engines.trace import Gradient
from chainrule.errors import SettingError
from chainrule.explain.derive import Form, explain_trace
from chainrule.explain.explanation import Explanation
from chainrule.network import Network, initialize
from chainrule.steps import backward, forward

# worked example -> the notation of its lecture
_NOTATIONS = {
    "cis678-2-2-2-sigmoid": "cis678",
    "cap4453-2-3-1": "cis678",
    "dse3121-han-kamber-3-2-1": "han-kamber",
    "practical-ml-2-2-2-backprop": "superscript",
    "csds440-review-2-2-1": "csds440",
    "dse3121-single-chain": "default",
}


def lesson(name: str) -> Gradient:
    """The forward and backward pass of a worked network at its initial weights; `.trace` holds every number.

    >>> gradient = lesson("cis678-2-2-2-sigmoid")
    >>> round(float(gradient["W2"][0, 0]), 9)
    0.082167041
    """
    example = load(name)
    network = _network(example)
    data = example.data["data"]
    return backward(forward(network, initialize(network), np.array(data["inputs"], float), data["targets"]))


def explained(name: str, of: str, *, form: Form = "factors", notation: str | None = None) -> Explanation:
    """Why a number of a worked network is what it is, by default in the notation of its lecture.

    >>> round(explained("dse3121-han-kamber-3-2-1", "delta(net(4))").value, 6)
    0.008725
    """
    return explain_trace(lesson(name), of, form=form, notation=notation or notation_of(name))


def notation_of(name: str) -> str:
    """The notation of a worked network's lecture."""
    return _NOTATIONS.get(name, "default")


def _network(example: Example) -> Network:
    if example.kind != "network-step":
        raise SettingError(
            "CR204",
            f"the example {example.name!r} has no network to explain",
            expected="one of " + ", ".join(_NOTATIONS),
        )
    return network_of(example.data)
