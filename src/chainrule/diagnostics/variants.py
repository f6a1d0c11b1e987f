"""The same network with something else in its place: what an experiment or a remedy trains instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chainrule.layers import Dense, Layer
from chainrule.network import Network


def remade(network: Network, change: Callable[[Layer, bool], Layer | None]) -> Network:
    """The network with every layer as `change(layer, is_last)` gives it, or without those for which that is None."""
    last = len(network.layers) - 1
    made = [new for i, layer in enumerate(network.layers) if (new := change(layer, i == last)) is not None]
    return replace(network, layers=tuple(made))


def suited(network: Network) -> Network:
    """The network with first weights drawn as suits each activation, and biases that begin at 0."""
    return remade(
        network,
        lambda layer, _: (
            replace(layer, initializer=None, weights=None, biases=None) if isinstance(layer, Dense) else layer
        ),
    )
