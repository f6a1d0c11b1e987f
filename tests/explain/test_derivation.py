"""Derivations of slopes: every line is the derivative it says, the last one is the catalog's own slope."""

import random

import pytest
from click.testing import CliRunner

from chainrule import activations, losses
from chainrule.calculus.formula import evaluate
from chainrule.cli.catalogs import activations as command
from chainrule.errors import SettingError
from chainrule.explain.derivation import Derivation, _derivation, derivations
from chainrule.explain.formula import names_in

RECORDS = [*activations, *losses]
ALL = [(record, one) for record in RECORDS for one in derivations(record)]
POINTS = 40


def point(record, one: Derivation, source: random.Random) -> dict[str, float]:
    """Numbers for every name: the constants of the record, targets and predictions that it allows."""
    low, high = getattr(record, "targets", (-2.0, 2.0))
    p_low, p_high = getattr(record, "domain", (-2.0, 2.0))
    names = {name: source.uniform(-3.0, 3.0) for name in ("z", "u", "draw")}
    names["draw"] = source.random()
    names["y"] = source.uniform(max(low, -2.0), min(high, 2.0))
    names["p"] = source.uniform(max(p_low, -2.0) + 0.01, min(p_high, 2.0) - 0.01)
    names |= record.constants | {"k": 2.0}
    for learned in getattr(record, "learned", ()):
        names[learned.name] = source.uniform(0.1, 0.9)
    return with_short_names(one, names)


def with_short_names(one: Derivation, names: dict[str, float]) -> dict[str, float]:
    return {**names, **{name: evaluate(expr, names) for name, expr in one.where.items()}}


@pytest.mark.parametrize(("record", "one"), ALL, ids=[one.title.partition(":")[0] for _, one in ALL])
def test_every_line_is_the_derivative_of_what_it_says(record, one) -> None:
    source = random.Random(7)
    for _ in range(POINTS):
        names = point(record, one, source)
        for line in one.lines:
            h = 1e-5

            def of(by: float, line=line, names=names) -> float:
                return evaluate(line.of, {**names, one.by: by})

            at = names[one.by]
            estimate = (of(at - 2 * h) - 8 * of(at - h) + 8 * of(at + h) - of(at + 2 * h)) / (12 * h)
            slope = evaluate(line.slope, names)
            # a difference of order h⁴; rounding of values around 10, divided by h
            assert slope == pytest.approx(estimate, rel=1e-8, abs=1e-8), f"{line.of} → {line.slope}"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_derivation_ends_with_the_slope_of_the_catalog(record) -> None:
    own = derivations(record)[0]
    source = random.Random(3)
    for _ in range(POINTS):
        names = point(record, own, source)
        expected = evaluate(record.slope_expr, names)
        assert evaluate(own.lines[-1].slope, names) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    fused = {head.activation: head for head in getattr(record, "heads", ())}
    for head, one in zip(fused.values(), derivations(record)[1:], strict=False):
        names = point(record, one, source)
        assert evaluate(one.lines[-1].slope, names) == pytest.approx(evaluate(head.slope_expr, names), rel=1e-12)


def test_learned_parameters_are_derived_too() -> None:
    for record in activations:
        found = derivations(record)
        assert [one.by for one in found] == ["z", *(learned.name for learned in record.learned)]
        for one, slope in zip(found[1:], record.learned_slope_exprs, strict=True):
            names = point(record, one, random.Random(1))
            assert evaluate(one.lines[-1].slope, names) == evaluate(slope, names)


def test_other_constants_keep_the_derivations_right() -> None:
    for name in ("categorical_crossentropy", "binary_crossentropy"):
        smooth = losses.get(name, label_smoothing=0.2)
        for one in derivations(smooth):
            names = point(smooth, one, random.Random(2))
            last, first = (evaluate(line.slope, names) for line in (one.lines[-1], one.lines[-2]))
            assert last == pytest.approx(first, rel=1e-12)
    smht = activations.get("smht", a=0.5, b=0.7)
    names = point(smht, derivations(smht)[0], random.Random(2))
    assert evaluate(derivations(smht)[0].lines[-1].slope, names) == evaluate(smht.slope_expr, names)


def test_the_textbook_endings() -> None:
    assert derivations(activations.get("sigmoid"))[0].text()[-1] == "    = a·(1 − a)   with a = 1/(1 + e^−z)"
    for name in ("categorical_crossentropy", "binary_crossentropy"):
        assert derivations(losses.get(name))[1].text()[-1].startswith("    = p − y")


def test_no_line_is_wider_than_a_terminal() -> None:
    assert max(len(line) for _, one in ALL for line in one.text()[1:]) <= 100


@pytest.mark.parametrize(
    ("expr", "slope"),
    [
        ("sqrt(z)", "1/(2*sqrt(z))"), ("sigmoid(2*z)", "sigmoid(2*z)*(1 - sigmoid(2*z))*2"), ("abs(z)*z", "2*abs(z)"),
        ("min(z, z**2)", "1 if z > 1 else 2*z"), ("3/z**2", "-6/z**3"), ("(z + 1)**0.5", "0.5/(z + 1)**0.5"),
        ("erf(z**2)", "2*exp(-z**4)/sqrt(pi)*2*z"), ("z/(z + 1)/5", "1/(5*(z + 1)**2)"), ("step(y)*z", "step(y)"),
    ],
)  # fmt: skip
def test_each_rule_alone(expr: str, slope: str) -> None:
    found = _derivation("", expr, "z", slope).lines
    for z in (0.3, 0.8, 1.7):
        values = [evaluate(line.slope, {"z": z, "y": 1.0}) for line in found if line.of == expr]
        assert values == pytest.approx([evaluate(slope, {"z": z, "y": 1.0})] * len(values), rel=1e-12)


@pytest.mark.parametrize("expr", ["step(z)", "2**z", "max(z, 1, 2)", "z % 2"])
def test_a_formula_without_a_rule_is_refused(expr: str) -> None:
    with pytest.raises(SettingError, match="CR209"):
        _derivation("", expr, "z", "0")


def test_every_line_names_its_rule() -> None:
    assert all(line.why for _, one in ALL for line in one.lines)
    assert all(names_in(line.of) for _, one in ALL for line in one.lines)


def test_the_command_derives() -> None:
    said = CliRunner().invoke(command, ["sigmoid", "tanh", "--derive"]).output
    assert "(e^−z)′ = −e^−z   (e^u)′ = e^u·u′" in said
    assert "= a·(1 − a)" in said and "= 1 − a²" in said
    assert '"why"' in CliRunner().invoke(command, ["relu", "--derive", "--json"]).output
