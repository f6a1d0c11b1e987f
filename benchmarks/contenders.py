"""The contenders of the peer benchmark, each as its own users would write the fastest training loop.

A contender is made from (workload, optimizer, starting weights, x, y); `run(orders)` trains some epochs, computing the loss of
every step; `weights()` gives the layers back as [(from, to), (to,)] pairs.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from workloads import BETA_1, BETA_2, EPSILON, LEARNING_RATE, MOMENTUM, Workload

Layers = list[tuple[Any, Any]]


class Chainrule:
    """chainrule, its engine driven as `fit` drives it: whole epochs in one call, the losses recorded."""

    engine = "native"

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        from chainrule import Dense, Network, Update, rules
        from chainrule.engines.base import Rows
        from chainrule.engines.choose import choose

        last = "softmax" if work.loss == "ce" else "sigmoid"
        functions = [work.activation] * (len(layers) - 1) + [last]
        dense = [Dense(w.shape[1], function) for (w, _), function in zip(layers, functions, strict=True)]
        loss = "categorical_crossentropy" if work.loss == "ce" else "mse"
        self.plan = Network(work.sizes[0], dense, loss).plan
        name = {"sgd": "momentum", "adam": "adam"}[optimizer]
        self.rule = rules.get(name, learning_rate=LEARNING_RATE[optimizer])
        update = Update(self.rule)
        self.rows = Rows(x, y if work.loss == "ce" else y.astype(x.dtype)[:, None])
        self.work, self.step = work, 0
        theta = np.concatenate([part for w, b in layers for part in (w.T.ravel(), b)])
        slots = tuple(np.zeros_like(theta) for _ in self.rule.slots)
        engine = choose(self.engine, self.plan, update, theta.dtype)
        self.session = engine.open(self.plan, theta, slots, update, seed=0)

    def run(self, orders: Any) -> None:
        steps = len(orders) * self.work.steps
        table = self.rule.table(self.step + 1, np.ones(steps))
        losses = self.session.train(self.rows, orders, self.work.batch, table, self.step).losses
        assert len(losses) == steps
        self.step += steps

    def weights(self) -> Layers:
        theta, _ = self.session.export()
        arrays = [param.of(theta) for param in self.plan.params]
        return [(w.T, b) for w, b in zip(arrays[::2], arrays[1::2], strict=True)]


class ChainruleReference(Chainrule):
    """chainrule without its compiled engine: NumPy alone."""

    engine = "reference"


class ChainruleFloat64(ChainruleReference):
    """The truth that `--check` compares with."""

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        wide = [(w.astype(np.float64), b.astype(np.float64)) for w, b in layers]
        super().__init__(work, optimizer, wide, x.astype(np.float64), y)


class ChainruleFit:
    """chainrule as its users call it: `fit` with the history recorded. Two classes are one output here.

    The clock runs from the end of the first epoch to that of the last: reading the table and setting up come before, as
    building and compiling do for the others."""

    own_order = whole_job = True

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        from chainrule import Dense, Network, Update, rules

        outputs = 1 if work.sizes[-1] == 2 else work.sizes[-1]
        last, loss = ("softmax", "categorical_crossentropy") if outputs > 2 else ("sigmoid", "binary_crossentropy")
        dense = [*(Dense(width, work.activation) for width in work.sizes[1:-1]), Dense(outputs, last)]
        name = {"sgd": "momentum", "adam": "adam"}[optimizer]
        self.data, self.work = (x, y), work
        self.settings = {
            "network": Network(work.sizes[0], dense, "mse" if work.loss == "mse" else loss),
            "optimizer": Update(rules.get(name, learning_rate=LEARNING_RATE[optimizer])), "batch_size": work.batch,
            "shuffle": work.shuffle, "validation": 0, "test": 0, "l2": 0, "scale": None,
        }  # fmt: skip

    def run(self, orders: Any) -> float:
        from chainrule import fit

        ended: list[float] = []
        epochs = len(orders) + 1
        model = fit(
            self.data, **self.settings, epochs=epochs, keep=[f"x{i}" for i in range(self.work.sizes[0])],
            progress=lambda event: ended.append(time.perf_counter()),
        )  # fmt: skip
        assert len(model.history["loss"]) == epochs
        return ended[-1] - ended[0]


class Torch:
    """PyTorch eager: modules, autograd, the fused optimizers."""

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        import torch
        import torch.nn.functional as functions

        nn, self.torch, self.work = torch.nn, torch, work
        kinds = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu_tanh": lambda: nn.GELU("tanh")}
        modules: list[Any] = []
        for w, b in layers:
            linear = nn.Linear(*w.shape)
            linear.weight.data.copy_(torch.from_numpy(w.T.copy()))
            linear.bias.data.copy_(torch.from_numpy(b))
            modules += [linear, kinds[work.activation]()]
        modules[-1:] = [nn.Sigmoid()] if work.loss == "mse" else []
        self.net = nn.Sequential(*modules)
        self.loss = functions.cross_entropy if work.loss == "ce" else functions.mse_loss
        self.x = torch.from_numpy(x)
        self.y = torch.from_numpy(y) if work.loss == "ce" else torch.from_numpy(y.astype(np.float32)[:, None])
        rate, parameters = LEARNING_RATE[optimizer], self.net.parameters()
        if optimizer == "sgd":
            self.optimizer = torch.optim.SGD(parameters, rate, momentum=MOMENTUM, fused=True)
        else:
            self.optimizer = torch.optim.Adam(parameters, rate, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True)

    def run(self, orders: Any) -> None:
        for order in self.torch.from_numpy(orders):
            if self.work.shuffle:
                batches: Any = ((self.x[i], self.y[i]) for i in order.split(self.work.batch))
            else:
                batches = zip(self.x.split(self.work.batch), self.y.split(self.work.batch), strict=True)
            for x, y in batches:
                loss = self.loss(self.net(x), y)
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                self.optimizer.step()
        float(loss.detach())

    def weights(self) -> Layers:
        arrays = [p.detach().numpy() for p in self.net.parameters()]
        return [(w.T, b) for w, b in zip(arrays[::2], arrays[1::2], strict=True)]


class TorchCompile:
    """PyTorch with the whole step (gather, forward, backward, update) in one compiled graph."""

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        import torch
        import torch.nn.functional as functions

        self.torch, self.work, self.count = torch, work, torch.zeros(())
        self.params = [torch.from_numpy(a.copy()) for w, b in layers for a in (w.T, b)]
        self.first = [torch.zeros_like(p) for p in self.params]
        self.second = [torch.zeros_like(p) for p in self.params] if optimizer == "adam" else []
        self.x = torch.from_numpy(x)
        self.y = torch.from_numpy(y) if work.loss == "ce" else torch.from_numpy(y.astype(np.float32)[:, None])
        kinds = {"relu": functions.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
        activation = kinds.get(work.activation, lambda z: functions.gelu(z, approximate="tanh"))
        rate, depth = LEARNING_RATE[optimizer], len(layers)

        def loss_of(params: Any, x: Any, y: Any) -> Any:
            for i in range(depth):
                x = functions.linear(x, params[2 * i], params[2 * i + 1])
                x = activation(x) if i < depth - 1 else x
            return functions.cross_entropy(x, y) if work.loss == "ce" else functions.mse_loss(torch.sigmoid(x), y)

        def step(params: Any, first: Any, second: Any, count: Any, all_x: Any, all_y: Any, index: Any) -> Any:
            x, y = (all_x[index], all_y[index]) if work.shuffle else (all_x, all_y)
            gradients, loss = torch.func.grad_and_value(loss_of)(params, x, y)
            if optimizer == "sgd":
                for p, m, g in zip(params, first, gradients, strict=True):
                    m.mul_(MOMENTUM).add_(g)
                    p.sub_(rate * m)
            else:
                count.add_(1)
                c1, c2 = rate / (1 - BETA_1**count), 1 / torch.sqrt(1 - BETA_2**count)
                for p, m, v, g in zip(params, first, second, gradients, strict=True):
                    m.mul_(BETA_1).add_((1 - BETA_1) * g)
                    v.mul_(BETA_2).add_((1 - BETA_2) * g * g)
                    p.sub_(c1 * m / (torch.sqrt(v) * c2 + EPSILON))
            return loss

        self.step = torch.compile(step, fullgraph=True, dynamic=False)

    def run(self, orders: Any) -> None:
        work, state = self.work, (self.params, self.first, self.second, self.count)
        with self.torch.no_grad():
            for order in self.torch.from_numpy(orders):
                if work.shuffle:
                    for index in order.split(work.batch):
                        loss = self.step(*state, self.x, self.y, index)
                else:
                    for x, y in zip(self.x.split(work.batch), self.y.split(work.batch), strict=True):
                        loss = self.step(*state, x, y, order)
        float(loss)

    def weights(self) -> Layers:
        arrays = [p.numpy() for p in self.params]
        return [(w.T, b) for w, b in zip(arrays[::2], arrays[1::2], strict=True)]


class Jax:
    """JAX: every step of every epoch in one jitted scan over row numbers."""

    whole_job = True  # the number of epochs is part of the compiled function

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        import jax
        import jax.numpy as jnp

        self.jax, self.work = jax, work
        kinds = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}
        activation = kinds.get(work.activation, lambda z: jax.nn.gelu(z, approximate=True))
        self.x = jnp.asarray(x)
        self.y = jnp.asarray(y, "int32") if work.loss == "ce" else jnp.asarray(y, "float32")[:, None]
        rate, tree = LEARNING_RATE[optimizer], jax.tree_util.tree_map

        def loss_of(params: Any, x: Any, y: Any) -> Any:
            for w, b in params[:-1]:
                x = activation(x @ w + b)
            x = x @ params[-1][0] + params[-1][1]
            if work.loss == "mse":
                return ((jax.nn.sigmoid(x) - y) ** 2).mean()
            return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

        def step(carry: Any, index: Any, all_x: Any, all_y: Any) -> Any:
            params, m, v, count = carry
            x, y = (all_x, all_y) if work.batch == work.rows else (all_x[index], all_y[index])
            loss, g = jax.value_and_grad(loss_of)(params, x, y)
            if optimizer == "sgd":
                m = tree(lambda m, g: MOMENTUM * m + g, m, g)
                params = tree(lambda p, m: p - rate * m, params, m)
            else:
                count = count + 1
                c1, c2 = rate / (1 - BETA_1**count), 1 / jnp.sqrt(1 - BETA_2**count)
                m = tree(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, g)
                v = tree(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, v, g)
                params = tree(lambda p, m, v: p - c1 * m / (jnp.sqrt(v) * c2 + EPSILON), params, m, v)
            return (params, m, v, count), loss

        def job(carry: Any, orders: Any, x: Any, y: Any) -> Any:
            return jax.lax.scan(lambda c, i: step(c, i, x, y), carry, orders)

        self.job = jax.jit(job, donate_argnums=0)
        params = [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers]
        zeros = tree(jnp.zeros_like, params)
        second = tree(jnp.zeros_like, params) if optimizer == "adam" else None
        self.carry = (params, zeros, second, jnp.float32(0))

    def run(self, orders: Any) -> None:
        index = orders.reshape(-1, self.work.batch).astype("int32")
        self.carry, losses = self.job(self.carry, index, self.x, self.y)
        losses.block_until_ready()
        self.jax.block_until_ready(self.carry)

    def weights(self) -> Layers:
        return [(np.asarray(w), np.asarray(b)) for w, b in self.carry[0]]


class Keras:
    """Keras 3 with `fit`, 32 steps per execution."""

    own_order = True

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        import keras

        kinds, count = keras.layers, len(layers)
        hidden = (lambda z: keras.ops.gelu(z, approximate=True)) if work.activation == "gelu_tanh" else work.activation
        last = "softmax" if work.loss == "ce" else "sigmoid"
        dense = [
            kinds.Dense(w.shape[1], activation=hidden if i < count - 1 else last) for i, (w, _) in enumerate(layers)
        ]
        self.net = keras.Sequential([keras.Input((work.sizes[0],)), *dense])
        self.net.set_weights([a for layer in layers for a in layer])
        rate = LEARNING_RATE[optimizer]
        rule = (
            keras.optimizers.SGD(rate, momentum=MOMENTUM)
            if optimizer == "sgd"
            else keras.optimizers.Adam(rate, BETA_1, BETA_2, EPSILON)
        )
        loss = "sparse_categorical_crossentropy" if work.loss == "ce" else "mse"
        self.net.compile(rule, loss, steps_per_execution=min(32, work.steps))
        self.work, self.x, self.y = work, x, y

    def run(self, orders: Any) -> None:
        work = self.work
        self.net.fit(self.x, self.y, batch_size=work.batch, epochs=len(orders), shuffle=work.shuffle, verbose=0)


class Sklearn:
    """scikit-learn's MLPClassifier, warm-started. It has no GELU (tanh instead) and one logistic output for two classes."""

    own_order = True

    def __init__(self, work: Workload, optimizer: str, layers: Layers, x: Any, y: Any) -> None:
        import warnings

        from sklearn.neural_network import MLPClassifier

        warnings.filterwarnings("ignore")
        activation = {"sigmoid": "logistic", "gelu_tanh": "tanh"}.get(work.activation, work.activation)
        self.net = MLPClassifier(
            work.sizes[1:-1], activation=activation, solver=optimizer, alpha=0.0, batch_size=work.batch,
            learning_rate_init=LEARNING_RATE[optimizer], momentum=MOMENTUM, nesterovs_momentum=False, tol=0.0,
            n_iter_no_change=10**9, shuffle=work.shuffle, warm_start=True, max_iter=1, random_state=0,
        )  # fmt: skip
        self.x, self.y = x, y

    def run(self, orders: Any) -> None:
        self.net.max_iter = len(orders)
        self.net.fit(self.x, self.y)


