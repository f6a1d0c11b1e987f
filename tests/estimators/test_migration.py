"""The migration page: every line of chainrule runs, and so does every line of scikit-learn beside it."""

import ast
import re
import warnings
from pathlib import Path

import numpy as np
import pandas
import pytest

import chainrule

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
SECTIONS = PAGE.read_text(encoding="utf-8").split("## ")


def lines(section):
    """(left, right) of every row of the tables of a section, without the headings."""
    for row in section.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        if row.startswith("|") and len(cells) == 2 and cells[1].startswith("`"):
            yield cells[0].strip("`"), cells[1].strip("`")


def names():
    random = np.random.RandomState(0)
    x = random.randn(90, 4)
    y = np.digitize(x[:, 0], [-0.5, 0.5])
    numbers = x[:, 0] + x[:, 1] ** 2
    frame = pandas.DataFrame({"size": x[:, 0], "city": np.array(["Bonn", "Lima"])[(x[:, 1] > 0).astype(int)]})
    frame.loc[3, "size"] = np.nan
    return {
        "np": np, "pandas": pandas, "X": x, "y": y, "numbers": numbers, "Y": np.c_[y > 0, y > 1].astype(int), "w": np.ones(90),
        "frame": frame,
        **{name: getattr(chainrule, name) for name in chainrule.__all__},
    }  # fmt: skip


def run(code, space):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the examples stop before they converge
        exec(compile(code, code, "exec"), space)


def section(title):
    return next(part for part in SECTIONS if part.startswith(title))


@pytest.mark.parametrize("title", ["From scikit-learn", "From Keras"])
def test_every_line_of_chainrule_runs(title, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space, count = names(), 0
    for _, code in lines(section(title)):
        run(code, space)
        count += 1
    assert count > 20


def test_every_line_of_scikit_learn_runs():
    sklearn = pytest.importorskip("sklearn")
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7):
        pytest.skip("its MLP takes no sample weights yet")
    space = names()
    for code, _ in lines(section("From scikit-learn").split("What scikit-learn has no line for")[0]):
        run(code, space)


def test_every_line_of_keras_is_python():
    for code, _ in lines(section("From Keras")):
        ast.parse(code.replace("with GradientTape() as tape: ", ""))


def test_every_line_of_keras_runs(tmp_path, monkeypatch):
    keras = pytest.importorskip("keras")
    monkeypatch.chdir(tmp_path)
    places = (keras, keras.layers, keras.callbacks, keras.models, keras.optimizers, keras.regularizers)
    space = {
        name: one for place in (*places, keras.optimizers.schedules) for name, one in vars(place).items()
    } | names()
    space |= {name: getattr(keras.layers, name) for name in ("Dense", "Dropout")}  # ours have the same names
    left_out = 0
    for code, _ in lines(section("From Keras")):
        if "tape" in code or "apply_gradients" in code:  # TensorFlow alone has them
            left_out += 1
            continue
        run(code, space)
    assert left_out == 3


def test_no_row_of_the_page_is_left_out():
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\|(?!---)", row)]
    headings = 4
    threads = sum(row.startswith(("| #", "| none")) for row in rows)
    assert threads == 17
    assert sum(len(list(lines(part))) for part in SECTIONS) == len(rows) - headings - threads
