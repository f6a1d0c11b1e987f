"""Why this number? The working of any quantity of a pass, as lines that can be recomputed by hand."""

from chainrule.explain.by_hand import HandCalculation, by_hand
from chainrule.explain.derivation import Derivation, Derived, derivations
from chainrule.explain.derive import explain, explain_trace
from chainrule.explain.explanation import Explanation
from chainrule.explain.lines import FiniteDifference, Line, Name, Section
from chainrule.explain.matrix import MatrixExplanation, explain_matrix
from chainrule.explain.matrix_terms import Matrix
from chainrule.explain.notation import NOTATIONS, Notation, from_toml, notation
from chainrule.explain.update import explain_update

__all__ = [
    "NOTATIONS", "Derivation", "Derived", "Explanation", "FiniteDifference", "HandCalculation", "Line", "Matrix",
    "MatrixExplanation", "Name", "Notation", "Section", "by_hand", "derivations", "explain", "explain_matrix",
    "explain_trace", "explain_update", "from_toml", "notation",
]  # fmt: skip
