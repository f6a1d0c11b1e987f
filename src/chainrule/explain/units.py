"""From the network's own numbers to the units of the columns: standardised inputs and targets, by their names."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from chainrule.data.encode import Encoder, TargetColumn
from chainrule.data.inputs import Input
from chainrule.data.table import counted
from chainrule.explain.address import QUOTIENT
from chainrule.explain.digits import shown
from chainrule.explain.enough import enough_digits
from chainrule.explain.explanation import RELATIVE, Explanation
from chainrule.explain.formula import evaluate, names_in, written
from chainrule.explain.lines import Kind, Line, Name, Role, Section
from chainrule.explain.sentences import say
from chainrule.shapes import Array


@dataclass(frozen=True)
class Meant:
    """An address with column names as the network understands it: `of`; the target whose unit the value (or what is
    differentiated) has, and the number of the input by whose column it is differentiated."""

    of: str
    target: TargetColumn | None = None
    input: int | None = None


def meant(encoder: Encoder, of: str) -> Meant:
    """What names of columns stand for: `price` is the prediction, `age` the input of that name.

    >>> from chainrule.data.files import read_table
    >>> from chainrule.data.schema import infer_schema
    >>> from chainrule.data.fit_encoder import fit_encoder
    >>> table = read_table({"age": [20, 30, 40], "fare": [1.5, 2.5, 3.7]})
    >>> meant(fit_encoder(table, infer_schema(table, "fare")), "d fare / d age").of
    'd prediction[0] / d x[0]'
    """
    text = of.strip()
    if text in ("loss", "prediction") and not (text == "prediction" and len(encoder.targets) == 1):
        return Meant(of)
    if match := QUOTIENT.fullmatch(text):
        above, target = _prediction(encoder, match[1])
        number = _input(encoder, match[2])
        if number is None:
            return Meant(f"d {above} / d {match[2]}")
        return Meant(f"d {above} / d x[{number}]", target, number)
    number = _input(encoder, text)
    if number is not None:
        return Meant(f"x[{number}]", None, number)
    above, target = _prediction(encoder, text)
    return Meant(above, target)


def _input(encoder: Encoder, name: str) -> int | None:
    return encoder.input_names.index(name) if name in encoder.input_names else None


def _prediction(encoder: Encoder, text: str) -> tuple[str, TargetColumn | None]:
    """The address of a prediction, and its target where the prediction is a number in a unit."""
    if encoder.classes:
        return text, None
    for number, target in enumerate(encoder.targets):
        own = re.sub(r"\s", "", text) == f"prediction[{number}]" or (text == "prediction" and len(encoder.targets) == 1)
        if text == target.name or own:
            return f"prediction[{number}]", target
    return text, None


def labels_in_network(encoder: Encoder) -> dict[str, str]:
    """The symbols of the inputs: `x_age` where the column age is standardised, else the column's own name."""
    return {f"x[{i}]": f"x_{one.name}" if _scaled(one) else one.name for i, one in enumerate(encoder.inputs)}


def in_units(explanation: Explanation, encoder: Encoder, asked: Meant, output: str, raw: Array) -> Explanation:
    """The explanation, begun with how its inputs were standardised and ended in the unit of what was asked. `output` is the
    slot of the predictions; `raw` are the row's inputs in the units of their columns, as `Encoder.raw` gives them."""
    named = frozenset(encoder.input_names) | {target.name for target in encoder.targets}
    explanation = _with_inputs(replace(explanation, columns=named), encoder, raw)
    explanation = _with_class(explanation, encoder, output)
    if asked.input is not None:
        return _derivative(explanation, encoder, asked, float(raw[asked.input]))
    return explanation if asked.target is None else _value(explanation, asked.target)


def units_of(encoder: Encoder, x: Array) -> Array:
    """The inputs of one example in the units of their columns, to 15 digits: as they stood in the table, without the
    rounding of the way there and back (of a bent scale less comes back: `Encoder.raw` reads the table instead)."""
    pairs = zip(encoder.inputs, x.tolist(), strict=True)
    return np.array([float(f"{one.to_unit(value):.15g}") for one, value in pairs])


def _called(one: Input) -> tuple[str, str]:
    """What an input's shift and scale are called."""
    if one.clip:
        return "median", "spread"
    return ("mean", "sd") if one.meaning == "value" else ("middle", "unit")


def _scaled(one: Input) -> bool:
    return (one.shift, one.scale) != (0.0, 1.0)


def _with_inputs(explanation: Explanation, encoder: Encoder, raw: Array) -> Explanation:
    """x_age = (age − mean)/sd for every standardised input that stands at the beginning of the working; where the scale
    is robust, x_age = r/√(1 + (r/3)²) with r_age = (age − median)/spread."""
    names, lines = dict(explanation.names), []
    for key, name in explanation.names.items():
        place = re.fullmatch(r"x\[(\d+)\]", name.address)
        if name.kind != "input" or place is None or not _scaled(encoder.inputs[int(place[1])]):
            continue
        one, i = encoder.inputs[int(place[1])], place[1]
        column = _leaf(names, f"column_{i}", one.name, float(raw[int(i)]), "input")
        centre, spread = _called(one)
        deviation = _leaf(names, f"sd_{i}", f"{spread}_{one.name}", one.scale)
        expr = f"{column}/{deviation}"
        if one.shift:
            expr = f"({column} - {_leaf(names, f'mean_{i}', f'{centre}_{one.name}', one.shift)})/{deviation}"
        if one.clip:
            lines.append(_line(names, f"straight_{i}", f"r_{one.name}", expr, None, "forward", explanation.digits))
            expr = _bent(f"straight_{i}", one.clip)
        lines.append(_line(names, key, name.symbol, expr, name.value, "forward", explanation.digits))
    if not lines:
        return explanation
    section = Section(say("standardised"), tuple(lines))
    return replace(explanation, names=names, sections=(section, *explanation.sections))


