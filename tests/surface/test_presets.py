"""Presets: settings that were measured together, for a user who decides nothing."""

import warnings

import numpy as np
import pytest

from chainrule import Dense, Network, diagnose, explain, fit, forward, load
from chainrule.errors import SettingError
from chainrule.presets import PRESETS, settings_for
from chainrule.tuning.trial import request_of

RNG = np.random.default_rng(3)
SAID = {
    "nothing": {}, "epochs": {"epochs": 3}, "network": {"network": (4,)}, "a test share": {"test": 0.3},
    "none": {"preset": None},
}  # fmt: skip
N = 60
A, B = RNG.normal(size=N) * 5 + 40, RNG.normal(size=N)
NUMBERS = {"a": A, "b": B, "y": 100 + A * np.sign(B)}
CLASSES = {"a": A, "b": B, "y": np.where(A + 8 * B > 40, "high", "low")}
QUICK = {"epochs": 4, "test": 0.0}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("data", [NUMBERS, CLASSES], ids=["numbers", "classes"])
def test_every_preset_trains_saves_and_explains(name, data, tmp_path):
    model = fit(data, "y", preset=name, **QUICK)
    assert model.card["algorithm"]["members"] == PRESETS[name].members
    again = load(model.save(tmp_path / "a.model"))
    np.testing.assert_array_equal(again.predict(data), model.predict(data))
    found = explain(again, data, of="W2[0,1]", row=3)
    assert found.engine == pytest.approx(found.value, rel=1e-9)


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads():
    one, two = (fit(CLASSES, "y", preset="default", seed=4, n_jobs=n, **QUICK) for n in (1, 2))
    assert one.theta.tobytes() == two.theta.tobytes()
    assert fit(CLASSES, "y", preset="default", seed=5, **QUICK).theta.tobytes() != one.theta.tobytes()


def test_what_is_said_stays_and_the_preset_decides_the_rest():
    card = fit(
        NUMBERS,
        "y",
        preset="fast",
        activation="tanh",
        learning_rate=0.01,
        batch_size=30,
        test=0.0,
        epochs=3,
        validation=0.3,
    ).card
    assert card["model"]["layers"] == [
        "scale",
        *["dense 128 tanh", "dropout 0.15"] * 3,
        "dense 1 identity",
    ]
    algorithm = card["algorithm"]
    assert (algorithm["batch_size"], algorithm["schedule"], algorithm["epochs"]) == (30, "constant", 3)
    assert (algorithm["constants"]["learning_rate"], algorithm["constants"]["beta_2"]) == (0.01, 0.999)


def test_a_preset_and_a_network_exclude_each_other():
    with pytest.raises(SettingError, match="CR204"):
        fit(NUMBERS, "y", preset="fast", network=Network(2, [Dense(1)]))
    with pytest.raises(SettingError, match="CR203.*default"):
        fit(NUMBERS, "y", preset="defautl")


def test_more_rows_take_fewer_epochs():
    epochs = [settings_for("default", "binary", rows)["epochs"] for rows in (50, 25_600, 102_400, 5_000_000)]
    assert epochs[0] == epochs[1] == 2 * epochs[2]
    assert epochs[-1] >= 4


def test_the_ntk_factors_are_one_over_the_root_of_the_inputs():
    model = fit(NUMBERS, "y", preset="fast", network=(6, 5), epochs=2, test=0.0)
    params = {param.name: param for param in model.network.plan.params}
    assert params["gain0"].learning_rate_factor == 6.0
    assert params["W2"].learning_rate_factor == pytest.approx(6**-0.5)
    assert params["b2"].learning_rate_factor == params["W2"].learning_rate_factor
    assert params["W1"].initial.variance(6, 2) == pytest.approx(1 / 2)
    other = fit(NUMBERS, "y", preset="fast", network=(6, 5), epochs=2, test=0.0, optimizer="rmsprop")
    assert {param.learning_rate_factor for param in other.network.plan.params} == {1.0}


