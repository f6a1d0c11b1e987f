"""A worked network at hand: its pass and gradient under the lecture's names, to explain any number of it."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from chainrule.course.document import Example, load, names
from chainrule.course.recompute import network_of
from chainrule.engines.trace import Gradient
from chainrule.errors import SettingError
from chainrule.explain.derive import Form, explain_trace
from chainrule.explain.explanation import Explanation
from chainrule.explain.matrix import MatrixExplanation, explain_matrix
from chainrule.network import Network, initialize
from chainrule.steps import backward, forward


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


@overload
def explained(name: str, of: str, *, form: Form = "factors", notation: str | None = None) -> Explanation:
    """One number, line by line."""


@overload
def explained(name: str, of: str, *, form: Literal["matrix"], notation: str | None = None) -> MatrixExplanation:
    """A whole gradient in matrices."""


def explained(
    name: str, of: str, *, form: Form | Literal["matrix"] = "factors", notation: str | None = None
) -> Explanation | MatrixExplanation:
    """Why a number of a worked network is what it is, by default in the notation of its lecture; with the form "matrix" why
    a whole `W1` or `z1` is.

    >>> round(explained("dse3121-han-kamber-3-2-1", "delta(net(4))").value, 6)
    0.008725
    """
    written = notation or notation_of(name)
    if form == "matrix":
        return explain_matrix(lesson(name), of, notation=written)
    return explain_trace(lesson(name), of, form=form, notation=written)


def notation_of(name: str) -> str:
    """The notation of a worked network's lecture."""
    return str(load(name).data.get("notation", "default"))


def _network(example: Example) -> Network:
    if example.kind != "network-step":
        raise SettingError(
            "CR204",
            f"the example {example.name!r} has no network to explain",
            expected="one of " + ", ".join(name for name in names() if load(name).kind == "network-step"),
        )
    return network_of(example.data)
