"""Training runs with a known illness, and healthy ones, for the clinic.

Nothing here looks at how chainrule diagnoses. An illness is put into a sound recipe by one wrong setting or one fault in the
data; where it must harm the network, `skill` on fresh rows proves that it did: a patient who is not worse than the sound
recipe is sent home. Data are drawn anew for every seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import Dense, MLPRegressor, Network, Update, fit, initializers, rules
from chainrule.errors import DivergedError

Arrays = tuple[Any, Any]


# Data: name -> (inputs, targets) of n rows. Classes are whole numbers, regression targets floats.


def rings(drawn: Any, n: int) -> Arrays:
    """Three classes by the distance from the middle of two columns; six columns, the others noise."""
    x = drawn.normal(size=(n, 6))
    radius = np.hypot(x[:, 0], x[:, 1]) + 0.1 * drawn.normal(size=n)
    return x, np.digitize(radius, [0.8, 1.5])


def moons(drawn: Any, n: int) -> Arrays:
    """Two half moons in two columns, three columns of noise."""
    y = drawn.integers(0, 2, n)
    angle = drawn.uniform(0, np.pi, n)
    curve = np.stack([np.cos(angle) + y, np.sin(angle) * (1 - 2 * y) + 0.4 * y], 1)
    return np.hstack([curve + 0.15 * drawn.normal(size=(n, 2)), drawn.normal(size=(n, 3))]), y


def quadrants(drawn: Any, n: int) -> Arrays:
    """Two classes by the sign of a product; five columns."""
    x = drawn.normal(size=(n, 5))
    return x, (x[:, 0] * x[:, 1] + 0.1 * drawn.normal(size=n) > 0).astype(int)


def bends(drawn: Any, n: int) -> Arrays:
    """A number from waves, squares and a line of five of ten columns (after Friedman, 1991)."""
    x = drawn.uniform(size=(n, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, y + drawn.normal(size=n)


def hills(drawn: Any, n: int) -> Arrays:
    """A number from two hills and a slope of four columns."""
    x = drawn.normal(size=(n, 4))
    y = 3 * np.exp(-((x[:, 0] - 1) ** 2) - x[:, 1] ** 2) - 2 * np.exp(-((x[:, 0] + 1) ** 2) - x[:, 2] ** 2)
    return x, y + 0.5 * x[:, 3] + 0.1 * drawn.normal(size=n)


CLASSES = (rings, moons, quadrants)
NUMBERS = (bends, hills)
ROWS = 800
FRESH = 1000


@dataclass(frozen=True)
class Case:
    """One subject: what was done, what is wrong (`illness`, "healthy" for none), and how to train it in a folder.

    `accepted`: other names for the same fault, where the fault has two (a rate so large that numbers overflow is both
    `diverged` and `learning_rate_too_large`)."""

    name: str
    illness: str
    train: Callable[[Path], Any]
    accepted: frozenset[str] = frozenset()
    data: Any = None


@dataclass
class Recipe:
    """A sound way to train, in which single things are made wrong."""

    widths: tuple[int, ...] = (32, 16)
    activation: str = "relu"
    rule: str = "adam"
    rate: float = 3e-3
    epochs: int = 120
    rows: int = ROWS
    layer: dict[str, Any] = field(default_factory=dict)
    last: tuple[str, str] | None = None
    last_layer: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def network(self, x: Any, y: Any) -> Network:
        classes = y.dtype.kind == "i"
        outputs = len(np.unique(y)) if classes and y.max() > 1 else 1
        output, loss = ("softmax", "categorical_crossentropy") if outputs > 1 else ("sigmoid", "binary_crossentropy")
        output, loss = self.last or ((output, loss) if classes else ("identity", "mse"))
        layers = [Dense(width, self.activation, **self.layer) for width in self.widths]
        return Network(x.shape[1], [*layers, Dense(outputs, output, **self.last_layer)], loss)

    def train(self, folder: Path, x: Any, y: Any, seed: int) -> Any:
        update = Update(rules.get(self.rule, learning_rate=self.rate))
        chosen = {
            "optimizer": update,
            "epochs": self.epochs,
            "l2": 0.0,
            "patience": 20,
            "batch_size": 32,
        } | self.settings
        keep = [f"x{i}" for i in range(x.shape[1])]
        return fit(
            (x, y), network=self.network(x, y), test=0.0, validation=0.2, seed=seed, run=folder, keep=keep, **chosen
        )


def skill(model: Any, x: Any, y: Any) -> float:
    """How much of the way from the constant prediction to a perfect one: 1 is perfect, 0 no better than a constant."""
    if y.dtype.kind == "i":
        constant = np.mean(y == np.bincount(y).argmax())
        return float((np.mean(np.asarray(model.predict(x)) == y) - constant) / (1 - constant))
    error = np.asarray(model.predict(x), float).reshape(-1) - y
    return float(1 - np.mean(error**2) / np.var(y))


def draw(kind: Callable[[Any, int], Arrays], seed: int, rows: int = ROWS) -> tuple[Arrays, Arrays]:
    drawn = np.random.default_rng([seed, 77])
    return kind(drawn, rows), kind(drawn, FRESH)


def harmed(case_recipe: Recipe, x: Any, y: Any, fresh: Arrays, seed: int, folder: Path) -> bool:
    """Whether the faulty recipe is clearly worse on fresh rows than the sound one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sound = skill(Recipe().train(folder / "sound", x, y, seed), *fresh)
        try:
            faulty = skill(case_recipe.train(folder / "faulty", x, y, seed), *fresh)
        except DivergedError:
            return True
    return faulty < sound - 0.1


