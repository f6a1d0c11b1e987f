"""The tables of `accuracy.py`: what scikit-learn ships, what its generators make, and any CSV.

Every made table draws its recipe (classes, noise, informative columns, missing shares) from its seed, so that another
seed is another problem and not only another sample. DEVELOPMENT seeds may be looked at while choosing a default; the
HELD_OUT ones are for judging it and are looked at last. The tables that scikit-learn ships have one set of rows: their
seeds only draw other folds, so that nothing about them is truly held out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn import datasets

DEVELOPMENT = tuple(range(7))
HELD_OUT = (105, 106)

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Drawn:
    """Inputs (numbers with NaN, categories as pandas categoricals) and targets (rows,) or (rows, outputs)."""

    task: Task
    x: pd.DataFrame
    y: np.ndarray

    def fingerprint(self) -> str:
        content = int(pd.util.hash_pandas_object(self.x, index=False).sum())
        return f"{(content + int(pd.util.hash_array(self.y.ravel()).sum())) % 2**32:08x}"


@dataclass(frozen=True)
class Recipe:
    """A table by name; `folds` parts are each held out once, except that 1 holds out a fifth of the rows."""

    name: str
    draw: Callable[[int], Drawn]
    folds: int


def _shipped(load: Callable[..., Any], task: Task, _seed: int) -> Drawn:
    found = load(as_frame=True)
    return Drawn(task, found.data.astype(float), found.target.to_numpy())


def _frame(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(x, float), columns=[f"x{i}" for i in range(x.shape[1])])


def _skewed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A third of the columns becomes heavy-tailed, as prices and counts are; the order of the values stays."""
    x = x.copy()
    for column in rng.choice(x.shape[1], x.shape[1] // 3, replace=False):
        x[:, column] = np.exp(1.2 * (x[:, column] - x[:, column].mean()) / x[:, column].std())
    return x


def _noisy(y: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return y + share * y.std() * rng.standard_normal(len(y))


def _holes(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Missing values: at random in three columns, and where the value is large in a fourth."""
    frame = frame.copy()
    numbers = frame.select_dtypes("number").columns
    for name in rng.choice(numbers, 3, replace=False):
        frame.loc[rng.random(len(frame)) < rng.uniform(0.05, 0.25), name] = np.nan
    large = frame[numbers[0]] > frame[numbers[0]].quantile(0.8)
    frame.loc[large & (rng.random(len(frame)) < 0.7), numbers[0]] = np.nan
    return frame


def _classes(rows: int, seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    informative = int(rng.integers(6, 12))
    x, y = datasets.make_classification(
        rows, n_features=20, n_informative=informative, n_redundant=4, n_classes=int(rng.integers(2, 6)),
        n_clusters_per_class=3, flip_y=rng.uniform(0.02, 0.1), class_sep=rng.uniform(0.7, 1.3), random_state=seed,
    )  # fmt: skip
    return Drawn("classification", _frame(_skewed(x, rng)), y)


def _moons(rows: int, seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    x, y = datasets.make_moons(rows, noise=rng.uniform(0.2, 0.35), random_state=seed)
    turned = np.c_[x, rng.standard_normal((rows, 6))] @ np.linalg.qr(rng.standard_normal((8, 8)))[0]
    return Drawn("classification", _frame(turned), y)


def _friedman(make: Callable[..., Any], rows: int, seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    x, y = make(rows, random_state=seed)
    extra = rng.standard_normal((rows, 4))
    return Drawn("regression", _frame(_skewed(np.c_[x, extra], rng)), _noisy(y, rng.uniform(0.05, 0.4), rng))


def _line(rows: int, seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    x, y = datasets.make_regression(rows, 30, n_informative=10, effective_rank=12, random_state=seed)
    return Drawn("regression", _frame(x), _noisy(y, rng.uniform(0.3, 0.8), rng))


def _steps(rows: int, seed: int) -> Drawn:
    """Sums of products of thresholds on single columns: what trees are made for."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 10))
    y = np.zeros(rows)
    for _ in range(30):
        columns, cuts = rng.choice(6, 3, replace=False), rng.normal(0, 0.7, 3)
        y += rng.normal() * np.all(x[:, columns] > cuts, axis=1)
    return Drawn("regression", _frame(_skewed(x, rng)), _noisy(y, rng.uniform(0.1, 0.4), rng))


def _swings(rows: int, seed: int) -> Drawn:
    """Two to five swings along one number, a line of three others as strong as they are, and four idle columns."""
    rng = np.random.default_rng(seed)
    place, others = rng.uniform(size=rows), rng.standard_normal((rows, 7))
    swing = np.sqrt(2) * np.sin(2 * np.pi * (rng.uniform(2, 5) * place + rng.uniform()))
    weights = rng.standard_normal(3)
    y = swing + others[:, :3] @ (weights / np.linalg.norm(weights))
    return Drawn("regression", _frame(np.c_[place, others]), _noisy(y, rng.uniform(0.1, 0.4), rng))


def _mixed(task: Task, rows: int, seed: int) -> Drawn:
    """Numbers with holes and categories with 3, 12 and 200 levels, whose effects interact with a number."""
    rng = np.random.default_rng(seed)
    x, y = datasets.make_friedman1(rows, n_features=10, random_state=seed)
    y = (y - y.mean()) / y.std()
    frame = _frame(_skewed(x, rng))
    for levels in (3, 12, 200):
        popular = rng.dirichlet(np.full(levels, 0.7))
        code = rng.choice(levels, rows, p=popular)
        y = y + rng.normal(0, 0.6, levels)[code] + rng.normal(0, 0.5, levels)[code] * (x[:, 5] - 0.5)
        name = np.array([f"v{i}" for i in range(levels)])[code].astype(object)
        name[rng.random(rows) < 0.03] = None
        frame[f"c{levels}"] = pd.Categorical(name)
    frame = _holes(frame, rng)
    y = _noisy(y, rng.uniform(0.1, 0.5), rng)
    if task == "classification":
        y = np.digitize(y, np.quantile(y, [0.5] if seed % 2 else [0.2, 0.7]))
    return Drawn(task, frame, y)


def _shops(task: Task, effect: float, rows: int, seed: int) -> Drawn:
    """A column of 500, 2,000 or 10,000 levels (by the seed), few of them frequent, most rare.

    A level has an attribute that stands in the table, whose effect is smooth, an effect of its own, and one that depends
    on a number. With `effect` 0 it has none of them: whoever learns the levels by heart loses.
    """
    rng = np.random.default_rng(seed)
    levels = (500, 2_000, 10_000)[seed % 3]
    x, y = datasets.make_friedman1(rows, n_features=8, random_state=seed)
    y = (y - y.mean()) / y.std()
    popular = 1.0 / (rng.permutation(levels) + 10.0)
    code = rng.choice(levels, rows, p=popular / popular.sum())
    size = rng.standard_normal(levels)
    own, slope = rng.normal(0, rng.uniform(0.5, 1.2), levels), rng.normal(0, 0.5, levels)
    y = y + effect * (0.6 * np.sin(2 * size) + own)[code] + effect * slope[code] * (x[:, 5] - 0.5)
    frame = _frame(_skewed(x, rng))
    frame["size"] = size[code]
    name = np.array([f"s{i}" for i in range(levels)])[code].astype(object)
    name[rng.random(rows) < 0.02] = None
    frame["shop"] = pd.Categorical(name)
    frame["c12"] = pd.Categorical(np.array([f"v{i}" for i in range(12)])[rng.integers(0, 12, rows)])
    y = _noisy(y, rng.uniform(0.2, 0.6), rng)
    if task == "classification":
        y = np.digitize(y, np.quantile(y, [0.5] if seed % 2 else [0.2, 0.7]))
    return Drawn(task, frame, y)


def _recipes() -> list[Recipe]:
    ships: list[tuple[str, Task]] = [
        ("breast_cancer", "classification"), ("digits", "classification"), ("iris", "classification"),
        ("wine", "classification"), ("diabetes", "regression"), ("linnerud", "regression"),
    ]  # fmt: skip
    made: dict[str, Callable[[int, int], Drawn]] = {
        "classes": _classes,
        "moons": _moons,
        "friedman1": partial(_friedman, datasets.make_friedman1),
        "friedman2": partial(_friedman, datasets.make_friedman2),
        "friedman3": partial(_friedman, datasets.make_friedman3),
        "line": _line,
        "steps": _steps,
        "swings": _swings,
        "mixed": partial(_mixed, "regression"),
        "mixed-classes": partial(_mixed, "classification"),
    }
    levels: dict[str, Callable[[int, int], Drawn]] = {
        "shops": partial(_shops, "regression", 1.0),
        "shops-classes": partial(_shops, "classification", 1.0),
        "idle-shops": partial(_shops, "regression", 0.0),
    }
    large = ("classes", "friedman1", "mixed", "mixed-classes")
    return [
        *(Recipe(name, partial(_shipped, getattr(datasets, f"load_{name}"), task), 5) for name, task in ships),
        *(Recipe(f"{name}-1k", partial(draw, 1_000), 1) for name, draw in made.items()),
        *(Recipe(f"{name}-10k", partial(draw, 10_000), 1) for name, draw in made.items()),
        *(Recipe(f"{name}-10k", partial(draw, 10_000), 1) for name, draw in levels.items()),
        *(Recipe(f"{name}-100k", partial(made[name], 100_000), 1) for name in large),
        *(Recipe(f"{name}-100k", partial(draw, 100_000), 1) for name, draw in levels.items()),
    ]


RECIPES = {recipe.name: recipe for recipe in _recipes()}
SMOKE = Recipe("smoke", partial(_mixed, "classification", 120), 1)


def from_csv(path: str, target: str, drop: tuple[str, ...] = ()) -> Recipe:
    """A file's table: text is a category, a text or at most 10 whole numbers as a target are classes."""

    def draw(_seed: int) -> Drawn:
        frame = pd.read_csv(path).dropna(subset=[target]).reset_index(drop=True)
        y = frame[target]
        x = frame.drop(columns=[target]).drop(columns=list(drop), errors="ignore")
        for name in x.columns:
            if not pd.api.types.is_numeric_dtype(x[name]) or x[name].dtype == bool:
                x[name] = x[name].astype(object).map(str, na_action="ignore").astype("category")
        number = pd.api.types.is_numeric_dtype(y)
        classes = not number or (y.nunique() <= 10 and bool((y == y.round()).all()))
        y = pd.Series(pd.factorize(y, sort=True)[0]) if classes else y.astype(float)
        x = x.astype(dict.fromkeys(x.select_dtypes("number"), float))
        return Drawn("classification" if classes else "regression", x, y.to_numpy())

    return Recipe(Path(path).stem, draw, 5 if len(pd.read_csv(path)) <= 2_000 else 1)


def parts(drawn: Drawn, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(training rows, test rows) of every fold; classes are spread evenly."""
    rng = np.random.default_rng([seed, 7])
    order = rng.permutation(len(drawn.x))
    if drawn.task == "classification":
        order = order[np.argsort(drawn.y[order], kind="stable")]
    of_row = np.empty(len(order), int)
    of_row[order] = np.arange(len(order)) % max(folds, 5)
    return [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(folds)]
