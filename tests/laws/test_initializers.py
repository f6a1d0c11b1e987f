"""The laws of initialisers over the whole catalog, and planted faults."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from chainrule.errors import PromiseError, SettingError
from chainrule.initializers import initializers
from chainrule.rng import generator

# fan_out, fan_in: never square, both ways round, and a single unit
SHAPES = ((7, 5), (5, 7), (1, 4), (3, 1))
BIG = (150, 250)
VARIANTS = [
    *initializers,
    initializers.get("he_normal", negative_slope=0.5),
    initializers.get("he_uniform", negative_slope=0.5),
    initializers.get("orthogonal", gain=1.7),
    initializers.get("constant", value=0.3),
    initializers.get("normal", std=2.0),
    initializers.get("uniform", limit=0.5),
]
every_initializer = pytest.mark.parametrize("record", VARIANTS, ids=lambda r: f"{r.name}-{r.constants}")


def _require(record, law, holds):
    if not holds:
        raise PromiseError("CR208", f"the initializer {record.name!r} breaks a law: {law}")


def _draw(record, shape, seed=0):
    return record.draw(generator(seed, "law"), *shape)


def has_the_shape_to_from(record):
    """W[to, from] in float64, finite, and an array of its own."""
    for shape in SHAPES:
        w = _draw(record, shape)
        _require(record, "shape (fan_out, fan_in), float64", w.shape == shape and w.dtype == np.float64)
        _require(record, "finite and writable", np.isfinite(w).all() and w.flags.writeable)


def repeats(record):
    """The same generator state gives the same bits; where something is drawn, another state gives others."""
    for shape in SHAPES:
        same = _draw(record, shape).tobytes() == _draw(record, shape).tobytes()
        _require(record, "the same state gives the same bits", same)
    if record.variance is not None:
        differs = _draw(record, SHAPES[0]).tobytes() != _draw(record, SHAPES[0], seed=1).tobytes()
        _require(record, "another state gives other weights", differs)


def has_its_variance(record):
    """Mean 0 and the stated variance, in big draws of both shapes.

    The mean of N draws has deviation sqrt(V/N). The mean square has at most sqrt(2/N) V (a normal; a uniform has
    sqrt(0.8/N) V, the entries of a rotation less). Six deviations: one wrong alarm in 5e8.
    """
    if record.variance is None:
        return
    for shape in (BIG, BIG[::-1]):
        w, variance = _draw(record, shape), record.variance(*shape)
        _require(record, "mean 0", abs(w.mean()) <= 6 * math.sqrt(variance / w.size))
        _require(record, "its variance", abs((w**2).mean() / variance - 1) <= 6 * math.sqrt(2 / w.size))


def is_orthogonal(record):
    """The shorter side is orthogonal and of length `gain`, up to the rounding of a QR: n units in the last place."""
    gain = record.constants["gain"]
    for shape in SHAPES:
        w = _draw(record, shape)
        gram = w @ w.T if shape[0] <= shape[1] else w.T @ w
        gap = np.abs(gram / gain**2 - np.eye(min(shape))).max()
        _require(record, "orthogonal", gap <= 8 * max(shape) * np.finfo(float).eps)


def is_uncut(record):
    """A uniform draw fills its limits and stays inside; a normal one goes beyond three deviations as it should."""
    w = np.abs(_draw(record, BIG))
    deviation = math.sqrt(record.variance(*BIG))
    if "uniform" in record.name or record.name == "old_heuristic":
        limit = math.sqrt(3) * deviation
        _require(record, "inside its limits, up to them", 0.999 * limit < w.max() <= limit)
    elif "normal" in record.name:
        expected = 0.0026998 * w.size  # P(|z| > 3)
        beyond = np.count_nonzero(w > 3 * deviation)
        _require(record, "an uncut normal", abs(beyond - expected) <= 6 * math.sqrt(expected))


LAWS = (has_the_shape_to_from, repeats, has_its_variance)


@every_initializer
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_initializer_holds_every_law(record, law):
    law(record)


@pytest.mark.parametrize("gain", [1.0, 0.3, 1.7])
def test_an_orthogonal_draw_is_orthogonal(gain):
    is_orthogonal(initializers.get("orthogonal", gain=gain))


@pytest.mark.parametrize("record", [r for r in VARIANTS if r.variance is not None], ids=lambda r: r.name)
def test_a_distribution_is_uncut(record):
    is_uncut(record)


@every_initializer
def test_an_initializer_survives_its_description_and_a_pickle(record):
    assert initializers.restore(initializers.describe(record)) == record
    again = pickle.loads(pickle.dumps(record))
    assert _draw(again, (3, 2)).tobytes() == _draw(record, (3, 2)).tobytes()
    assert record.latex
    assert record.source


def test_he_keeps_the_mean_square_through_relu_layers_and_lecun_through_linear_ones():
    draws = generator(2, "law")
    for name, activation in (
        ("he_normal", lambda z: np.maximum(z, 0.0)),
        ("lecun_normal", lambda z: z),
    ):
        a = draws.normal(size=(400, 300))
        z = a
        for _ in range(4):
            z = a @ initializers.get(name).draw(draws, 300, a.shape[1]).T
            a = activation(z)
        # Each layer strays by about sqrt(2/300) + sqrt(2/400); three deviations of four layers together.
        assert (z**2).mean() == pytest.approx(2.0 if name == "he_normal" else 1.0, rel=0.6)


# Planted faults


@pytest.mark.parametrize("name", ["he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "old_heuristic"])
def test_fan_out_in_place_of_fan_in_is_caught(name):
    right = initializers.get(name)
    fault = replace(right, draw=lambda g, fan_out, fan_in: right.draw(g, fan_in, fan_out).T)
    with pytest.raises(PromiseError, match="its variance"):
        has_its_variance(fault)


def test_a_normal_that_is_cut_at_two_deviations_is_caught():
    right = initializers.get("he_normal")

    def cut(g, fan_out, fan_in):
        w = right.draw(g, fan_out, fan_in)
        limit = 2 * math.sqrt(right.variance(fan_out, fan_in))
        return np.clip(w, -limit, limit)

    with pytest.raises(PromiseError, match="its variance"):
        has_its_variance(replace(right, draw=cut))
    with pytest.raises(PromiseError, match="uncut"):
        is_uncut(replace(right, draw=cut))


def test_a_transposed_draw_is_caught():
    right = initializers.get("glorot_uniform")
    fault = replace(right, draw=lambda g, fan_out, fan_in: right.draw(g, fan_out, fan_in).T)
    with pytest.raises(PromiseError, match="shape"):
        has_the_shape_to_from(fault)


def test_a_draw_from_a_hidden_generator_is_caught():
    hidden = np.random.default_rng(0)
    right = initializers.get("glorot_normal")
    with pytest.raises(PromiseError, match="same bits"):
        repeats(replace(right, draw=lambda g, fan_out, fan_in: right.draw(hidden, fan_out, fan_in)))


def test_a_rotation_that_lost_a_row_is_caught():
    right = initializers.get("orthogonal")

    def doubled(g, fan_out, fan_in):
        w = right.draw(g, fan_out, fan_in)
        w[-1] = w[0]
        return w

    with pytest.raises(PromiseError, match="orthogonal"):
        is_orthogonal(replace(right, draw=doubled))


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("he_normal", {"negative_slope": -0.1}),
        ("normal", {"std": 0.0}),
        ("uniform", {"limit": -1.0}),
        ("orthogonal", {"gain": 0}),
    ],
)
def test_a_constant_outside_its_bounds_is_refused(name, constants):
    with pytest.raises(SettingError, match="CR201"):
        initializers.get(name, **constants)