def _big(std: float) -> dict[str, Any]:
    return {"initializer": initializers.get("normal", std=std)}


def _same(pick: Any) -> dict[str, Any]:
    return {"initializer": initializers.get("constant", value=float(pick.uniform(0.1, 0.5)))}


def _biases(width: int, value: float) -> dict[str, Any]:
    return {"biases": [value] * width}


def wrong_settings(seed: int) -> dict[str, tuple[Recipe, frozenset[str]]]:
    """Illness -> a recipe with that one thing wrong, and further names of the same fault; drawn by the seed."""
    pick = np.random.default_rng([seed, 5])
    deep = int(pick.integers(8, 13))
    width = int(pick.choice([16, 32]))
    unstable = frozenset({"diverged", "learning_rate_too_large"})
    return {
        "vanishing_gradients": (Recipe((width,) * deep, "sigmoid", "momentum", 0.05), frozenset()),
        "exploding_gradients": (
            Recipe((width,) * deep, "relu", "momentum", 1e-3, 30, layer=_big(float(pick.uniform(1.0, 2.0)))),
            frozenset({"diverged"}),
        ),
        "saturated_units": (Recipe((32, 16), "tanh", layer=_big(float(pick.uniform(8, 20)))), frozenset()),
        "dead_units": (
            Recipe((width, width), "relu", "momentum", 0.01, layer=_biases(width, float(-pick.uniform(6, 12)))), frozenset(),
        ),
        "symmetric_units": (Recipe((width,), "tanh", layer=_same(pick), last_layer=_same(pick)), frozenset()),
        "learning_rate_too_small": (Recipe(rate=float(10 ** pick.uniform(-7.5, -6)), epochs=60), frozenset()),
        "learning_rate_too_large": (Recipe(rate=float(pick.uniform(0.5, 2.0)), epochs=60), frozenset({"dead_units"})),
        "diverged": (Recipe(rule="gradient_descent", rate=float(10 ** pick.uniform(3, 6)), epochs=60), unstable),
        "underfitting": (Recipe((1,), "tanh", rate=0.02, epochs=200), frozenset()),
        "stopped_too_early": (Recipe(rate=3e-4, epochs=int(pick.integers(2, 5))), frozenset()),
        "underfitting by a penalty": (
            Recipe(settings={"optimizer": Update(rules.get("adam", learning_rate=3e-3), l2=float(pick.uniform(0.5, 3)))}),
            frozenset(),
        ),
    }  # fmt: skip


def _noise_columns(x: Any, drawn: Any, count: int) -> Any:
    return np.hstack([x, drawn.normal(size=(len(x), count))])


def _healthy(seed: int, number: int) -> Case:
    kind = (*CLASSES, *NUMBERS)[number % 5]
    pick = np.random.default_rng([seed, number, 9])
    widths = [(32,), (32, 16), (64, 32), (48, 24, 12)][int(pick.integers(4))]
    activation = ["relu", "tanh", "elu", "gelu", "leaky_relu"][int(pick.integers(5))]
    recipe = Recipe(widths, activation, rate=float(pick.choice([1e-3, 2e-3, 5e-3])), epochs=300)
    recipe.rows = int(pick.choice([1500, 2500]))
    (x, y), _ = draw(kind, 1000 * seed + number, recipe.rows)
    name = f"{kind.__name__} {'-'.join(map(str, widths))} {activation}"
    return Case(name, "healthy", lambda folder: recipe.train(folder, x, y, seed), data=(x, y))


