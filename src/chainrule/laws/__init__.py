"""Laws: what every record says about itself, and what every engine promises, measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.calculus.activation import Activation
from chainrule.calculus.activations import activations
from chainrule.calculus.loss import Loss
from chainrule.calculus.losses import losses
from chainrule.catalog import Catalog
from chainrule.errors import ChainruleError, SettingError
from chainrule.laws import activation, loss, rule
from chainrule.laws.law import Law
from chainrule.metrics import Metric
from chainrule.metrics import catalog as metrics
from chainrule.metrics import laws as metric
from chainrule.optim.rule import Rule
from chainrule.optim.rules import rules


@dataclass(frozen=True)
class Subject:
    """A kind of record: the catalog that it belongs to and the laws that bind it."""

    catalog: Catalog[Any]
    laws: tuple[Law, ...]


def _sentence(check: Any) -> Law:
    words = check.__name__.replace("_", " ")
    return Law(words, words, check)


SUBJECTS: dict[type, Subject] = {
    Activation: Subject(activations, activation.LAWS),
    Loss: Subject(losses, loss.LAWS),
    Rule: Subject(rules, rule.LAWS),
    Metric: Subject(metrics, tuple(_sentence(check) for check in metric.LAWS)),
}


def subject_of(record: Any) -> Subject:
    """The catalog and the laws of a record; `SettingError` CR202 for anything else."""
    if type(record) not in SUBJECTS:
        raise SettingError(
            "CR202", "not a record that has laws", got=type(record).__name__,
            expected=", ".join(kind.__name__ for kind in SUBJECTS),
        )  # fmt: skip
    return SUBJECTS[type(record)]


def prove(record: Any) -> None:
    """Check every law of this record; the first that is broken raises `SettingError` CR208 with where and both numbers.

    >>> from chainrule import activations
    >>> prove(activations.get("tanh"))
    """
    for law in subject_of(record).laws:
        try:
            law.check(record)
        except ChainruleError:
            raise
        except Exception as reason:  # the record's own functions failed
            raise SettingError(
                "CR208", f"{record.name!r} cannot be held to the law of {law.name}: {law.says}",
                got=f"{type(reason).__name__}: {reason}",
            ) from reason  # fmt: skip
