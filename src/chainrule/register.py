"""A user's own record, admitted to its catalog once the laws have passed it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from chainrule.errors import SettingError
from chainrule.laws import prove, subject_of

Record = TypeVar("Record")


def register(record: Record | Callable[..., Record]) -> Record:
    """Check every law of an activation, loss, update rule or metric, then add it to its catalog; returns the record.

    Once registered it works everywhere by its name. A record with constants is given as the function that makes it,
    whose arguments are the constants with their defaults: `register(mine)`, with `def mine(alpha=0.5): ...`.

    Pickles and model files hold a record's name and constants, never its code: register it again, in a new process,
    before loading them. `catalog.forget(name)` removes it.

    Raises `SettingError` CR208 for a broken law (which one, where, both numbers), CR207 for a name that is taken,
    CR202 for something that is no record, CR204 for constants that no function makes.

    >>> import numpy as np
    >>> from chainrule import Activation, activations
    >>> from chainrule.register import register
    >>> softsign = Activation(
    ...     name="my_softsign", value=lambda z: z / (1 + np.abs(z)), slope=lambda z, a: (1 - np.abs(a)) ** 2,
    ...     expr="z/(1 + abs(z))", slope_expr="1/(1 + abs(z))**2", slope_from_output="(1 - abs(a))**2",
    ...     latex=r"\\frac{z}{1+|z|}", latex_slope=r"\\frac{1}{(1+|z|)^2}", low=-1.0, high=1.0, zero_centred=True,
    ...     continuity=1, saturates=("left", "right"), source="Elliott (1993)",
    ... )
    >>> register(softsign).range
    '(−1, 1)'
    >>> activations.forget("my_softsign")
    """
    make: Callable[..., Any] = record if inspect.isfunction(record) else lambda: record
    made = make()
    subject = subject_of(made)
    if made.constants.keys() - inspect.signature(make).parameters.keys():
        arguments = ", ".join(f"{name}={value}" for name, value in made.constants.items())
        raise SettingError(
            "CR204", f"the constants of {made.name!r} cannot be set when it is restored", where="register",
            expected="a function whose arguments are the constants", got=", ".join(made.constants),
            hint=f"register a function: def {made.name}({arguments}): ...",
        )  # fmt: skip
    _check_names(made)
    taken = [name for name in (made.name, *made.aliases) if name in subject.catalog]
    if taken:
        kind = subject.catalog.kind
        raise SettingError(
            "CR207", f"the {kind} name {taken[0]!r} is taken", where="register", hint="choose another name"
        )
    prove(made)
    subject.catalog.family(make)
    return made  # type: ignore[no-any-return]


def _check_names(record: Any) -> None:
    for name in (record.name, *record.aliases):
        if not isinstance(name, str) or not name.isidentifier():
            raise SettingError(
                "CR207", "a record's name must be usable in formulas and commands", where="register",
                expected="letters, digits and _, not beginning with a digit", got=repr(name),
            )  # fmt: skip
