"""The slips of hand calculation, as formulas: what a number becomes when one thing goes wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.course.exercises import Shape, back, value_of
from chainrule.course.judge import mutations

SIGMA = "forgot σ′"
UPDATED = "used the updated weight"
SIGN = "sign"
INDEX = "wrong index"
PATH = "missing path"
ROUNDED = "rounded operands"
BIAS = "forgot the bias"
HALF = "forgot the ½"
NET = "net input in place of the output"
RATE = "forgot the learning rate"
TYPING = "typing error"
OTHER = "another slip"

Slip = tuple[str, str, str]
"""The slip, what happened in words, and the formula that it gives."""


def slips(shape: Shape, name: str) -> Iterator[Slip]:
    """The slips that can befall one quantity of an exercise, the likeliest first."""
    kind, _, rest = name.partition("_")
    if name == "E":
        yield from _of_error(shape)
    elif kind == "net":
        yield from _of_net(shape, rest)
    elif kind == "out":
        yield NET, "the net input was passed on, without the sigmoid", f"net_{rest}"
        yield SIGN, "e^net in place of e^−net", f"sigmoid(-net_{rest})"
        yield OTHER, "tanh in place of the sigmoid", f"tanh(net_{rest})"
    elif kind == "delta":
        yield from _of_delta(shape, rest)
    elif name.endswith("_new"):
        yield from _of_update(name[:-4])
    elif name.startswith("dE_dw_"):
        to, _, source = name.removeprefix("dE_dw_").partition("_")
        yield from _of_gradient(shape, to, source)
    elif name.startswith("dE_db_"):
        unit = name.removeprefix("dE_db_")
        yield SIGN, "the sign is turned", f"-delta_{unit}"
        yield INDEX, "the net input's factor for a bias is 1, not the bias", f"delta_{unit}*b_{unit}"
        for layer in shape.layers[1:]:
            for other in layer if unit in layer else ():
                if other != unit:
                    yield INDEX, f"δ of {other} in place of {unit}", f"delta_{other}"


def _of_error(shape: Shape) -> Iterator[Slip]:
    outputs = shape.layers[-1]
    yield HALF, "without the ½", " + ".join(f"(t_{o} - out_{o})**2" for o in outputs)
    yield OTHER, "the differences were not squared", " + ".join(f"(t_{o} - out_{o})/2" for o in outputs)
    for left_out in outputs if len(outputs) > 1 else ():
        yield (
            PATH,
            f"the error of {left_out} is missing",
            " + ".join(f"(t_{o} - out_{o})**2/2" for o in outputs if o != left_out),
        )
    yield NET, "net inputs in place of outputs", " + ".join(f"(t_{o} - net_{o})**2/2" for o in outputs)


def _of_net(shape: Shape, unit: str) -> Iterator[Slip]:
    sources = shape.before(unit)
    terms = {one: f"w_{unit}_{one}*{value_of(one)}" for one in sources}
    total = " + ".join(terms.values())
    yield BIAS, "without the bias", total
    yield SIGN, "the bias is subtracted", f"{total} - b_{unit}"
    for i, one in enumerate(sources):
        others = [text for other, text in terms.items() if other != one]
        yield PATH, f"without the term of {one}", " + ".join([*others, f"b_{unit}"])
        yield SIGN, f"the term of {one} with the wrong sign", " + ".join([*others, f"b_{unit}"]) + f" - {terms[one]}"
        for other in sources[i + 1 :]:
            swapped = {**terms, one: f"w_{unit}_{other}*{value_of(one)}", other: f"w_{unit}_{one}*{value_of(other)}"}
            yield (
                INDEX,
                f"the weights from {one} and {other} are exchanged",
                " + ".join([*swapped.values(), f"b_{unit}"]),
            )
    for layer in shape.layers[1:]:
        for other in layer if unit in layer else ():
            if other != unit:
                weights = " + ".join(f"w_{other}_{one}*{value_of(one)}" for one in sources)
                yield INDEX, f"weights into {other} in place of {unit}", f"{weights} + b_{unit}"
                yield INDEX, f"weights and bias of {other} in place of {unit}", f"{weights} + b_{other}"
                yield INDEX, f"the bias of {other} in place of {unit}", f"{total} + b_{other}"
        if unit in layer and len(layer) == len(sources):
            row = layer.index(unit)
            turned = [f"w_{layer[j]}_{sources[row]}*{value_of(one)}" for j, one in enumerate(sources)]
            yield INDEX, "the indices of the weights are exchanged", " + ".join([*turned, f"b_{unit}"])
    if any(not one.startswith("x") for one in sources):
        nets = " + ".join(f"w_{unit}_{one}*net_{one}" for one in sources)
        yield NET, "net inputs of the layer before in place of its outputs", f"{nets} + b_{unit}"


def _of_delta(shape: Shape, unit: str) -> Iterator[Slip]:
    slope = f"out_{unit}*(1 - out_{unit})"
    onward = shape.after(unit)
    comes = f"(out_{unit} - t_{unit})" if not onward else f"({back(shape, unit)})"
    yield SIGMA, f"σ′ of {unit}, out·(1 − out), is missing", comes
    yield SIGN, "the sign is turned (t − out is −∂E/∂out)", f"-{comes}*{slope}"
    yield NET, "σ′ with the net input in place of the output", f"{comes}*net_{unit}*(1 - net_{unit})"
    yield (
        NET,
        "σ′ taken at the output in place of the net input",
        f"{comes}*sigmoid(out_{unit})*(1 - sigmoid(out_{unit}))",
    )
    yield SIGMA, "σ′ is only 1 − out", f"{comes}*(1 - out_{unit})"
    yield SIGMA, "σ′ is only out", f"{comes}*out_{unit}"
    yield OTHER, "the slope of tanh, 1 − out², in place of out·(1 − out)", f"{comes}*(1 - out_{unit}**2)"
    yield SIGMA, f"σ′ of {unit} comes twice", f"{comes}*{slope}*{slope}"
    layer = next(one for one in shape.layers if unit in one)
    for other in layer:
        if other != unit:
            yield INDEX, f"σ′ of {other} in place of {unit}", f"{comes}*out_{other}*(1 - out_{other})"
    if not onward:
        yield PATH, "without out − t", slope
        for other in layer:
            if other != unit:
                yield INDEX, f"the target of {other} in place of {unit}", f"(out_{unit} - t_{other})*{slope}"
        return
    updated = " + ".join(f"delta_{k}*w_{k}_{unit}_new" for k in onward)
    yield UPDATED, "with the weights after the update in place of the old ones", f"({updated})*{slope}"
    for k in onward:
        if len(onward) > 1:
            yield PATH, f"the path through {k} is missing", f"({back(shape, unit, [k])})*{slope}"
        else:
            yield PATH, f"the weight to {k} is missing", f"delta_{k}*{slope}"
            yield PATH, f"δ of {k} is missing", f"w_{k}_{unit}*{slope}"
        kept = [f"delta_{j}*w_{j}_{unit}" for j in onward if j != k]
        no_slope = [*kept, f"(out_{k} - t_{k})*w_{k}_{unit}"] if not shape.after(k) else kept
        yield SIGMA, f"σ′ of {k} is missing", f"({' + '.join(no_slope) or '0'})*{slope}"
    for other in layer:
        if other != unit:
            yield INDEX, f"the weights from {other} in place of {unit}", f"({back(shape, other)})*{slope}"
            yield INDEX, f"{other} in place of {unit}", f"({back(shape, other)})*out_{other}*(1 - out_{other})"
    for i, one in enumerate(onward):
        for other in onward[i + 1 :]:
            swapped = [f"delta_{k}*w_{k}_{unit}" for k in onward if k not in (one, other)]
            swapped += [f"delta_{one}*w_{other}_{unit}", f"delta_{other}*w_{one}_{unit}"]
            yield INDEX, f"the weights to {one} and {other} are exchanged", f"({' + '.join(swapped)})*{slope}"
    if len(layer) == len(onward):
        row = layer.index(unit)
        turned = " + ".join(f"delta_{k}*w_{onward[row]}_{layer[j]}" for j, k in enumerate(onward))
        yield INDEX, "the indices of the weights are exchanged", f"({turned})*{slope}"


def _of_gradient(shape: Shape, to: str, source: str) -> Iterator[Slip]:
    value = value_of(source)
    yield SIGN, "the sign is turned", f"-delta_{to}*{value}"
    yield PATH, f"without the factor {value}", f"delta_{to}"
    for other in shape.before(to):
        if other != source:
            yield INDEX, f"the value of {other} in place of {source}", f"delta_{to}*{value_of(other)}"
    layer = next(one for one in shape.layers if to in one)
    for other in layer:
        if other != to:
            yield INDEX, f"δ of {other} in place of {to}", f"delta_{other}*{value}"
    if not source.startswith("x"):
        yield NET, "the net input in place of the output", f"delta_{to}*net_{source}"
        yield INDEX, "δ of the unit that it comes from", f"delta_{source}*{value}"
    yield INDEX, "the weight itself in place of the value that it multiplies", f"delta_{to}*w_{to}_{source}"
    yield INDEX, "the output of the unit that it leads to", f"delta_{to}*out_{to}"


def _of_update(name: str) -> Iterator[Slip]:
    gradient = f"dE_d{name}"
    yield SIGN, "a plus in place of the minus: that climbs the error", f"{name} + eta*{gradient}"
    yield RATE, "without the learning rate", f"{name} - {gradient}"
    yield OTHER, "only the change, without the old value", f"-eta*{gradient}"
    yield OTHER, "only the size of the change", f"eta*{gradient}"
    yield OTHER, "the old value, not changed", name


def of_formula(expr: str, names: dict[str, float]) -> Iterator[Slip]:
    """The slips of any formula, where nothing is known about the network: one small change, then two that come together."""
    for what, changed in mutations(expr, names):
        yield _kind(what), what, changed
    for what, changed in mutations(expr, names):
        if what.startswith("without"):
            for also, twice in mutations(changed, names):
                if "in place of" in also or "exchanged" in also or also == "the opposite sign":
                    yield _kind(what), f"{what}, and {also}", twice


def _kind(what: str) -> str:
    """The slip that a change of a formula is."""
    if re.fullmatch(r"without the term (b|th|bias)[\w·]*", what):
        return BIAS
    if re.fullmatch(r"without the factor dout_(\w+)_dnet_\1", what):
        return SIGMA
    words = {"σ′": SIGMA, "minus": SIGN, "sign": SIGN, "without": PATH}
    return next((slip for word, slip in words.items() if word in what), INDEX)
