"""Every picture of the table is drawn, labelled, and keeps to the style it is asked for."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from chainrule import Dense, Network, activations, backward, fit, forward, initialize, plots
from chainrule.cli.main import main
from chainrule.errors import ChainruleError
from chainrule.optim.rules import rules
from chainrule.plots import PLOTS, STYLES
from chainrule.training.history import History

ROOT = Path(__file__).resolve().parents[2]
DRAWS = np.random.default_rng(5)
X = DRAWS.normal(size=(90, 2))
COLUMNS = {"a$b_c": X[:, 0].tolist(), "width": X[:, 1].tolist(), "kind": ["p", "q", "r"] * 30}
BINARY = {**COLUMNS, "y": ["yes" if a + b > 0 else "no" for a, b in X]}
NUMBER = {**COLUMNS, "y": (X[:, 0] * 2 + X[:, 1]).tolist()}


def small(table, **settings):
    return fit(table, "y", network=(4, 3), epochs=6, test=0, validation=0.2, **settings)


@pytest.fixture(scope="module")
def classifier():
    return small(BINARY, metrics=["auc"])


@pytest.fixture(scope="module")
def regressor():
    return small(NUMBER)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    text = "a,b,y\n" + "".join(f"{a:.4f},{b:.4f},{a - b:.4f}\n" for a, b in X)
    data = folder.parent / "data.csv"
    data.write_text(text)
    fit(str(data), "y", network=(4, 3), epochs=5, test=0, run=folder)
    return str(folder)


def one_input():
    net = Network(1, [Dense(1, "sigmoid")], "half_squared_error")
    return backward(forward(net, [1.0, 0.5], [[0.5], [2.5]], [[0.2], [0.9]]))


SUBJECTS = {
    "activation": lambda classifier, regressor, run: (),
    "gradient-norms": lambda classifier, regressor, run: (run,),
    "residuals": lambda classifier, regressor, run: (regressor, NUMBER),
    "fitted-curve": lambda classifier, regressor, run: (one_input(),),
    "learning-curves": lambda classifier, regressor, run: (classifier,),
}


def subject_of(name, *made):
    usual = lambda classifier, regressor, run: (classifier, BINARY)  # noqa: E731
    return SUBJECTS.get(name, usual)(*made)


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_is_drawn_and_its_axes_say_what_they_are(name, classifier, regressor, run):
    with plots.style("dark"):
        ax = PLOTS[name].draw(*subject_of(name, classifier, regressor, run))
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left") or ax.get_title()
    if name != "network":  # a drawing without scales
        assert ax.get_xlabel()
        assert ax.get_ylabel()
    assert to_hex(ax.get_figure().get_facecolor()) == STYLES["dark"].page
    assert ax.collections or ax.lines or ax.patches or ax.images


@pytest.mark.parametrize("name", [name for name in PLOTS if name != "error-surface-3d"])
def test_a_picture_is_drawn_in_the_axes_it_is_given(name, classifier, regressor, run):
    ax = Figure().add_subplot()
    assert PLOTS[name].draw(*subject_of(name, classifier, regressor, run), ax=ax) is ax


@pytest.mark.parametrize(
    "name", [name for name, one in PLOTS.items() if "run" in one.subject and name != "fitted-curve"]
)
def test_a_run_is_drawn_from_its_folder(name, run):
    ax = PLOTS[name].draw(run)
    assert ax.get_title(loc="left") or ax.get_title()


@pytest.mark.parametrize("name", activations.names())
def test_every_activation_is_drawn_with_the_slope_of_its_record(name):
    ax = plots.activation(name)
    record = activations.get(name)
    z, slope = (np.asarray(values) for values in ax.lines[1].get_data())
    extra = [np.full(1, one.initial) for one in record.learned] + ([np.full((len(z), 1), 0.5)] if record.random else [])
    with np.errstate(invalid="ignore"):
        expected = record.slope(z[:, None], record.value(z[:, None], *extra), *extra)[:, 0]
    there = np.isfinite(z)
    np.testing.assert_allclose(slope[there], expected[there])


def test_a_surface_holds_the_losses_of_the_four_steps():
    net = Network(1, [Dense(1, "sigmoid")], "half_squared_error")
    x, y = [[0.5], [2.5]], [[0.2], [0.9]]
    path = np.array([[-2.0, -2.0], [0.0, 0.0], [1.0, -1.0]])
    found = plots.surface_of(forward(net, [0.0, 0.0], x, y), path=path, span=(-6, 6))
    assert found.losses[3, 30] == forward(net, [found.u[30], found.v[3]], x, y).loss
    assert found.path_losses.tolist() == [forward(net, theta, x, y).loss for theta in path]
    np.testing.assert_array_equal(found.path, path)


def test_the_main_directions_of_a_path_hold_its_movement_and_end_in_the_middle(run):
    found = plots.surface_of(run)
    assert found.path[-1] == pytest.approx([0.0, 0.0])
    assert "main direction 1 of the path (" in found.labels[0]


def test_the_gradients_of_a_run_are_those_of_its_training_rows(run):
    from chainrule.engines.reference import ReferenceEngine
    from chainrule.optim.rule import Update
    from chainrule.plots.gradients import layer_norms
    from chainrule.plots.recording import recorded

    recording = recorded(run)
    assert recording.epochs == (0, 1, 2, 3, 4, 5)
    norms = layer_norms(recording.plan, recording.gradients)
    session = ReferenceEngine().open(
        recording.plan, recording.thetas[2], (), Update(rules.get("gradient_descent")), seed=0
    )
    _, gradient = session.gradient(recording.trial.rows)
    assert norms[2][2] == pytest.approx(np.linalg.norm(recording.plan.param("W2").of(gradient)), rel=1e-5)


def test_a_film_is_the_contours_with_a_path_that_grows():
    net = Network(1, [Dense(1)], "half_squared_error")
    path = [[float(k), 0.0] for k in range(5)]
    titles = [
        ax.get_title(loc="left")
        for ax in plots.descent_frames(
            plots.surface_of(forward(net, [0.0, 0.0], [[1.0]], [[4.0]]), path=path), frames=3
        )
    ]
    assert titles == [f"Error surface, point {k} of 5" for k in (1, 3, 5)]


def test_a_verdict_stands_over_the_learning_curves_and_the_best_epoch_is_marked():
    history = History({"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.2, 2.4]})
    ax = plots.learning_curves(history, verdict="overfitting from epoch 2")
    assert ax.get_title(loc="left").endswith("\noverfitting from epoch 2")
    assert ax.lines[2].get_xdata() == [2, 2]


def test_activations_of_one_sign_allow_two_quadrants_and_those_around_zero_all():
    def title(hidden):
        net = Network(2, [Dense(2, hidden), Dense(1)])
        trace = forward(net, initialize(net, 3), X[:12], X[:12, 0])
        return plots.allowed_updates(backward(trace)).get_title(loc="left")

    assert "only two quadrants" in title("sigmoid")
    assert "every quadrant" in title("tanh")


@pytest.mark.parametrize("style", STYLES)
def test_text_and_lines_stand_out_from_the_page(style):
    look = STYLES[style]
    assert contrast(look.text, look.page) >= 7
    assert contrast(look.soft, look.page) >= 4.5
    assert min(contrast(colour, look.page) for colour in look.series) >= 3
    assert len(set(zip(look.series, map(str, look.dashes), strict=True))) == 6


def contrast(one, other):
    """The contrast of two colours (WCAG 2.1)."""

    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_same_picture_has_the_same_bytes_and_no_clock(tmp_path):
    texts = []
    for name in ("a.svg", "b.svg"):
        plots.save(plots.activation("tanh").get_figure(), tmp_path / name)
        texts.append((tmp_path / name).read_text("utf-8"))
    assert texts[0] == texts[1]
    assert "dc:date" not in texts[0]


@pytest.mark.parametrize(
    ("draw", "code"),
    [
        (lambda model: plots.roc(model, {k: v for k, v in BINARY.items() if k != "y"}), "CR204"),
        (lambda model: plots.residuals(model, BINARY), "CR204"),
        (lambda model: plots.network(model), "CR204"),
        (lambda model: plots.partial_dependence(model, BINARY, of="widht"), "CR313"),
        (lambda model: plots.error_surface(model, BINARY, of=("W1[0,0]",)), "CR204"),
        (lambda model: plots.error_surface(model, BINARY, of=("a1[0]", "b1[0]")), "CR210"),
        (lambda model: plots.learning_curves(model, of="aux"), "CR203"),
        (lambda model: plots.weight_map(model, of="W9"), "CR210"),
        (lambda model: plots.histograms(model, BINARY, of="weight"), "CR203"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(draw, code, classifier):
    with pytest.raises(ChainruleError) as error:
        draw(classifier)
    assert error.value.code == code


def test_the_command_draws_into_a_file_and_lists_what_it_can_draw(tmp_path, classifier, capsys):
    model = classifier.save(tmp_path / "m.model")
    rows = "a$b_c,width,kind,y\n" + "".join(
        f"{a},{b},{k},{y}\n" for a, b, k, y in zip(*[BINARY[name] for name in BINARY], strict=True)
    )
    (tmp_path / "rows.csv").write_text(rows)
    out = tmp_path / "roc.svg"
    assert said(["plot", "roc", str(model), str(tmp_path / "rows.csv"), "--out", str(out)]) == 0
    assert "ROC" in out.read_text("utf-8")
    capsys.readouterr()
    assert said(["plot"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in PLOTS)
    assert said(["plot", "roc", str(model), "--out", str(out)]) == 2
    assert said(["plot", "rock"]) == 2
    assert said(["plot", "roc", str(model), "--out", str(tmp_path / "x.model")]) == 2


def said(arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def test_the_gallery_shows_every_picture_and_the_cheat_sheet_every_activation():
    page, sheet = ((ROOT / "docs" / name).read_text("utf-8") for name in ("plots.md", "activations.md"))
    shown = re.findall(r"\(pictures/([\w.-]+)\)", page + sheet)
    assert all((ROOT / "docs/pictures" / file).exists() for file in shown)
    assert {f"activation-{name}.svg" for name in activations.names()} <= set(shown)
    assert all(f"`{name}`" in page for name in PLOTS)