def healthy(seed: int, count: int) -> list[Case]:
    """Sound recipes of several widths, activations and rates on all the data."""
    return [_healthy(seed, number) for number in range(count)]


def sick(seed: int, folder: Path) -> list[Case]:
    """Every illness once, on data drawn by the seed."""
    cases = []
    for number, (illness, (recipe, accepted)) in enumerate(wrong_settings(seed).items()):
        kind = (*CLASSES, *NUMBERS)[(seed + number) % 5]
        (x, y), fresh = draw(kind, seed, recipe.rows)
        case = Case(
            f"{illness} on {kind.__name__}",
            illness.split()[0],
            lambda at, r=recipe, d=(x, y): r.train(at, *d, seed),
            accepted,
            (x, y),
        )
        if harmed(recipe, x, y, fresh, seed, folder / illness.replace(" ", "-")):
            cases.append(case)
    return cases + faulty_data(seed)


def faulty_data(seed: int) -> list[Case]:
    """Illnesses that lie in the data or in how they are handed over; ill by construction."""
    drawn = np.random.default_rng([seed, 21])
    classes, numbers = CLASSES[seed % 3], NUMBERS[seed % 2]
    (x, y), _ = draw(classes, seed)
    (u, v), _ = draw(numbers, seed)
    sound = Recipe()
    cases = []

    def add(illness: str, data: Arrays, recipe: Recipe = sound, accepted: frozenset[str] = frozenset()) -> None:
        cases.append(Case(illness, illness, lambda at: recipe.train(at, *data, seed), accepted, data))

    factors = 10.0 ** drawn.uniform(2, 5, u.shape[1]) * drawn.choice([-1, 1], u.shape[1])
    add("unscaled_inputs", (u * factors + factors * 3, v), Recipe(settings={"scale": None}))
    leaked = np.where(drawn.uniform(size=len(y)) < 0.97, y, drawn.integers(0, y.max() + 1, len(y)))
    add("leakage", (np.column_stack([x, leaked + 0.05 * drawn.normal(size=len(y))]), y))
    flipped = np.where(drawn.uniform(size=len(y)) < 0.3, drawn.integers(0, y.max() + 1, len(y)), y)
    add("label_noise", (x, flipped))
    wild = v.copy()
    struck = drawn.choice(len(v), 8, replace=False)
    wild[struck] += drawn.choice([-1, 1], 8) * v.std() * drawn.uniform(40, 120, 8)
    add("outliers", (u, wild))
    add("odd_loss", (u, v), Recipe(last=("relu", "mse")))
    (rare_x, rare_y), _ = draw(moons, seed, 6000)
    kept = np.flatnonzero((rare_y == 0) | (drawn.uniform(size=len(rare_y)) < 0.02))
    blurred = rare_x[kept] + 0.45 * drawn.normal(size=(len(kept), rare_x.shape[1]))
    add("class_imbalance", (blurred, rare_y[kept]))
    weights = drawn.normal(size=u.shape[1])
    line = u @ weights + 0.3 * (u @ weights).std() * drawn.normal(size=len(u))
    add("linear_as_good", (u, line))

    scale = float(10 ** drawn.uniform(3, 5))
    large = v * scale + 10 * scale

    def unscaled_target(_: Path) -> Any:
        return MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=100, random_state=seed).fit(u, large)

    cases.append(Case("unscaled_target", "unscaled_target", unscaled_target, data=(u, large)))
    few = slice(0, 80)  # no early stopping, no penalty, more weights than rows, columns of noise
    noisy = _noise_columns(u, drawn, 10)
    level = (v - v.mean()) / v.std() + 0.7 * drawn.normal(size=len(v))

    def overfitted(_: Path) -> Any:
        net = MLPRegressor(
            hidden_layer_sizes=(256, 128), max_iter=400, alpha=0.0, n_iter_no_change=1000, random_state=seed
        )
        return net.set_params(validation_data=(noisy[80:], level[80:])).fit(noisy[few], level[few])

    cases.append(Case("overfitting", "overfitting", overfitted, data=(noisy[few], level[few])))
    (wide, tall), _ = draw(numbers, seed, 4 * ROWS)
    tall = (tall - tall.mean()) / tall.std()
    near = wide[:, 0] < np.quantile(wide[:, 0], 0.5)  # the rows to check on come from elsewhere

    def shifted(_: Path) -> Any:
        net = MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=100, random_state=seed)
        return net.set_params(validation_data=(wide[~near], tall[~near])).fit(wide[near], tall[near])

    cases.append(Case("shift", "shift", shifted, data=(wide[near], tall[near])))
    return cases
