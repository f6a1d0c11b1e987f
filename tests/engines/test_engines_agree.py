"""Both engines compute the same numbers: every slot, every delta, every gradient, every step."""

from __future__ import annotations

import numpy as np
import pytest
from engine_jobs import HEADS, TRAINABLE, assert_close, drawn_network, job, narrow_network, needs_library, rounding

from chainrule import Dense, LayerNorm, Maxout, Network, activations, losses, rules
from chainrule.engines.lowering import lower
from chainrule.optim.rule import Update

pytestmark = needs_library
DTYPES = [np.float64, np.float32]
BESIDE_THE_HEAD = {"poisson": "softplus", "binary_crossentropy": "gaussian"}


def compare_traces(task, bound):
    native, reference = task.both()
    index = np.random.default_rng(1).permutation(len(task.rows))[: max(1, len(task.rows) - 3)]
    got, wanted = native.trace(task.rows, index, 7), reference.trace(task.rows, index, 7)
    for name in wanted.values:
        assert_close(got.values[name], wanted.values[name], bound, f"value {name}")
    for name in wanted.deltas:
        assert_close(got.deltas[name], wanted.deltas[name], bound, f"delta {name}")
    assert set(got.deltas) == set(wanted.deltas)
    for param in task.network.plan.params:
        assert_close(param.of(got.gradient), param.of(wanted.gradient), bound, f"gradient {param.name}")
    assert_close(got.losses, wanted.losses, bound, "losses")
    assert_close(got.factors, wanted.factors, bound, "factors")
    assert_close(got.loss, wanted.loss, bound, "loss")
    assert_close(native.predict(task.rows.x), reference.predict(task.rows.x), bound, "prediction")
    for one, other in zip(native.gradient(task.rows), reference.gradient(task.rows), strict=True):
        assert_close(one, other, bound, "gradient of all rows")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(60))
