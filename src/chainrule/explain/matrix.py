"""The same step in matrices: z1 = x W1ᵀ + b1, δ1 = (δ2 W2) ⊙ g′(z1), ∂L/∂W1 = δ1ᵀ x, with shapes and numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.calculus.formula import evaluate
from chainrule.engines.reference import backward_pass
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import PromiseError, SettingError
from chainrule.explain.formula import LATEX, TEXT, Style, names_in, rename, written
from chainrule.explain.matrix_writing import latex_of, matrix_symbol, text_of
from chainrule.explain.sentences import say
from chainrule.explain.working import in_float64, one_row
from chainrule.layers import OPS
from chainrule.plan import Step
from chainrule.shapes import Array

SCHEMA = "chainrule-matrices/1"
TOLERANCE = 1e-9  # of a line, relative to its largest entry: some rounding of sums of any length a network has


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix of the working. `expr` is Python's notation over the keys of others: `@`, `.T`, `+` and `*` as in NumPy,
    `softmax` by rows, `sum_rows`, `sum_all`, or where `note` says so a formula of one entry; it is empty for a matrix that is
    given. `shapes`: those of the formula."""

    key: str
    symbol: str
    value: Array
    expr: str = ""
    formula: str = ""
    latex: str = ""
    shapes: str = ""
    note: str = ""

    @property
    def shape(self) -> str:
        return "×".join(map(str, self.value.shape))


