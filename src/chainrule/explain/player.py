"""A player: one HTML file that walks through an explanation step by step, on a drawing of the network, without a network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.archive import replace_file
from chainrule.data.encode import Encoder
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import SettingError
from chainrule.explain.address import Address, numerator, parse
from chainrule.explain.derivative import differentiated
from chainrule.explain.derive import Form, explain_trace
from chainrule.explain.explanation import Explanation
from chainrule.explain.notation import Notation, notation
from chainrule.explain.page import page
from chainrule.explain.picture import Picture, picture
from chainrule.explain.stepping import Step, merged, steps_of
from chainrule.explain.symbols import Symbols
from chainrule.explain.units import Meant, in_units, labels_in_network, meant, units_of
from chainrule.explain.update import explain_update
from chainrule.explain.working import in_float64, one_row
from chainrule.shapes import Array

_notation = notation


def player(
    trace: Trace | Gradient,
    of: str,
    *,
    row: int | None = None,
    learning_rate: float | None = None,
    form: Form = "factors",
    top: int | None = 8,
    digits: int = 6,
    notation: str | Notation | Path = "default",
    labels: Mapping[str, str] | None = None,
    encoder: Encoder | None = None,
    raw: Array | None = None,
) -> str:
    """The explanation of `of` as the text of one HTML file that needs nothing else.

    It is what `explain_trace` of the same arguments says, with the forward pass and the loss before it, and with
    `learning_rate` the step of gradient descent after it. With the `encoder` of a model, `of` may name columns, the walk
    begins with how the inputs were standardised and ends in the units of the columns, as `explain` of the model does;
    `raw` are then the inputs of the row as `Encoder.raw` gives them.
    Without scripts the page shows all steps at once.

    Raises what `explain_trace` raises, `SettingError` CR204 for a learning rate without a whole batch's gradient.

    >>> from chainrule import Dense, Network, backward, forward
    >>> net = Network(2, [Dense(1, "sigmoid")], loss="half_squared_error")
    >>> gradient = backward(forward(net, [0.5, -1.0, 0.25], [1.0, 2.0], [1.0]))
    >>> page = player(gradient, "W1[0,1]", learning_rate=0.5)
    >>> page.count('class="step '), "<svg" in page, "https:" in page
    (8, True, False)
    """
    trace = trace.trace if isinstance(trace, Gradient) else trace
    if labels is None:
        labels = labels_in_network(encoder) if encoder else {}
    how: dict[str, Any] = {"form": form, "top": top, "digits": digits, "notation": notation, "labels": labels}
    asked = _Asked(trace, of, row, learning_rate, how, encoder, raw)
    drawing = asked.picture()
    steps = asked.steps(drawing)
    return page(asked.explanation, drawing, steps)


def write_player(path: str | os.PathLike[str], trace: Trace | Gradient, of: str, **how: Any) -> None:
    """Write the `player` of the same arguments to a file, whole or not at all.

    Raises what `player` raises, and `ModelFileError` CR507 where the file cannot be written.
    """
    replace_file(path, [player(trace, of, **how).encode()])


class _Asked:
    """What was asked, its explanation, and what of the pass belongs before it."""

    def __init__(
        self, trace: Trace, of: str, row: int | None, learning_rate: float | None, how: dict[str, Any],
        encoder: Encoder | None, raw: Array | None,
    ) -> None:  # fmt: skip
        self.trace, self.learning_rate, self.how, self.encoder, self.raw = trace, learning_rate, how, encoder, raw
        labels, written_in = how["labels"], _notation(how["notation"])
        self.meant = meant(encoder, of) if encoder else Meant(of)
        self.of = of = self.meant.of
        self.explanation = self._explain(of, row)
        self.example = self.explanation.children[0] if self.explanation.children else self.explanation
        self.row = self.example.row or 0
        self.symbols = Symbols(trace.plan, written_in, labels)
        above = numerator(self.symbols, of)
        self.of_value = above is not None
        whole = in_float64(trace)
        if above is not None:
            whole = differentiated(whole, above.name, above.entry)
            self.symbols = Symbols(whole.plan, written_in, labels)
        self.one = one_row(whole, self.row)
        self.address: Address = parse(self.symbols, of)
        if learning_rate is not None and (
            self.address.kind != "parameter" or self.of_value or (row is not None and len(trace.x) > 1)
        ):
            raise SettingError(
                "CR204", "a learning rate moves a weight by the gradient of the whole batch", where="learning_rate",
                got=f"of={of!r}, row={row}", hint="ask for a weight or bias, without row",
            )  # fmt: skip

    def _explain(self, of: str, row: int | None, **how: Any) -> Explanation:
        """The explanation of the asked number, or with another `of` of one that it builds on."""
        found = explain_trace(self.trace, of, row=row, **{**self.how, **how})
        if self.encoder is None:
            return found
        raw = units_of(self.encoder, self.trace.x[found.row or 0]) if self.raw is None else self.raw
        asked = self.meant if of == self.meant.of else Meant(of)
        return in_units(found, self.encoder, asked, self.trace.plan.output, raw)

    @property
    def has_loss(self) -> bool:
        objective = self.one.plan.objective
        return (
            self.trace.y is not None and objective is not None and not self.of_value and objective.loss.name != "output"
        )

    def picture(self) -> Picture:
        """The picture of the example, with the path from what is asked to the loss."""
        lit = self.address if self.address.kind in ("parameter", "gradient", "value") else None
        return picture(self.one, self.symbols, lit, loss=self.has_loss)

    def steps(self, drawing: Picture) -> list[Step]:
        """Forward, loss, backward, result, then the batch and the update where there are such."""
        found = [step for one in self._before(drawing) for step in steps_of(one, self.symbols)]
        found = [step for step in found if step.phase in ("forward", "loss")]
        own = steps_of(self.example, self.symbols)
        found += [step for step in own if step.phase == "forward"]
        found = sorted(found, key=lambda step: step.phase == "loss")
        found += [step for step in own if step.phase != "forward"]
        if self.explanation is not self.example:
            found += steps_of(self.explanation, self.symbols, "batch")
        if self.learning_rate is not None:
            moved = explain_update(
                self.trace, "gradient_descent", self.of, digits=self.how["digits"], notation=self.how["notation"],
                top=self.how["top"], learning_rate=self.learning_rate,
            )  # fmt: skip
            found += steps_of(moved, self.symbols, "update")
        return merged(found)

    def _before(self, drawing: Picture) -> Iterator[Explanation]:
        """The explanations of what the answer builds on: in a large network, of the drawn units on the path."""
        if self.address.kind == "value":
            return
        recorded = any(name.kind == "recorded" for name in self.example.names.values())
        if recorded:
            made = [slot.name for slot in self.symbols.plan.slots if slot.kind != "input"]
            for slot, unit in drawing.path_values():
                if slot in made:
                    yield self._explain(f"{slot}[{unit}]", self.row, form="factors")
        objective = self.one.plan.objective
        if self.has_loss:
            yield self._explain("loss", self.row, form="factors")
        elif objective is not None and objective.loss.name == "output":
            yield self._explain(
                f"{self.one.plan.output}[{objective.loss.constants.get('unit', 0)}]", self.row, form="factors"
            )
