"""Gradients as sums over whole paths to the loss: the largest found without enumerating all, the rest exact."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from chainrule.calculus.local import Diagonal, Linear, Selection
from chainrule.explain import chain
from chainrule.explain.enough import digits_to_add_up
from chainrule.explain.sentences import say
from chainrule.explain.sheet import Sheet, Term
from chainrule.explain.working import Edge, Working
from chainrule.plan import Step
from chainrule.shapes import Array

MOST = 2000  # paths written out at most, whatever is asked


class Path(NamedTuple):
    """One way from a unit to the loss: its local derivatives in forward order, and its product with the loss's slope."""

    edges: tuple[Edge, ...]
    product: float


class Start(NamedTuple):
    """Where paths begin: a unit, and what is multiplied in front (∂unit/∂weight)."""

    slot: str
    unit: int
    front: float
    use: chain.Use | None


def gradient(sheet: Sheet, slot: str, unit: int) -> str:
    """The key of ∂loss/∂(slot, unit) as a sum over paths."""
    if slot not in sheet.working.live:
        return chain.gradient(sheet, slot, unit)
    symbol = f"∂{sheet.symbols.loss}/∂{sheet.symbols.value(sheet.plan.slot(slot), unit)}"
    key = sheet.key(("by paths", slot, unit), f"d{chain.loss_key(sheet)}_d{sheet.wish(slot, unit)}")
    return _sum(sheet, key, symbol, [Start(slot, unit, 1.0, None)])


def parameter(sheet: Sheet, name: str, entries: tuple[int, ...]) -> str:
    """The key of ∂loss/∂(entries of a parameter) as a sum over paths."""
    key, symbol = chain.result_key(sheet, name, entries)
    if chain.masked(sheet, name, entries):
        return sheet.add(sheet.backward, key, symbol, "0", 0.0, "product")
    starts = [Start(use.step.target, use.unit, use.partial, use) for use in chain.uses_of(sheet, name, entries)]
    return _sum(sheet, key, symbol, starts)


def _sum(sheet: Sheet, key: str, symbol: str, starts: list[Start]) -> str:
    working = sheet.working
    counts, lengths = count_paths(working)
    count = sum(counts[start.slot][start.unit] for start in starts)
    products = sum(lengths[start.slot][start.unit] + counts[start.slot][start.unit] for start in starts if start.use)
    limit = min(count, MOST if sheet.top is None or count <= sheet.top + 1 else sheet.top)
    found = list(largest(working, starts, limit))
    terms = [Term(path.product * start.front, partial(_written, sheet, start, path)) for start, path in found]
    lines, exprs = sheet.backward, [term.write() for term in terms]
    values = [sheet.evaluated(expr) for expr in exprs]
    if count > len(found):
        whole = sum(working.delta(start.slot, start.unit) * start.front for start in starts)
        values.append(math.fsum([whole, *(-value for value in values)]))
    digits = digits_to_add_up(values, math.fsum(values), sheet.digits)
    parts = [
        sheet.add(
            lines, sheet.key((key, "path", n), f"{key}_path{n}"), _route(sheet, start, path), expr, None, "term",
            digits=printed,
        )
        for n, ((start, path), expr, printed) in enumerate(zip(found, exprs, digits, strict=False))
    ]  # fmt: skip
    if count > len(found):
        label, rest, own = say("rest", n=f"{count - len(found):,}"), values[-1], sheet.key((key, "rest"), f"{key}_rest")
        parts.append(sheet.add(lines, own, label, repr(rest), rest, "rest", digits=digits[-1]))
    if products:
        every = _for_every_weight(working, counts, lengths)
        sheet.note(
            "counts",
            paths="1 path" if count == 1 else f"{count:,} paths",
            s="s" if count == 1 else "",
            products=f"{products:,}",
            every=f"{every:,}",
            sweep=f"{operations(working):,}",
        )
    return sheet.add(lines, key, symbol, " + ".join(parts) or "0", None, "sum")


def _written(sheet: Sheet, start: Start, path: Path) -> str:
    """The product of a path's factors, from the loss backwards."""
    last = (path.edges[-1].step.target, path.edges[-1].to) if path.edges else (start.slot, start.unit)
    factors = [] if chain.is_itself(sheet, *last) else [chain.gradient(sheet, *last)]
    for edge in reversed(path.edges):
        factors.append(chain.local(sheet, edge) if chain.acts_alone(sheet, edge) else chain.slope_formula(sheet, edge))
    if start.use is not None and start.front != 1.0:
        formulas = chain.partial_formulas(sheet, start.use)
        factors.append(next((f for f in formulas if sheet.gives(f, start.front)), repr(start.front)))
    kept = [factor for factor in factors if factor != "1"] or ["1"]
    return "*".join(chain.bracketed(factor) for factor in kept)


