"""How numbers enter the network, by every way that `scale` names, from the table to the saved model and back."""

import dataclasses
import json
from unittest import mock

import numpy as np
import pytest

from chainrule import diagnose, explain, fit, forward, load
from chainrule.cli.main import main
from chainrule.data.fit_encoder import SCALES
from chainrule.errors import SettingError
from chainrule.presets import PRESETS

RNG = np.random.default_rng(5)
ROWS = 400
AGE = RNG.gamma(3.0, 10.0, ROWS)
TABLE = {
    "age": np.where(np.arange(ROWS) % 37 == 7, np.nan, AGE), "age group": RNG.normal(size=ROWS),
    "kind": np.tile(["u", "v"], ROWS // 2), "y": np.sin(AGE / 5) + RNG.normal(size=ROWS) / 9,
}  # fmt: skip
NEW = {"age": [1.0, None, -1e30], "age group": [9.0, 0.0, 1.0], "kind": ["v", "u", "v"]}
QUICK = {"network": (6,), "epochs": 3, "test": 0.0, "dtype": "float64"}


@pytest.mark.parametrize("scale", [*SCALES, None])
def test_a_model_of_every_scale_is_saved_diagnosed_and_answers_for_new_rows(scale, tmp_path):
    model = fit(TABLE, "y", scale=scale, **QUICK)
    again = load(model.save(tmp_path / "a.model"))
    for rows in (TABLE, NEW):
        assert again.predict(rows).tobytes() == model.predict(rows).tobytes()
        assert np.isfinite(model.predict(rows)).all()
    assert fit(TABLE, "y", scale=scale, **QUICK).theta.tobytes() == model.theta.tobytes()
    assert "stopped_too_early" in [one.diagnostic for one in diagnose(model, TABLE).findings]  # 3 epochs


@pytest.mark.parametrize(("scale", "kind"), [("piecewise", "piece"), ("periodic", "wave")])
def test_a_further_input_of_a_number_is_explained(scale, kind):
    model = fit(TABLE, "y", scale=scale, **QUICK)
    inputs, h = model.encoder.inputs, 1e-6
    places = [i for i, one in enumerate(inputs) if one.meaning == kind and one.number == "age"]
    assert len(places) == 3  # for each hundred of the 360 rows that are trained on
    assert explain(model, TABLE, of="prediction", row=2).value == pytest.approx(model.predict(TABLE)[2], rel=1e-9)
    x = model.encoder.encode(model.table(TABLE)[0], dtype=np.float64)[[2]]
    for place in (0, places[-1]):
        one, moved = inputs[place], x.repeat(2, axis=0)
        straight = (TABLE["age"][2] - one.shift) / one.scale if one.clip else 0.0
        moved[:, place] += np.array([h, -h]) / one.scale / (np.hypot(1, straight / one.clip) ** 3 if one.clip else 1)
        high, low = (forward(model.network, model.theta, row).prediction.item() for row in moved)
        found = explain(model, TABLE, of=f"d y / d {one.name}", row=2)
        assert found.value == pytest.approx((high - low) / (2 * h) * model.encoder.targets[0].scale, rel=1e-4)
        assert (f"age enters in 3 {kind}s too" in str(found)) == (place == 0)
    told = str(explain(model, TABLE, of=inputs[places[0]].name, row=2))
    assert inputs[places[0]].name in told


def test_pieces_of_another_column_are_not_counted_by_a_name_that_begins_alike():
    model = fit({name: TABLE[name] for name in ("age", "age group", "y")}, "y", scale="piecewise", **QUICK)
    assert "age enters in 3 pieces too" in str(explain(model, TABLE, of="d y / d age", row=2))


def test_a_preset_and_the_seed_decide_the_waves():
    waved = dataclasses.replace(PRESETS["fast"], scale="periodic")
    with mock.patch.dict(PRESETS, {"fast": waved}):
        one, two, other = (fit(TABLE, "y", preset="fast", epochs=2, test=0.0, seed=seed) for seed in (1, 1, 2))
    assert one.theta.tobytes() == two.theta.tobytes()
    names = [tuple(i.name for i in model.encoder.inputs if i.meaning == "wave") for model in (one, two, other)]
    assert names[0] == names[1] != names[2] and names[0]


def test_the_command_line_names_a_scale(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [f"{a},{b}" for a, b in zip(AGE.tolist(), TABLE["y"].tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["age,y", *lines]))
    typed = ["fit", "t.csv", "--target", "y", "--network", "4", "--epochs", "2", "--no-report", "--json"]
    inputs, codes = {}, {}
    for scale in ("periodic", "none", "periodc"):
        with pytest.raises(SystemExit) as left:
            main([*typed, "--scale", scale])
        codes[scale], out = left.value.code, capsys.readouterr().out
        inputs[scale] = json.loads(out)["card"]["model"]["inputs"] if not codes[scale] else out
    assert inputs["periodic"] == 4 and inputs["none"] == 1
    assert codes["periodc"] == 2 and "periodic" in inputs["periodc"]


def test_a_scale_that_there_is_not_is_refused_before_the_data_are_read():
    with pytest.raises(SettingError, match="periodic"):
        fit("no such file.csv", "y", scale="period")