def test_every_slot_and_gradient_of_a_random_network_agrees(seed, dtype):
    network = drawn_network(seed)
    compare_traces(job(network, dtype=dtype, seed=seed, weighted=seed % 2 == 1), rounding(network, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRAINABLE)
def test_every_activation_agrees(name, dtype):
    network = Network(5, [Dense(37, name), Dense(9, name), Dense(2, "identity")], "mse")
    compare_traces(job(network, n=41, dtype=dtype), rounding(network, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "constants"),
    [("exponential", {"limit": 0.5}),
     ("elu", {"alpha": 0.3}), ("selu", {"lam": 1.2, "alpha": 0.4}), ("leaky_relu", {"alpha": 0.0}),
     ("smht", {"a": 0.5, "b": 0.7, "c": 0.9, "d": 1.3}), ("rrelu", {"lower": 0.1, "upper": 0.9}), ("prelu", {"alpha": 0.0})],
)  # fmt: skip
def test_activations_with_other_constants_agree(name, constants, dtype):
    network = Network(6, [Dense(11, activations.get(name, **constants)), Dense(2, "identity")], "mse")
    compare_traces(job(network, dtype=dtype), rounding(network, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [name for name in losses.names() if name != "output"])
def test_every_loss_agrees_with_and_without_its_fused_head(name, weighted, reduction, dtype):
    loss = losses.get(name)
    outputs = {loss.output, *(head.activation for head in loss.heads), BESIDE_THE_HEAD.get(name, loss.output)}
    for output in sorted(outputs):
        network = Network(7, [Dense(10, "tanh"), Dense(3, output)], loss, reduction)
        # Without its head the slope of this loss is a quotient by p(1 - p), which multiplies the rounding of p near 0 and 1.
        steep = 400 if output == "gaussian" and dtype == np.float32 else 1
        compare_traces(job(network, dtype=dtype, weighted=weighted, seed=3), steep * rounding(network, dtype))


@pytest.mark.parametrize(
    ("name", "constants"),
    [("huber", {"delta": 0.4}), ("pinball", {"quantile": 0.9}), ("binary_crossentropy", {"label_smoothing": 0.2}),
     ("categorical_crossentropy", {"label_smoothing": 0.2})],
)  # fmt: skip
@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_with_other_constants_agree(name, constants, dtype):
    loss = losses.get(name, **constants)
    network = Network(7, [Dense(10, "tanh"), Dense(3, loss.output)], loss)
    for seed in range(4):
        compare_traces(job(network, dtype=dtype, seed=seed), rounding(network, dtype))


def train_both(task, update, epochs=3, batch_size=5, first_step=0):
    order = task.order(epochs)
    steps = epochs * -(-len(task.rows) // batch_size)
    table = update.rule.table(first_step + 1, np.linspace(1.0, 0.2, steps))
    results = []
    for session in task.both(update):
        done = session.train(task.rows, order, batch_size, table, first_step)
        results.append(
            (done.losses, *[x for part in session.export() for x in (part if isinstance(part, tuple) else (part,))])
        )
    return results


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", rules.names())
@pytest.mark.parametrize(
    "terms", [{}, {"l1": 0.01, "l2": 0.1}, {"clip_value": 0.05}, {"clip_norm": 0.1, "l2": 0.1, "clip_value": 0.08}]
)
def test_every_rule_moves_theta_and_its_slots_alike(name, terms, dtype):
    layers = [
        Dense(9, "tanh", learning_rate_factor=2.0, bias_learning_rate_factor=0.5), Dense(5, "prelu", bias="layer"), LayerNorm(),
        Maxout(4, 2), Dense(3, "softmax", mask=np.random.default_rng(0).random((3, 4)) < 0.6),
    ]  # fmt: skip
    network = Network(6, layers)
    task = job(network, dtype=dtype)
    native, reference = train_both(task, Update(rules.get(name), **terms), first_step=3)
    # Fifteen steps let the roundings of one step grow; Adam divides by gradients near 0.
    bound = 1e-10 if dtype == np.float64 else 50 * rounding(network, dtype)
    for got, wanted in zip(native, reference, strict=True):
        assert_close(got, wanted, bound, name)


@pytest.mark.parametrize("seed", range(24))
def test_training_a_narrow_network_on_batches_of_many_rows_agrees(seed):
    task = job(narrow_network(seed), n=150, seed=seed, weighted=seed % 3 == 0)
    rule = rules.get(rules.names()[seed % len(rules.names())], learning_rate=1e-3)
    native, reference = train_both(task, Update(rule, l2=0.01 * (seed % 2)), epochs=2, batch_size=64)
    for got, wanted in zip(native, reference, strict=True):
        assert_close(got, wanted, 1e-9, rule.name)


@pytest.mark.parametrize("seed", range(60, 80))
def test_training_a_random_network_agrees_step_by_step(seed):
    task = job(drawn_network(seed), seed=seed, weighted=seed % 3 == 0)
    native, reference = train_both(task, Update(rules.get("momentum", learning_rate=1e-3)), epochs=2)
    for got, wanted in zip(native, reference, strict=True):
        assert_close(got, wanted, 1e-10)


def test_every_built_in_record_has_a_kernel_of_its_own():
    for record in activations:
        if record.trainable:
            network = Network(2, [Dense(3, record), Dense(1)], "mse")
            assert not lower(network.plan, Update(rules.get("adam")), 0).calls, record.name
    for rule in rules:
        network = Network(2, [Dense(1)], "mse")
        assert not lower(network.plan, Update(rule), 0).calls, rule.name
    for loss in losses:
        network = Network(2, [Dense(2, loss.output)], loss)
        assert not lower(network.plan, Update(rules.get("adam")), 0).calls, loss.name
    for loss_name, activation in HEADS:
        plan = Network(2, [Dense(2, activation)], loss_name).plan
        assert plan.objective.head is not None
        assert not lower(plan, Update(rules.get("adam")), 0).calls, loss_name
