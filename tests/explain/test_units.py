"""A model's numbers in the units of its columns."""

import numpy as np
import pytest
from evaluator import recompute

from chainrule import explain, fit
from chainrule.errors import SettingError
from chainrule.explain.by_hand import by_hand

RNG = np.random.default_rng(0)
N = 60
AGE, ROOMS, NEW = RNG.integers(18, 80, N).astype(float), RNG.integers(1, 6, N).astype(float), RNG.integers(0, 2, N)
TABLE = {
    "age": AGE.tolist(),
    "rooms": ROOMS.tolist(),
    "new": [["no", "yes"][i] for i in NEW],
    "price": (200 - 1.5 * AGE + 30 * ROOMS + 20 * NEW).tolist(),
}
HOW = {"network": (3,), "activation": "tanh", "epochs": 5, "validation": 0, "test": 0, "dtype": "float64"}


@pytest.fixture(scope="module")
def model():
    return fit(TABLE, "price", **HOW)


def moved(column: str, row: int, by: float) -> dict:
    one = {name: [values[row]] for name, values in TABLE.items()}
    return {**one, column: [one[column][0] + by]}


@pytest.mark.parametrize("form", ["factors", "delta", "paths"])
@pytest.mark.parametrize("column", ["age", "rooms"])
def test_a_derivative_by_a_column_is_what_the_prediction_changes_by(model, column: str, form: str) -> None:
    h = 1e-3
    for row in (0, 7):
        found = explain(model, TABLE, of=f"d prediction / d {column}", row=row, form=form)
        estimate = (model.predict(moved(column, row, h))[0] - model.predict(moved(column, row, -h))[0]) / (2 * h)
        # a second-order difference of a function whose third derivative is small
        assert found.value == pytest.approx(estimate, rel=1e-6)
        assert found.engine == pytest.approx(found.value, rel=1e-12)
        assert found.finite_difference.value == pytest.approx(found.value, rel=1e-6)
        recompute(found)


def test_the_conversion_stands_beside_the_network_s_own_number(model) -> None:
    found = explain(model, TABLE, of="d price / d age", row=3)
    text = str(found)
    assert "from columns to inputs" in text
    assert "x_age   = (age − mean_age)/sd_age" in text
    assert f"({AGE[3]:g} − 48.5)" in text
    assert "∂price/∂age = sd_price·∂a2[0]/∂x_age/sd_age" in text
    assert "how price changes when age changes" in text
    own = next(line for line in found.lines if line.symbol == "∂a2[0]/∂x_age")
    scale = model.encoder.targets[0].scale / model.encoder.inputs[0].scale
    assert found.value == pytest.approx(own.value * scale, rel=1e-12)
    kinds = {name.symbol: name.kind for name in found.names.values()}
    assert kinds["age"] == "input" and kinds["sd_age"] == "constant" and kinds["x_age"] == "line"


def test_a_prediction_ends_in_the_unit_of_its_target(model) -> None:
    for of in ("prediction", "price", "prediction[0]"):
        found = explain(model, TABLE, of=of, row=5)
        assert found.value == pytest.approx(model.predict(TABLE)[5], rel=1e-12)
        assert "price = a2[0]·sd_price + mean_price" in str(found)
        recompute(found)
    assert explain(model, TABLE, of="a2[0]", row=5).value == pytest.approx(
        (found.value - model.encoder.targets[0].shift) / model.encoder.targets[0].scale, rel=1e-9
    )


def test_every_working_of_a_model_begins_with_its_columns(model) -> None:
    for of in (
        "W1[0,0]",
        "z1[1]",
        "loss",
        "delta1[0]",
        "d loss / d age",
        "age",
        "d a1[1] / d rooms",
        "d price / d W1[0,1]",
    ):
        found = explain(model, TABLE, of=of, row=2)
        assert recompute(found) > 2
        assert found.to_latex().isascii()
        symbols = {name.symbol for name in found.names.values()}
        assert "x_age" not in symbols or "mean_age" in symbols
        assert by_hand(found, decimals=3)


def test_the_gradient_of_the_loss_by_a_column_is_per_unit_of_the_column(model) -> None:
    by_column, by_input = explain(model, TABLE, of="age", row=2), explain(model, TABLE, of="delta(x[0])", row=2)
    assert by_column.value == pytest.approx(by_input.value / model.encoder.inputs[0].scale, rel=1e-12)
    assert by_column.target == "∂L/∂age"


def test_a_category_has_no_unit(model) -> None:
    found = explain(model, TABLE, of="d price / d new=yes", row=1)
    assert "∂price/∂new=yes = sd_price·∂a2[0]/∂new=yes" in str(found)
    recompute(found)


def test_a_probability_by_a_column() -> None:
    table = {**TABLE, "dear": ["yes" if price > 220 else "no" for price in TABLE["price"]]}
    del table["price"]
    classifier = fit(table, "dear", **HOW)
    found = explain(classifier, table, of="d prediction / d age", row=4)
    recompute(found)
    h = 1e-3
    up, down = ({**table, "age": [a + s for a in table["age"]]} for s in (h, -h))
    slope = (classifier.predict_proba(up)[4, 1] - classifier.predict_proba(down)[4, 1]) / (2 * h)
    assert found.value == pytest.approx(slope, rel=1e-5)
    assert found.target == "∂a2[0]/∂age"
    assert 0 < explain(classifier, table, of="prediction", row=4).value < 1


def test_several_targets_keep_their_own_units() -> None:
    table = {**TABLE, "rent": [price / 20 + age for price, age in zip(TABLE["price"], TABLE["age"], strict=True)]}
    two = fit(table, ["price", "rent"], **HOW)
    for number, target in enumerate(("price", "rent")):
        found = explain(two, table, of=target, row=4)
        assert found.value == pytest.approx(two.predict(table)[4, number], rel=1e-12)
        recompute(explain(two, table, of=f"d {target} / d age", row=4))
    with pytest.raises(SettingError, match="CR210"):
        explain(two, table, of="prediction", row=4)


def test_an_unknown_column_is_refused_with_the_names(model) -> None:
    with pytest.raises(SettingError, match="CR210"):
        explain(model, TABLE, of="d price / d agee")


def test_a_replayed_step_is_explained_in_the_units_of_the_columns(tmp_path):
    houses = {
        "floor_area": [50.0, 80.0, 120.0, 65.0],
        "age": [10.0, 20.0, 30.0, 45.0],
        "price": [290.0, 270.0, 240.0, 230.0],
    }
    fit(houses, "price", network=(3,), epochs=3, batch_size=2, validation=0, test=0, run=tmp_path / "run")
    found = explain(tmp_path / "run", houses, step=4, of="d price / d floor_area")
    recompute(found)
    assert found.target == "∂price/∂floor_area" and found.sections[-1].title == "in the units of the columns"
    weight = explain(tmp_path / "run", houses, step=4, of="W1[0,1]")
    recompute(weight)
    assert weight.children[0].sections[0].title == "from columns to inputs"
    assert "x_age = (age − mean_age)/sd_age" in " ".join(str(weight).split())