def test_a_run_of_a_preset_goes_on_to_the_same_bits(tmp_path):
    straight = fit(CLASSES, "y", preset="default", run=tmp_path / "a", **QUICK)

    def stop(event):
        return event.epoch == 2

    fit(CLASSES, "y", preset="default", run=tmp_path / "b", callbacks=[stop], **QUICK)
    resumed = fit(CLASSES, "y", preset="default", run=tmp_path / "b", resume=True, **QUICK)
    assert resumed.theta.tobytes() == straight.theta.tobytes()
    assert explain(tmp_path / "b", step=4, data=CLASSES, of="gain0[1]").value != 0


def test_a_callback_that_stops_ends_all_members():
    model = fit(NUMBERS, "y", preset="default", callbacks=[lambda event: event.epoch >= 6], **QUICK)
    assert model.card["algorithm"]["members"] == 2
    assert model.card["algorithm"]["stopped"] == "callback"


def test_progress_counts_the_epochs_of_all_members():
    seen = []
    fit(NUMBERS, "y", preset="default", progress=lambda event: seen.append((event.epoch, event.epochs)), **QUICK)
    assert seen[-1] == (32, 32)
    assert [epoch for epoch, _ in seen] == sorted(epoch for epoch, _ in seen)


ODD = {
    "a constant column": {**NUMBERS, "c": np.full(N, 7.5)},
    "one giant outlier": {**NUMBERS, "a": np.where(np.arange(N) == 5, 1e30, A)},
    "a target of 1e9": {**NUMBERS, "y": 1e9 + NUMBERS["y"]},
    "three rows of a class": {**CLASSES, "y": np.where(np.arange(N) < 3, "rare", CLASSES["y"])},
    "four different rows": {"a": [0, 0, 1, 1] * 5, "b": [0, 1, 0, 1] * 5, "y": ["n", "y", "y", "n"] * 5},
    "every row another category": {**NUMBERS, "id": [f"k{i}" for i in range(N)]},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tables_give_finite_answers(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* left out: ")
        model = fit(ODD[name], "y", preset="default", **QUICK)
    answers = model.predict(ODD[name]) if not model.classes else model.predict_proba(ODD[name])
    assert np.isfinite(answers).all()


def test_an_outlier_does_not_flatten_the_column():
    data = {**NUMBERS, "a": np.where(np.arange(N) == 5, 1e30, A)}
    model = fit(data, "y", preset="fast", **QUICK)
    table, _ = model.table(data)
    encoded = model.encoder.encode(table)[:, 0]
    assert abs(encoded[5]) <= 3.0
    assert np.std(np.delete(encoded, 5)) > 0.5
    assert explain(model, data, of="prediction", row=5).value == pytest.approx(model.predict(data)[5], rel=1e-5)


@pytest.mark.parametrize("row", [0, 7])
def test_a_bent_column_is_explained_in_its_own_unit(row):
    model = fit(NUMBERS, "y", preset="fast", network=(3,), dtype="float64", **QUICK)
    found = explain(model, NUMBERS, of="d y / d a", row=row)
    h = 1e-3
    one = {name: values[[row]] for name, values in NUMBERS.items()}
    moved = [model.predict({**one, "a": one["a"] + step})[0] for step in (h, -h)]
    assert found.value == pytest.approx((moved[0] - moved[1]) / (2 * h), rel=1e-5)
    assert "r_a" in str(found) and "(a − median_a)/spread_a" in str(found)


def test_a_time_budget_makes_the_schedule_shorter_and_says_so():
    many = {"a": np.tile(A, 20), "b": np.linspace(-2, 2, 20 * N), "y": np.tile(A * B, 20)}
    model = fit(many, "y", preset="default", test=0.0, time_budget=0.4)
    algorithm = model.card["algorithm"]
    assert algorithm["epochs"] < 128 or algorithm["members"] == 1
    assert any(note["topic"] == "time" and "in place of" in note["text"] for note in model.card["notes"])
    assert fit(NUMBERS, "y", preset="fast", test=0.0, epochs=3, time_budget=1000).card["algorithm"]["epochs"] == 3


def test_the_time_that_training_will_take_is_told_before_it_begins():
    told = []
    fit(NUMBERS, "y", preset="fast", expect=lambda s: told.append(("expected", s)),
        progress=lambda event: told.append(("epoch", event.epoch)), **QUICK)  # fmt: skip
    assert told[0][0] == "expected" and told[0][1] > 0
    assert [kind for kind, _ in told].count("expected") == 1


def test_a_merged_network_is_diagnosed():
    model = fit(CLASSES, "y", preset="default", epochs=4, test=0.25)
    assert diagnose(model, CLASSES).verdict in ("ill", "healthy", "cannot_tell")


def test_nothing_said_means_the_preset_default_and_a_word_about_the_network_means_the_plain_values():
    meant = {name: request_of((), {"preset": "auto", **said}, "fit").preset for name, said in SAID.items()}
    assert meant == {"nothing": "default", "epochs": None, "network": None, "a test share": "default", "none": None}


MANY = {"a": RNG.normal(size=500) * 5 + 40, "kind": np.tile(["u", "v"], 250), "y": RNG.normal(size=500)}


def test_every_second_network_reads_no_pieces_and_each_kind_has_its_share():
    model = fit(MANY, "y", preset="default", **QUICK)
    is_piece = np.array([one.meaning == "piece" for one in model.encoder.inputs])
    first = model.network.plan.param("W1").of(model.theta).reshape(8, 128, -1)
    assert is_piece.sum() == 5
    assert (first[1::2][:, :, is_piece] == 0).all() and (first[:, :, ~is_piece] != 0).all()
    assert (first[::2][:, :, is_piece] != 0).any(axis=1).all()
    assert 0 <= model.card["algorithm"]["pieces_share"] <= 1


def test_networks_that_read_the_same_number_better_have_the_larger_share():
    a = np.linspace(-3, 3, 1_000)
    share = {}
    for name, y in {"steps": np.floor(2 * a) % 2, "line": a}.items():
        data = {"a": a, **{f"b{i}": RNG.normal(size=1_000) for i in range(6)}, "y": y + 0.1 * RNG.normal(size=1_000)}
        share[name] = fit(data, "y", preset="default", test=0.0, epochs=12).card["algorithm"]["pieces_share"]
    assert share["steps"] > 0.6 > 0.5 > share["line"]


def test_without_pieces_all_networks_read_the_same():
    algorithm = fit(NUMBERS, "y", preset="default", **QUICK).card["algorithm"]
    assert (algorithm["members"], algorithm["pieces_share"]) == (8, None)


@pytest.mark.parametrize("column", ["a", "kind=v"])
def test_a_number_in_pieces_and_a_category_are_explained_in_their_units(column):
    model = fit(MANY, "y", preset="fast", network=(3,), dtype="float64", **QUICK)
    assert sum(one.meaning == "piece" for one in model.encoder.inputs) == 4
    whole = explain(model, MANY, of="prediction", row=7)
    assert whole.value == pytest.approx(model.predict(MANY)[7], rel=1e-9)
    found, place = explain(model, MANY, of=f"d y / d {column}", row=7), model.encoder.input_names.index(column)
    network, x = model.network, model.encoder.encode(model.table(MANY)[0], dtype=np.float64)[[7]]
    one, h = model.encoder.inputs[place], 1e-6
    moved = x.repeat(2, axis=0)
    straight = (MANY["a"][7] - one.shift) / one.scale if one.clip else 0.0
    slope = 1 / np.hypot(1, straight / one.clip) ** 3 / one.scale if one.clip else 1 / one.scale
    moved[:, place] += np.array([h, -h]) * slope
    high, low = (forward(network, model.theta, row).prediction.item() for row in moved)
    target = model.encoder.targets[0].scale
    assert found.value == pytest.approx((high - low) / (2 * h) * target, rel=1e-4)
    assert ("enters in 4 pieces too" in str(found)) == (column == "a")
    assert "unit_kind=v" in str(found) or column == "a"


def test_dropout_is_the_preset_s_until_it_is_said():
    rate = {}
    for said in (None, 0.0, 0.4):
        layers = fit(NUMBERS, "y", preset="fast", network=(8,), dropout=said, **QUICK).card["model"]["layers"]
        rate[said] = [layer for layer in layers if layer.startswith("dropout")]
    assert rate == {None: ["dropout 0.15"], 0.0: [], 0.4: ["dropout 0.4"]}
    assert not any(
        "dropout" in layer for layer in fit(NUMBERS, "y", network=(8,), epochs=2, test=0.0).card["model"]["layers"]
    )
