"""A network that its own settings keep from learning what there is to be learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chainrule.diagnostics.curves import FALLING, train_curve
from chainrule.diagnostics.evidence import GAIN, SHORT, Evidence
from chainrule.diagnostics.finding import UNITS, Finding, Remedy, diagnostic
from chainrule.diagnostics.variants import remade
from chainrule.layers import Dense, Dropout, Layer
from chainrule.network import Network
from chainrule.optim.rule import Update

STRONG = 0.031  # l1 or l2: the largest that `fit` chooses by itself is 0.03
SILENCED = 0.5  # dropout: the usual largest rate
NARROW = 3  # units of the narrowest layer
WIDENED = 32  # units of a layer that is tried in its place


@dataclass(frozen=True)
class _Restraint:
    """What may hold a network back, what to do about it, and the network or update without it, to be tried."""

    what: str
    remedy: Remedy
    network: Network | None = None
    update: Update | None = None


@diagnostic("fit", needs=("own",), causes=("plateau", *UNITS))
def underfitting(e: Evidence) -> Finding | None:
    """Has it learned what there is to be learned?"""
    if e.failure is not None or e.reference is None or e.shortfall <= SHORT:
        return None
    restraint = _restraint(e)
    without = None if restraint is None else e.tried(restraint.network, restraint.update)
    why = (
        "its size and its penalty are usual, so that the steps may be to blame" if restraint is None else restraint.what
    )
    if restraint is not None and without is not None:
        if without > e.loss - GAIN * e.constant_loss:
            why, restraint = (
                f"{why}, but without that a short training gets no further: the steps may be to blame",
                None,
            )
        else:
            why += f"; without that, a short training reaches a loss of {without:.3g}"
    curve = train_curve(e.history)
    if restraint is None and curve is not None and curve.drop > FALLING * e.constant_loss:
        return None
    return Finding(
        "the network",
        {"skill": e.skill, "reference_skill": e.reference.skill, "loss": e.loss, "because": why, "loss_without": without},
        f"a skill of {e.reference.skill:.2f} or more on its own training rows",
        f"a simple method does better on rows that it did not see than the network on those it learned from: {why}",
        _LARGER if restraint is None else restraint.remedy,
        is_ill=restraint is not None,
        said=f"skill {e.skill:.3g} on the training rows, where a simple method reaches {e.reference.skill:.2f} on rows it "
        "did not see",
        explain="loss",
    )  # fmt: skip


_LARGER = Remedy("a larger network", {"network": (64, 32), "hidden_activation": "relu"})


def _restraint(e: Evidence) -> _Restraint | None:
    """What holds the network back by its own settings; None where they are usual."""
    update = e.training.update if e.training is not None else None
    if update is not None and max(update.l1, update.l2) > STRONG:
        kind, size = ("l2", update.l2) if update.l2 >= update.l1 else ("l1", update.l1)
        return _Restraint(
            f"its penalty ({kind} = {size:g}) holds the weights down",
            Remedy(f"a weaker penalty, such as {kind} = 0.0001", {kind: 0.0001}), update=replace(update, l1=0.0, l2=0.0),
        )  # fmt: skip
    rate = max((step.constants["rate"] for step in e.plan.steps if step.op == "dropout"), default=0.0)
    if rate > SILENCED:
        return _Restraint(
            f"it silences {rate:.0%} of its units in every step", Remedy("less dropout", {"dropout": 0.0}),
            _remade(e, lambda one: None if isinstance(one, Dropout) else one),
        )  # fmt: skip
    hidden = [one for one in e.layers if not one.is_output]
    widths = [len(one.units) for one in hidden]
    if not widths:
        network = _remade(e, lambda one: one)
        wider = None if network is None else replace(network, layers=(Dense(WIDENED, "relu"), *network.layers))
        return _Restraint("it has no hidden layer", _LARGER, wider)
    if all(one.function == "identity" for one in hidden):
        return _Restraint(
            "its hidden layers are linear, so that the whole network is",
            Remedy("an activation that is not linear", {"hidden_activation": "relu"}),
            _remade(e, lambda one: Dense(one.units, "relu") if isinstance(one, Dense) else one),
        )  # fmt: skip
    if min(widths) <= NARROW:
        return _Restraint(
            f"all that it knows of a row has to pass through {min(widths)} unit{'s' if min(widths) > 1 else ''}", _LARGER,
            _remade(e, lambda one: Dense(max(WIDENED, one.units), one.activation) if isinstance(one, Dense) else one),
        )  # fmt: skip
    return None


def _remade(e: Evidence, change: Callable[[Layer], Layer | None]) -> Network | None:
    """The network with every hidden layer changed or (None) left out; None where it has layers that this cannot be said of."""
    network = e.network
    if not isinstance(network, Network) or not all(isinstance(one, (Dense, Dropout)) for one in network.layers):
        return None
    end = network.layers[-1] if network.layers else None
    if not isinstance(end, Dense):
        return None
    return remade(network, lambda one, is_last: Dense(end.units, end.activation) if is_last else change(one))
