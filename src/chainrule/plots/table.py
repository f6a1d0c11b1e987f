"""The table of pictures: a name, the function that draws it, and what it is drawn of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chainrule.plots.activation import activation
from chainrule.plots.contours import error_surface
from chainrule.plots.curve import error_curve
from chainrule.plots.curves import learning_curves
from chainrule.plots.dependence import importance, partial_dependence
from chainrule.plots.fitted import fitted_curve
from chainrule.plots.gradients import gradient_norms
from chainrule.plots.histograms import histograms
from chainrule.plots.network import network
from chainrule.plots.predictions import calibration, confusion_matrix, precision_recall, residuals, roc
from chainrule.plots.quadrants import allowed_updates
from chainrule.plots.regions import decision_regions
from chainrule.plots.relief import error_surface_3d
from chainrule.plots.vectors import update_vectors
from chainrule.plots.weights import weight_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Of = Literal["nothing", "model or run", "run", "model", "model and data", "model or run, and data"]


@dataclass(frozen=True)
class Plot:
    """A picture: `draw(subject, data, of=..., ax=...)`, as far as its `subject` and `of` ask for them.

    of: what `--of` names here; "" where it names nothing.
    """

    draw: Callable[..., Axes]
    subject: Of
    of: str = ""

    @property
    def about(self) -> str:
        """Its first sentence of documentation."""
        return " ".join((self.draw.__doc__ or "").split("\n\n")[0].split())

    @property
    def needs_data(self) -> bool:
        return self.subject.endswith("data")


PLOTS: dict[str, Plot] = {
    "learning-curves": Plot(learning_curves, "model or run", "a recorded quantity: loss, or a metric"),
    "gradient-norms": Plot(gradient_norms, "run"),
    "error-surface": Plot(error_surface, "model or run, and data", "two weights or biases: W1[0,0], b1[0]"),
    "error-surface-3d": Plot(error_surface_3d, "model or run, and data", "two weights or biases: W1[0,0], b1[0]"),
    "error-curve": Plot(error_curve, "model or run, and data", "a weight or bias: W1[0,0]"),
    "activation": Plot(activation, "nothing", "activations: sigmoid, relu"),
    "network": Plot(network, "model or run, and data", "an address whose path is drawn bold: W1[0,0]"),
    "histograms": Plot(histograms, "model or run, and data", "weights, activations, net inputs, gradients or deltas"),
    "weight-map": Plot(weight_map, "model", "the weights of a layer: W1"),
    "decision-regions": Plot(decision_regions, "model and data", "two columns of numbers"),
    "fitted-curve": Plot(fitted_curve, "model or run, and data"),
    "confusion-matrix": Plot(confusion_matrix, "model and data"),
    "roc": Plot(roc, "model and data"),
    "precision-recall": Plot(precision_recall, "model and data"),
    "calibration": Plot(calibration, "model and data"),
    "residuals": Plot(residuals, "model and data", "a target, where there are several"),
    "partial-dependence": Plot(partial_dependence, "model and data", "a column"),
    "importance": Plot(importance, "model and data"),
    "update-vectors": Plot(update_vectors, "model or run, and data", "two weights or biases"),
    "allowed-updates": Plot(allowed_updates, "model or run, and data", "two weights of one unit: W2[0,0], W2[0,1]"),
}