@dataclass(frozen=True, eq=False)
class MatrixExplanation:
    """The gradient of a whole parameter or the delta of a whole slot, in matrices. `result` is the last line."""

    target: str
    address: str
    given: tuple[Matrix, ...]
    lines: tuple[Matrix, ...]
    engine: Array
    engine_name: str
    row: int | None
    digits: int

    @property
    def result(self) -> Matrix:
        return self.lines[-1]

    @property
    def value(self) -> Array:
        """The matrix asked for; a bias or a delta is a row."""
        return self.result.value

    def to_text(self) -> str:
        """Every matrix under its formula and its shapes; large ones with … in place of what is left out."""
        return text_of(self.given, self.lines, self.digits)

    def to_latex(self, *, document: bool = False) -> str:
        """The same as LaTeX with amsmath; with `document`, a file that compiles alone."""
        return latex_of(self.given, self.lines, self.digits, document=document)

    def __str__(self) -> str:
        return self.to_text()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, schema "chainrule-matrices/1": `given` and `lines`, every matrix whole."""
        return {
            "schema": SCHEMA, "target": self.target, "address": self.address, "row": self.row, "form": "matrix",
            "given": {one.key: {"symbol": one.symbol, "value": one.value.tolist()} for one in self.given},
            "lines": [
                {
                    "key": one.key, "symbol": one.symbol, "expr": one.expr, "formula": one.formula, "shapes": one.shapes,
                    "value": one.value.tolist(), "note": one.note,
                }
                for one in self.lines
            ],
            "result": self.result.key, "engine": {"name": self.engine_name, "value": self.engine.tolist()},
        }  # fmt: skip


def explain_matrix(trace: Trace | Gradient, of: str, *, row: int | None = None, digits: int = 6) -> MatrixExplanation:
    """The gradient of a whole parameter ("W1", "b2") or of a whole slot ("z1", "a1", "x") in matrices.

    row: one example (its share of a batch's gradient); by default the whole batch, one row of a matrix per example.
    Raises `SettingError` CR210 for anything else, CR204 without targets or where only a single example has matrices
    (softmax without its loss, layer normalisation, maxout), `PromiseError` CR802 when a line is not the engine's number.

    >>> from chainrule import Dense, Network, backward, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> found = explain_matrix(backward(forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0])), "W1")
    >>> found.result.formula, found.result.shapes, found.value.round(6).tolist()
    ('δ1ᵀ x', '(1×2) = (1×1)(1×2)', [[-0.134554, -0.269109]])
    """
    recorded = trace.trace if isinstance(trace, Gradient) else trace
    if recorded.y is None or recorded.plan.objective is None:
        raise SettingError("CR204", "a gradient needs a loss, and a loss needs targets", hint="pass y to forward")
    name = re.sub(r"^(?:delta|δ)\((\w+)\)$", r"\1", re.sub(r"^(?:delta|δ)(\d\w*)$", r"z\1", of.strip()))
    plan = recorded.plan
    if name not in plan._params and name not in plan._slots:
        known = [*plan._params, *plan._slots]
        raise SettingError(
            "CR210", f"there is no whole parameter or layer called {of!r}", expected=", ".join(known), got=repr(of),
            hint="matrices are shown whole: W1, not W1[0,0]",
        )  # fmt: skip
    whole = in_float64(recorded)
    if row is not None:
        whole = one_row(whole, row)
    if whole.gradient is None or any(slot not in whole.deltas for slot in plan.inputs):
        whole = backward_pass(whole)
    sheet = _Sheet(whole)
    if name in plan._params:
        sheet.parameter(name)
        assert whole.gradient is not None
        engine = plan.param(name).of(whole.gradient)
    else:
        sheet.gradient(name)
        engine = whole.deltas[name]
    result = sheet.lines[-1]
    return MatrixExplanation(
        result.symbol, name, tuple(sheet.given.values()), tuple(sheet.lines), np.atleast_2d(engine), recorded.engine,
        row, digits,
    )  # fmt: skip


class _Sheet:
    """Writes the lines, each from matrices above it, and compares each with the engine's own."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.plan = trace, trace.plan
        self.given: dict[str, Matrix] = {}
        self.lines: list[Matrix] = []
        self.made: dict[str, Matrix] = {}

    def give(self, key: str, symbol: str, value: Array) -> Matrix:
        return self.given.setdefault(key, Matrix(key, symbol, np.atleast_2d(value)))

    def add(self, line: Matrix, engine: Array | None = None) -> Matrix:
        if engine is not None:
            size = float(np.abs(engine).max(initial=0.0)) + 1e-300
            if not np.abs(line.value - np.atleast_2d(engine)).max(initial=0.0) <= TOLERANCE * size + 1e-12:
                raise PromiseError("CR802", f"the matrix {line.symbol} = {line.formula} is not the engine's")
        self.lines.append(line)
        self.made[line.key] = line
        return line

    def param(self, name: str) -> Matrix:
        return self.give(name, name, self.plan.param(name).of(self.trace.theta))

    def value(self, slot: str) -> Matrix:
        """The matrix of a slot's values, derived where it is a weighted sum or an activation of one."""
        if slot in self.made:
            return self.made[slot]
        step, recorded = self.plan.makers.get(slot), self.trace.values[slot]
        if step is not None and step.op == "softmax":
            return self._softmax(slot, self.value(step.sources[0]), recorded)
        if step is None or step.op not in ("affine", "activation") or self._is_random(step):
            return self.give(slot, slot, recorded)
        if step.op == "activation":
            return self._entries(slot, slot, step.constants["activation"].expr, self._names(step), recorded)
        source, weights = self.value(step.sources[0]), self.param(step.params[0])
        found = source.value @ weights.value.T
        expr, formula = f"{source.key} @ {weights.key}.T", f"{source.symbol} {weights.symbol}ᵀ"
        latex = rf"{matrix_symbol(source.symbol)}\, {matrix_symbol(weights.symbol)}^\top"
        shapes = f"({source.shape})({'×'.join(map(str, weights.value.T.shape))})"
        if len(step.params) > 1:
            bias = self.param(step.params[1])
            found = found + bias.value
            expr, formula, shapes = f"{expr} + {bias.key}", f"{formula} + {bias.symbol}", f"{shapes} + ({bias.shape})"
            latex += f" + {matrix_symbol(bias.symbol)}"
        return self.add(Matrix(slot, slot, found, expr, formula, latex, _shapes(found, shapes)), recorded)

    def _softmax(self, slot: str, source: Matrix, recorded: Array) -> Matrix:
        shifted = np.exp(source.value - source.value.max(axis=1, keepdims=True))
        found = shifted / shifted.sum(axis=1, keepdims=True)
        latex = rf"\operatorname{{softmax}}({matrix_symbol(source.symbol)})"
        text = f"softmax({source.key})"
        return self.add(Matrix(slot, slot, found, text, text, latex, _shapes(found, ""), say("row_by_row")), recorded)

    def gradient(self, slot: str) -> Matrix:
        """δ of a net input, or ∂L/∂ any other slot, as a line of its own."""
        key = f"d_{slot}"
        if key in self.made:
            return self.made[key]
        objective, recorded = self.plan.objective, self.trace.deltas[slot]
        assert objective is not None
        if slot in (objective.source, self.plan.output):
            return self._from_loss(key, slot)
        parts = [self._part(step, p) for step in self.plan.readers[slot] for p in _positions(step, slot, self.trace)]
        found = sum((part.value for part in parts), np.zeros_like(recorded))
        texts = [(part.expr, part.formula, part.latex, part.shapes) for part in parts] or [("0", "0", "0", "0")]
        expr, formula, latex, shapes = (" + ".join(each) for each in zip(*texts, strict=True))
        return self.add(Matrix(key, _delta(slot), found, expr, formula, latex, _shapes(found, shapes)), recorded)

    def _part(self, step: Step, position: int) -> Matrix:
        """What one step sends back: its target's gradient through its local derivative."""
        slope = self._slope(step)
        if slope is not None:
            before, symbol = self._before(step.target), matrix_symbol(slope.symbol)
            return Matrix(
                "", "", before.value * slope.value, f"({before.expr})*{slope.key}",
                f"{_bracketed(before.formula)} ⊙ {slope.symbol}", rf"{_bracketed(before.latex)} \odot {symbol}",
                f"{before.shapes} ⊙ ({slope.shape})",
            )  # fmt: skip
        delta = self.gradient(step.target)
        if step.op == "affine":
            by = self.param(step.params[0])
        else:
            sources, params = self._operands(step)
            local = OPS[step.op].local(step, sources, params, self.trace.values[step.target], self.trace.run)[position]
            if len(self.trace.x) > 1:
                raise SettingError(
                    "CR204", f"{step.target} has one matrix of derivatives per example", hint="ask for one, row=0"
                )
            source = step.sources[position]
            by = self.give(f"J_{step.target}_{source}", f"∂{step.target}/∂{source}", np.asarray(local.matrix(0)))
        return self._times(delta, by)

    def _times(self, delta: Matrix, by: Matrix) -> Matrix:
        return Matrix(
            "", "", delta.value @ by.value, f"{delta.key} @ {by.key}", f"{delta.symbol} {by.symbol}",
            rf"{matrix_symbol(delta.symbol)}\, {matrix_symbol(by.symbol)}", f"({delta.shape})({by.shape})",
        )  # fmt: skip

    def _before(self, slot: str) -> Matrix:
        """∂L/∂ an activation inside a formula: a product where one weighted sum reads it, else its own line."""
        readers = self.plan.readers[slot]
        assert self.plan.objective is not None
        if slot != self.plan.objective.source and len(readers) == 1 and readers[0].op == "affine":
            return self._part(readers[0], 0)
        line = self.gradient(slot)
        return Matrix(
            "", "", line.value, line.key, line.symbol, matrix_symbol(line.symbol), f"({line.shape})"
        )  # fmt: skip

    def _slope(self, step: Step) -> Matrix | None:
        """g′ of an activation, or the factors of dropout, one entry per unit."""
        if step.op == "activation" and not self._is_random(step):
            key = f"slope_{step.target}"
            if key in self.made:
                return self.made[key]
            function = step.constants["activation"]
            source = step.sources[0]
            sources, params = self._operands(step)
            local = OPS[step.op].local(step, sources, params, self.trace.values[step.target], self.trace.run)[0]
            recorded = local.pull(np.ones_like(self.trace.values[step.target]))
            names = self._names(step) | ({} if "a" in function.constants else {"a": step.target})
            expr = function.slope_from_output or function.slope_expr
            return self._entries(key, f"g′({source})", expr, names, recorded)
        if step.op in ("dropout", "activation"):
            sources, params = self._operands(step)
            local = OPS[step.op].local(step, sources, params, self.trace.values[step.target], self.trace.run)[0]
            factors = local.pull(np.ones_like(self.trace.values[step.target]))
            symbol = f"∂{step.target}/∂{step.sources[0]}"
            return self.give(f"slope_{step.target}", symbol, factors)
        return None

    def _is_random(self, step: Step) -> bool:
        return step.op == "activation" and bool(step.constants["activation"].random)

    def _operands(self, step: Step) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        params = tuple(self.plan.param(name).of(self.trace.theta) for name in step.params)
        return tuple(self.trace.values[source] for source in step.sources), params

    def _names(self, step: Step) -> dict[str, str | float]:
        """What the names of an activation's formula stand for: matrices by key, constants as numbers."""
        function = step.constants["activation"]
        learned = {one.name: name for one, name in zip(function.learned, step.params, strict=True)}
        return {**function.constants, **learned, "z": step.sources[0]}

    def _entries(self, key: str, symbol: str, expr: str, names: Mapping[str, str | float], engine: Array) -> Matrix:
        """A line whose formula holds entry by entry; the engine's own number where the formula overflows."""
        used = {n: names[n] for n in names_in(expr)}
        matrices = {}
        for n in used.values():
            if isinstance(n, str):
                matrices[n] = self.param(n) if n in self.plan._params else (self.given.get(n) or self._known(n))
        shape = engine.shape
        spread = {n: np.broadcast_to(matrices[n].value, shape) for n in matrices}
        numbers = {n: repr(float(v)) if not isinstance(v, str) else v for n, v in used.items()}
        full = rename(expr, {n: f"({text})" for n, text in numbers.items()})
        found = np.empty(shape)
        try:
            for place in itertools.product(*map(range, shape)):
                found[place] = evaluate(full, {n: float(spread[n][place]) for n in spread})
        except (OverflowError, ZeroDivisionError, ValueError):
            found = np.array(engine)
        symbols = {n: one.symbol for n, one in matrices.items()}

        def shown(style: Style) -> str:
            return written(full, lambda n: symbols[n] if style is TEXT else matrix_symbol(symbols[n]), style)

        latex = shown(LATEX)
        note = say("entry_by_entry")
        return self.add(Matrix(key, symbol, found, full, shown(TEXT), latex, _shapes(found, ""), note), engine)

    def _known(self, slot: str) -> Matrix:
        return self.made[slot] if slot in self.made else self.value(slot)

    def _from_loss(self, key: str, slot: str) -> Matrix:
        """The loss's slope at the outputs, times what each example and output counts."""
        objective, trace = self.plan.objective, self.trace
        assert objective is not None and trace.factors is not None and trace.y is not None
        loss, output = objective.loss, self.plan.output
        self.value(output)
        self.give("y", "y", trace.y)
        width = self.plan.slot(output).width
        names: dict[str, str | float] = {**loss.constants, "y": "y", "p": output, "k": float(width)}
        fused = objective.head is not None and slot == objective.source
        expr = objective.head.slope_expr if fused and objective.head else loss.slope_expr
        counts = np.asarray(trace.factors, np.float64)[:, None] * loss.share(width)
        if not np.all(counts == 1.0):
            self.give("r", "r", np.broadcast_to(counts, trace.y.shape))
            expr, names["r"] = f"r*({expr})", "r"
        return self._entries(key, _delta(slot), expr, names, trace.deltas[slot])

    def parameter(self, name: str) -> Matrix:
        """∂L/∂W = δᵀ·source, ∂L/∂b = the rows of δ added up; where several steps use it, their sum."""
        param = self.plan.param(name)
        steps = [step for step in self.plan.steps if name in step.params]
        if len(steps) != 1 or steps[0].op != "affine":
            raise SettingError(
                "CR204", f"{name} has no gradient in matrices", expected="a weight matrix or a bias used by one layer",
                hint="ask for one entry of it, with another form",
            )  # fmt: skip
        step, gradient = steps[0], self.trace.gradient
        assert gradient is not None
        source = self.value(step.sources[0])
        delta = self.gradient(step.target)
        d = matrix_symbol(delta.symbol)
        symbol, engine = f"∂L/∂{name}", param.of(gradient)
        if len(param.shape) == 2:
            found: Array = delta.value.T @ source.value
            expr, formula = f"{delta.key}.T @ {source.key}", f"{delta.symbol}ᵀ {source.symbol}"
            latex = rf"{d}^\top {matrix_symbol(source.symbol)}"
            shapes = f"({'×'.join(map(str, delta.value.T.shape))})({source.shape})"
            if step.constants.get("mask") is not None:
                mask = self.give(f"M_{name}", "M", np.asarray(step.constants["mask"], np.float64))
                found, expr, formula = found * mask.value, f"({expr})*{mask.key}", f"({formula}) ⊙ M"
                latex, shapes = rf"\left({latex}\right) \odot M", f"{shapes} ⊙ ({mask.shape})"
        elif param.size < delta.value.shape[1]:
            found, expr = np.atleast_2d(delta.value.sum()), f"sum_all({delta.key})"
            formula, latex, shapes = say("sum_all", matrix=delta.symbol), rf"\sum_{{n,i}} {d}", f"({delta.shape})"
        elif len(delta.value) == 1:
            found, expr, formula, latex, shapes = delta.value, delta.key, delta.symbol, d, f"({delta.shape})"
        else:
            found, expr = delta.value.sum(axis=0, keepdims=True), f"sum_rows({delta.key})"
            formula, latex, shapes = say("sum_rows", matrix=delta.symbol), rf"\sum_n {d}", f"({delta.shape})"
        return self.add(Matrix(f"d_{name}", symbol, found, expr, formula, latex, _shapes(found, shapes)), engine)


def _positions(step: Step, slot: str, trace: Trace) -> list[int]:
    return [p for p, source in enumerate(step.sources) if source == slot and step.target in trace.deltas]


def _delta(slot: str) -> str:
    return f"δ{slot[1:]}" if re.fullmatch(r"z\d+(_\d+)?", slot) else f"∂L/∂{slot}"


def _shapes(value: Array, right: str) -> str:
    left = "×".join(map(str, np.atleast_2d(value).shape))
    return f"({left}) = {right}" if right else f"({left})"


def _bracketed(formula: str) -> str:
    return f"({formula})" if " " in formula else formula