# Name -> class and environment. NumPy's and scikit-learn's wheels choose AVX2 kernels on some CPUs that have AVX-512; the
# variants named -avx512 let OpenBLAS use its AVX-512 kernels.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "CHAINRULE_NUM_THREADS": "1"}
EXACT = "chainrule-float64"
_AVX512 = {"OPENBLAS_CORETYPE": "SkylakeX"}
CONTENDERS: dict[str, tuple[type, dict[str, str]]] = {
    "chainrule": (Chainrule, {}),
    "chainrule-1-thread": (Chainrule, ONE_THREAD),
    "chainrule-avx2": (Chainrule, {"CHAINRULE_ISA": "avx2"}),
    "chainrule-fit": (ChainruleFit, {}),
    "chainrule-reference": (ChainruleReference, {}),
    EXACT: (ChainruleFloat64, {}),
    "jax": (Jax, {}),
    "torch": (Torch, {}),
    "torch-1-thread": (Torch, ONE_THREAD),
    "torch-compile": (TorchCompile, {}),
    "keras-jax": (Keras, {"KERAS_BACKEND": "jax"}),
    "keras-torch": (Keras, {"KERAS_BACKEND": "torch"}),
    "sklearn": (Sklearn, {}),
    "sklearn-avx512": (Sklearn, _AVX512),
}