def _route(sheet: Sheet, start: Start, path: Path) -> str:
    """The units a path passes, one a layer."""
    slots = [(start.slot, start.unit), *((edge.step.target, edge.to) for edge in path.edges)]
    names = []
    for slot, unit in slots:
        owner = sheet.plan.slot(slot)
        if owner.kind in ("net", "input") or owner.layer == 0 or len(slots) == 1:
            own = sheet.symbols.unit_name(owner, unit) if owner.kind == "net" else None
            names.append(own or sheet.symbols.value(owner, unit))
    return " → ".join([*names, sheet.symbols.loss])


def largest(working: Working, starts: list[Start], count: int) -> Iterator[tuple[Start, Path]]:
    """The paths with the largest |product|, best first. The best completion of every beginning is known exactly, so the
    search opens only what belongs to a path it returns (and its siblings), never all paths."""
    bound = _best_completions(working)
    objective = working.plan.objective
    assert objective is not None
    heap: list[tuple[float, int, Start, str, int, float, tuple[Edge, ...]]] = []
    tickets = iter(range(2**62))
    for start in starts:
        best = abs(start.front) * float(bound[start.slot][start.unit])
        heapq.heappush(heap, (-best, next(tickets), start, start.slot, start.unit, 1.0, ()))
    while heap and count > 0:
        _, _, start, slot, unit, product, edges = heapq.heappop(heap)
        if slot == objective.source:
            yield start, Path(edges, product * working.delta(slot, unit))
            count -= 1
            continue
        for edge in working.onward(slot, unit):
            onward = product * edge.value
            best = abs(start.front * onward) * float(bound[edge.step.target][edge.to])
            item = (-best, next(tickets), start, edge.step.target, edge.to, onward, (*edges, edge))
            heapq.heappush(heap, item)


def _best_completions(working: Working) -> dict[str, Array]:
    """The largest |product| of any path from every unit to the loss."""
    objective = working.plan.objective
    assert objective is not None
    bound = {objective.source: np.abs(working.trace.deltas[objective.source][0])}
    for step in _backwards(working):
        for position, source in enumerate(step.sources):
            best = (bound[step.target][:, None] * np.abs(working.matrix(step, position))).max(axis=0)
            bound[source] = np.maximum(bound[source], best) if source in bound else best
    return bound


def _backwards(working: Working) -> Iterator[Step]:
    return (step for step in reversed(working.plan.steps) if step.target in working.live)


def count_paths(working: Working) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """How many paths lead from every unit to the loss, and how many factors they have together after the first."""
    objective = working.plan.objective
    assert objective is not None
    width = working.plan.slot(objective.source).width
    counts: dict[str, list[int]] = {objective.source: [int(working.chosen in (None, unit)) for unit in range(width)]}
    factors: dict[str, list[int]] = {objective.source: [0] * width}
    for step in _backwards(working):
        for position, source in enumerate(step.sources):
            units = range(working.plan.slot(source).width)
            followers = [working.structural(step, position, unit) for unit in units]
            number = [sum(counts[step.target][to] for to in following) for following in followers]
            length = [
                sum(factors[step.target][to] + counts[step.target][to] for to in following) for following in followers
            ]
            before = counts.get(source, [0] * len(number)), factors.get(source, [0] * len(number))
            counts[source] = [a + b for a, b in zip(before[0], number, strict=True)]
            factors[source] = [a + b for a, b in zip(before[1], length, strict=True)]
    return counts, factors


def _for_every_weight(working: Working, counts: dict[str, list[int]], lengths: dict[str, list[int]]) -> int:
    """The multiplications of multiplying out every path of every parameter."""
    total = 0
    for step in _backwards(working):
        per_unit = [a + b for a, b in zip(counts[step.target], lengths[step.target], strict=True)]
        for name in step.params:
            total += sum(per_unit) * max(1, working.plan.param(name).size // len(per_unit))
    return total


def operations(working: Working) -> int:
    """The multiplications of one sweep of deltas from the loss to the inputs, with the gradients of all parameters."""
    total = 0
    for step in _backwards(working):
        for position, source in enumerate(step.sources):
            local, width = working.local(step, position), working.plan.slot(source).width
            if isinstance(local, Linear):
                mask = step.constants.get("mask")
                total += 2 * (local.weight.size if mask is None else int(np.count_nonzero(mask)))
            elif isinstance(local, (Diagonal, Selection)):
                total += width
            else:
                total += width * (1 + 2 * getattr(local, "left", np.ones((1, 1, 1))).shape[2])
    return total
