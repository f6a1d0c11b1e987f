"""A network of another library, read into a `Network` and its θ and compared with the original on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activations import activations
from chainrule.data.arrays import check_inputs
from chainrule.errors import DataError, SettingError
from chainrule.exchange import keras_sequential, sklearn_mlp, torch_sequential
from chainrule.exchange.parts import Format, Given, Parts, guessed
from chainrule.layers import Softmax
from chainrule.network import Network
from chainrule.optim.rule import Update
from chainrule.rng import generator
from chainrule.shapes import Array
from chainrule.steps import forward

FORMATS: tuple[Format, ...] = (sklearn_mlp.FORMAT, torch_sequential.FORMAT, keras_sequential.FORMAT)
"""What can be read. A new format is a file of its own and its record here."""

_CHECKED = 256
"""How many rows both networks are run on."""


@dataclass(frozen=True, eq=False)
class Foreign:
    """Another library's network as chainrule's own.

    `theta` has the float type of the original. `update` is its optimizer, or None where it carries none. `classes` are the
    labels in the order of the outputs, empty where none are known. `notes` say what was assumed. `difference` is the
    largest difference between the outputs of the two on the rows they were compared on. `is_guessed`: it carried no loss, and
    the network has the one that belongs to its outputs.
    """

    network: Network
    theta: Array
    update: Update | None
    classes: tuple[Any, ...]
    source: str
    notes: tuple[str, ...]
    difference: float
    is_guessed: bool = False

    def inputs(self, data: Any) -> NDArray[np.float64]:
        """Rows as the network reads them, (rows, inputs) float64."""
        return rows_of(data, self.network.input_count)

    def targets(self, y: Any) -> NDArray[Any]:
        """Targets as the network's loss reads them: class labels become codes (or 0 and 1), everything else stays."""
        values: NDArray[Any] = np.asarray(y)
        if not self.classes or (values.ndim == 2 and values.shape[1] > 1):
            return values
        labels = values.reshape(-1)
        known = np.asarray(self.classes)
        unknown = ~np.isin(labels, known)
        if unknown.any():
            raise DataError(
                "CR108", f"the label {labels[int(unknown.argmax())].item()!r} is none of the network's", where="y",
                expected="one of " + ", ".join(map(str, self.classes)),
            )  # fmt: skip
        codes = np.searchsorted(known, labels).astype(np.int64)
        return codes[:, None].astype(np.float64) if self.network.output_count == 1 else codes


def is_foreign(net: Any) -> bool:
    """Whether this is a network of another library that `from_other` may read. No library is imported for that."""
    return any(one.accepts(net) for one in FORMATS)


def from_other(net: Any, rows: Any = None, *, loss: Any = None, optimizer: Any = None) -> Foreign:
    """Read a fitted scikit-learn MLP, a `torch.nn.Sequential` or a `keras.Sequential`.

    rows: (n, inputs) to compare the two networks on; without them rows are drawn at random. loss, optimizer: where the
    network carries none, those it was trained with, as objects of that library or by chainrule's names. A loss that works
    on logits (`CrossEntropyLoss`, `from_logits=True`) puts the output function, softmax or sigmoid, into the network.

    Nothing of the network is executed but one forward pass, for the check. Raises `SettingError` CR212 for what cannot be
    read, by name, and CR213 when the outputs are not equal.

    >>> from sklearn.neural_network import MLPRegressor
    >>> net = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    >>> other = from_other(net)
    >>> other.network.plan.size, other.network.loss.name, other.source
    (10, 'half_squared_error', 'scikit-learn MLPRegressor')
    """
    found = next((one for one in FORMATS if one.accepts(net)), None)
    if found is None:
        raise SettingError(
            "CR212", f"a {type(net).__module__.split('.')[0]} {type(net).__name__} cannot be read",
            expected="one of " + ", ".join(one.name for one in FORMATS),
            hint="of a pipeline, pass the network itself and the rows that its first steps give",
        )  # fmt: skip
    parts = found.read(net, Given(loss, optimizer))
    network = parts.network()
    theta = parts.theta(network)
    compared = _random_rows(network.input_count) if rows is None else rows_of(rows, network.input_count)[:_CHECKED]
    difference = _compare(found, net, parts, network, theta, compared)
    notes = parts.notes if parts.goal is not None else (*parts.notes, guessed(parts))
    source = f"{found.name.split('.')[0]} {type(net).__name__}"
    return Foreign(network, theta, parts.update, parts.classes, source, notes, difference, parts.goal is None)


def rows_of(data: Any, width: int) -> NDArray[np.float64]:
    """Rows of another library as float64 (rows, inputs); a tensor is taken as the array it holds."""
    plain = data.detach().cpu().numpy() if hasattr(data, "detach") else data
    x = check_inputs(plain, dtype=np.float64, min_rows=1)
    if x.shape[1] != width:
        raise DataError(
            "CR402", "the rows do not fit the network", expected=f"{width} columns", got=f"{x.shape[1]} columns"
        )
    return x


def _random_rows(width: int) -> NDArray[np.float64]:
    return generator(0, "exchange").normal(size=(64, width))


def _compare(found: Format, net: Any, parts: Parts, network: Network, theta: Array, x: NDArray[np.float64]) -> float:
    """The largest difference of the outputs; CR213 where it is more than the float type explains."""
    same: Array = x.astype(theta.dtype)
    theirs: Array = np.asarray(found.outputs(net, same), np.float64)
    if parts.goal is not None and parts.goal.logits is not None:
        theirs = _applied(parts.goal.logits, theirs)
    ours = forward(network, theta.astype(np.float64), same.astype(np.float64)).prediction
    if ours.shape != theirs.shape:
        difference = np.inf
    else:
        finite = np.isfinite(theirs) | np.isfinite(ours)  # weights that are not finite give such outputs in both
        scale = 1.0 + float(np.abs(theirs[finite]).max(initial=0.0))
        difference = float(np.abs(ours - theirs)[finite].max(initial=0.0)) / scale
    # A sum of k products is off by k·ε/2 at worst; what k layers add up to stays far below the thousandfold of ε.
    allowed = 1000.0 * float(np.finfo(theta.dtype).eps)
    if not difference <= allowed:
        raise SettingError(
            "CR213", "the network that was read gives other outputs than the original", where=found.name,
            expected=f"a difference of at most {allowed:.1e}, measured by the largest output",
            got=f"{difference:.3g} on {len(x)} rows" if ours.shape == theirs.shape else f"shape {theirs.shape}",
            hint="hooks, wrapped layers or other number types change what a layer does",
        )  # fmt: skip
    return difference


def _applied(function: str, outputs: Array) -> Array:
    """Logits put through the output function that their loss applies."""
    width = outputs.shape[1]
    if function == "softmax":
        return forward(Network(width, [Softmax()]), np.empty(0), outputs).prediction
    return np.asarray(activations.get(function).value(outputs))