def _with_class(explanation: Explanation, encoder: Encoder, output: str) -> Explanation:
    """Say which class a probability belongs to; of two classes the one output is that of the second."""
    place = re.fullmatch(rf"{output}\[(\d+)\]", explanation.address)
    if place is None or not encoder.classes:
        return explanation
    classes = encoder.classes[1:] if len(encoder.classes) == 2 else encoder.classes
    told = (
        say("probability", symbol=explanation.target, name=classes[int(place[1])]) if len(encoder.targets) == 1 else ""
    )
    return replace(explanation, notes=(told, *explanation.notes)) if told else explanation


def _bent(straight: str, clip: float) -> str:
    return f"{straight}/sqrt(1 + ({straight}/{clip:g})**2)"


def _value(explanation: Explanation, target: TargetColumn) -> Explanation:
    """price = a·sd + mean."""
    if (target.shift, target.scale) == (0.0, 1.0):
        return explanation
    names = dict(explanation.names)
    deviation = _leaf(names, "sd_target", f"sd_{target.name}", target.scale)
    mean = _leaf(names, "mean_target", f"mean_{target.name}", target.shift)
    expr = f"{explanation.result}*{deviation} + {mean}"
    line = _line(names, "in_units", target.name, expr, None, "forward", explanation.digits)
    engine = explanation.engine
    return replace(
        explanation, names=names, target=target.name, value=line.value, result=line.key,
        sections=(*explanation.sections, Section(say("own_units"), (line,))),
        engine=None if engine is None else engine * target.scale + target.shift,
        tolerance=explanation.tolerance * target.scale + RELATIVE * abs(target.shift),
    )  # fmt: skip


def _derivative(explanation: Explanation, encoder: Encoder, asked: Meant, raw: float) -> Explanation:
    """∂price/∂age = sd of price · ∂a/∂x · 1/sd of age; a bent scale gives the factor 1/√(1 + (r/3)²)³ further."""
    assert asked.input is not None
    names, one = dict(explanation.names), encoder.inputs[asked.input]
    expr, factor = explanation.result, 1.0
    if asked.target is not None and asked.target.scale != 1.0:
        expr = _leaf(names, "sd_target", f"sd_{asked.target.name}", asked.target.scale) + f"*{expr}"
        factor *= asked.target.scale
    turned = 1.0
    if one.scale != 1.0:
        expr += "/" + _leaf(names, f"sd_{asked.input}", f"{_called(one)[1]}_{one.name}", one.scale)
        turned /= one.scale
    if one.clip:
        straight = _leaf(names, f"straight_{asked.input}", f"r_{one.name}", (raw - one.shift) / one.scale)
        expr += f"/sqrt(1 + ({straight}/{one.clip:g})**2)**3"
        turned /= math.hypot(1.0, names[straight].value / one.clip) ** 3
    factor *= turned
    if further := [other.meaning for other in encoder.inputs if other.number == one.name]:
        told = " and ".join(counted(further.count(kind), kind) for kind in ("piece", "wave") if kind in further)
        note = say("straight_alone", name=one.name, further=told)
        explanation = replace(explanation, notes=(note, *explanation.notes))
    if factor == 1.0 and asked.target is None:
        return explanation
    above = asked.target.name if asked.target else explanation.target.removeprefix("∂").partition("/∂")[0]
    line = _line(names, "in_units", f"∂{above}/∂{one.name}", expr, None, "product", explanation.digits)
    estimate, engine = explanation.finite_difference, explanation.engine
    return replace(
        explanation, names=names, target=line.symbol, value=line.value, result=line.key,
        statement=say("gradient_value", loss=above, symbol=one.name, place=say("input")),
        sections=(*explanation.sections, Section(say("own_units"), (line,))),
        engine=None if engine is None else engine * factor,
        tolerance=explanation.tolerance * factor + RELATIVE * abs(line.value),
        paths=None if explanation.paths is None else explanation.paths * factor,
        finite_difference=None if estimate is None else replace(
            estimate, value=estimate.value * factor, step=estimate.step / turned, accuracy=estimate.accuracy * factor
        ),
    )  # fmt: skip


def _leaf(names: dict[str, Name], key: str, symbol: str, value: float, kind: Kind = "constant") -> str:
    names.setdefault(key, Name(key, symbol, value, kind))
    return key


def _line(
    names: dict[str, Name], key: str, symbol: str, expr: str, value: float | None, role: Role, digits: int
) -> Line:
    if value is None:
        value = evaluate(expr, {name: names[name].value for name in names_in(expr)})[0]
    names[key] = Name(key, symbol, value, "line", names[key].address if key in names else "")
    formula = written(expr, lambda name: names[name].symbol)
    needed = enough_digits(expr, names, digits)
    numbers = written(expr, lambda name: shown(names[name].value, needed))
    return Line(key, symbol, expr, formula, numbers, value, role)
