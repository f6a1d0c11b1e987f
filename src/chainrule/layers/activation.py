"""a = g(z), any activation of the catalog, elementwise: inside other layers, and as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from chainrule.calculus.activation import Activation, activations
from chainrule.calculus.local import Diagonal
from chainrule.initializers import initializers
from chainrule.layers.layer import Arrays, Op, Pass
from chainrule.plan import Builder, Step
from chainrule.shapes import Array


@dataclass(frozen=True)
class Activate:
    """An activation that does not directly follow its weights, as behind a layer norm:
    `[Dense(8), LayerNorm(), Activate("relu")]`."""

    activation: Activation | str
    kind: ClassVar[str] = "activate"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activations.get(self.activation))

    def lower(self, builder: Builder, source: str) -> str:
        assert isinstance(self.activation, Activation)
        target = builder.slot(f"a{builder.layer}", builder.width(source), "activation")
        return add(builder, self.activation, source, target)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "activation": activations.describe(self.activation)}  # type: ignore[arg-type]

    @classmethod
    def restore(cls, description: dict[str, Any]) -> Activate:
        return cls(activations.restore(description["activation"]))


def add(builder: Builder, activation: Activation, source: str, target: str) -> str:
    """The step that applies an activation, with its learned parameters (one per unit) and its stream of draws."""
    width = builder.width(source)
    params = tuple(
        builder.param(
            f"{learned.name}{builder.layer}", (width,), initializers.get("constant", value=learned.initial),
            decay_factor=0.0,
        )
        for learned in activation.learned
    )  # fmt: skip
    draws = {"stream": builder.stream()} if activation.random else {}
    return builder.step("activation", (source,), target, params, activation=activation, **draws)


def _extra(step: Step, z: Array, params: Arrays, run: Pass) -> Arrays:
    draw = (run.uniform(step.constants["stream"], z.shape[1]),) if step.constants["activation"].random else ()
    return (*params, *draw)


def forward(step: Step, sources: Arrays, params: Arrays, run: Pass) -> Array:
    (z,) = sources
    value: Array = step.constants["activation"].value(z, *_extra(step, z, params, run))
    return value


def local(step: Step, sources: Arrays, params: Arrays, target: Array, run: Pass) -> tuple[Diagonal, ...]:
    (z,) = sources
    return (Diagonal(step.constants["activation"].slope(z, target, *_extra(step, z, params, run))),)


def gradients(step: Step, sources: Arrays, params: Arrays, delta: Array, run: Pass) -> Arrays:
    if not params:
        return ()
    (z,) = sources
    function: Activation = step.constants["activation"]
    assert function.learned_slopes is not None
    extra = _extra(step, z, params, run)
    slopes = function.learned_slopes(z, function.value(z, *extra), *extra)
    return tuple((delta * slope).sum(axis=0) for slope in slopes)


LAYERS = (Activate,)
OPS = (Op("activation", forward, local, gradients),)
