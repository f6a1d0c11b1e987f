"""An evaluator of explanations as JSON that shares nothing with the library: it recomputes every line from its operands.

A number carries the size of what it was made of, so that the tolerance is relative to the terms, not to what cancels.
"""

import json
import math


class Number:
    """A value and the size of the terms that were added up to it."""

    def __init__(self, value, size=None):
        self.value = float(value)
        self.size = abs(self.value) if size is None else max(float(size), abs(self.value))

    def __add__(self, other):
        other = number(other)
        return Number(self.value + other.value, self.size + other.size)

    def __sub__(self, other):
        return self + -number(other)

    def __neg__(self):
        return Number(-self.value, self.size)

    def __mul__(self, other):
        other = number(other)
        return Number(self.value * other.value, self.size * other.size)

    def __truediv__(self, other):
        other = number(other)
        value = self.value / other.value
        return Number(value, self.size / abs(other.value) * (other.size / abs(other.value)))

    def __pow__(self, power):
        power = number(power)
        value = self.value**power.value
        worse = (self.size / abs(self.value)) if self.value else 1.0
        return Number(value, abs(value) * worse * max(abs(power.value), 1.0))

    def __radd__(self, other):
        return number(other) + self

    def __rsub__(self, other):
        return number(other) - self

    def __rmul__(self, other):
        return number(other) * self

    def __rtruediv__(self, other):
        return number(other) / self

    def __gt__(self, other):
        return self.value > number(other).value

    def __lt__(self, other):
        return self.value < number(other).value

    def __ge__(self, other):
        return self.value >= number(other).value

    def __le__(self, other):
        return self.value <= number(other).value


def number(x):
    return x if isinstance(x, Number) else Number(x)


def _function(f, slope):
    def apply(x):
        x = number(x)
        value = f(x.value)
        return Number(value, abs(value) + slope(x.value, value) * x.size)

    return apply


FUNCTIONS = {
    "exp": _function(math.exp, lambda x, v: v),
    "ln": _function(math.log, lambda x, v: 1 / x),
    "sqrt": _function(math.sqrt, lambda x, v: 0.5 / v),
    "tanh": _function(math.tanh, lambda x, v: 1.0),
    "erf": _function(math.erf, lambda x, v: 1.2),
    "sigmoid": _function(lambda x: 1 / (1 + math.exp(-x)), lambda x, v: 0.25),
    "abs": _function(abs, lambda x, v: 1.0),
    "cos": _function(math.cos, lambda x, v: 1.0),
    "sin": _function(math.sin, lambda x, v: 1.0),
    "max": lambda *xs: max(map(number, xs), key=lambda x: x.value),
    "min": lambda *xs: min(map(number, xs), key=lambda x: x.value),
    "pi": math.pi,
}


def recompute(explanation, leaf_kinds=("input", "parameter", "target", "constant", "recorded")):
    """Recompute every line of an explanation's JSON from what stands above it. Returns the number of lines."""
    plain = json.loads(json.dumps(explanation.to_dict(), allow_nan=False))
    return _recompute(plain, leaf_kinds)


def _recompute(plain, leaf_kinds):
    known = {key: name["value"] for key, name in plain["names"].items() if name["kind"] in leaf_kinds}
    count = 0
    for section in plain["sections"]:
        for line in section["lines"]:
            for key, value in line["operands"].items():
                assert key in known, f"{line['symbol']} uses {key} before it is known"
                assert known[key] == value
            operands = {key: Number(value) for key, value in line["operands"].items()}
            found = number(eval(line["expr"], {"__builtins__": {}}, {**FUNCTIONS, **operands}))
            error = abs(found.value - line["value"])
            wrong = f"{line['symbol']} = {line['expr']}: {found.value!r}, not {line['value']!r}"
            assert error <= 1e-12 * found.size + 1e-300, wrong
            known[line["key"]] = line["value"]
            count += 1
    assert known[plain["result"]] == plain["value"]
    for child in plain["children"]:
        count += _recompute(child, leaf_kinds)
    return count
