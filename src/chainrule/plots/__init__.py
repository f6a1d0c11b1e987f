"""Pictures: every function draws in `ax`, or in a new figure, and returns the matplotlib Axes it drew in."""

from chainrule.plots.activation import activation
from chainrule.plots.contours import descent_frames, error_surface
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
from chainrule.plots.style import STYLES, save, style
from chainrule.plots.surface import Surface, surface_of
from chainrule.plots.table import PLOTS, Plot
from chainrule.plots.vectors import update_vectors
from chainrule.plots.weights import weight_map

__all__ = [
    "PLOTS", "STYLES", "Plot", "Surface", "activation", "allowed_updates", "calibration", "confusion_matrix",
    "decision_regions", "descent_frames", "error_curve", "error_surface", "error_surface_3d", "fitted_curve",
    "gradient_norms", "histograms", "importance", "learning_curves", "network", "partial_dependence",
    "precision_recall", "residuals", "roc", "save", "style", "surface_of", "update_vectors", "weight_map",
]  # fmt: skip
