"""Threshold units: McCulloch-Pitts neurons, perceptrons, what one of them can compute, and networks of them."""

from chainrule.threshold.boolean import BooleanFunction, all_functions, patterns
from chainrule.threshold.learning import Learning, learn
from chainrule.threshold.lines import Regions, decision_line, regions
from chainrule.threshold.networks import every_pattern, truth_table, xor_by_differences, xor_by_two_lines
from chainrule.threshold.neurons import McCullochPitts, gate, perceptron
from chainrule.threshold.separate import Contradiction, Separation, separate

__all__ = [
    "BooleanFunction", "Contradiction", "Learning", "McCullochPitts", "Regions", "Separation", "all_functions",
    "decision_line", "every_pattern", "gate", "learn", "patterns", "perceptron", "regions", "separate", "truth_table",
    "xor_by_differences", "xor_by_two_lines",
]  # fmt: skip
