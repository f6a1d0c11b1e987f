"""The recap questions of CSDS 440 (the slide prints first letters only), with answers and their reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A sentence whose gaps stand in braces, and why they are filled so. `also` are further accepted words per gap."""

    sentence: str
    reason: str
    also: tuple[tuple[str, ...], ...] = ()

    @property
    def answers(self) -> list[str]:
        return re.findall(r"\{(.+?)\}", self.sentence)

    @property
    def blank(self) -> str:
        """The sentence with the first letters of the missing words, as the slide shows it."""
        return re.sub(r"\{(.+?)\}", lambda gap: " ".join(f"{word[0]}____" for word in gap[1].split()), self.sentence)

    @property
    def filled(self) -> str:
        return re.sub(r"\{(.+?)\}", r"\1", self.sentence)


QUESTIONS = (
    Question(
        "To estimate perceptron parameters we define a {loss} function that {measures} the {difference} between our "
        "{estimated} labels and the {true} labels.",
        "Learning needs a number that says how far off the present weights are; it is made smaller step by step.",
        ((), (), ("discrepancy",)),
    ),
    Question(
        "The gradient descent procedure will {converge} to a {global minimum} because {the loss is convex}.",
        "The squared loss of a linear unit is one bowl, and the rate must be small enough. It is not so for a sigmoid unit "
        "with squared loss, whose error surface is not convex.",
    ),
    Question(
        "We can also use {stochastic} gradient descent. This is different from regular GD because "
        "{it updates after each example}.",
        "It follows the gradient of one (randomly drawn) example's loss alone, instead of the gradient over all examples after "
        "a pass over them.",
    ),
    Question(
        "SGD is useful if the function has multiple {local optima}. It can also be used during {online learning}.",
        "The gradient of one example differs from the mean gradient, so that it can leave a valley in which gradient descent "
        "stays; and it needs no example but the present one.",
    ),
    Question(
        "The {XOR} function cannot be learned with a perceptron.",
        "Its four inequalities contradict each other: two of them add up to 2·w0 + w1 + w2 ≥ 0, the other two to < 0.",
    ),
    Question(
        "In a general neural network, there are layers of {hidden} units between input and output.",
        "Their values are not given in the data.",
    ),
    Question(
        "Every Boolean function can be represented by a network with {one} hidden layer.",
        "One hidden perceptron per row of the truth table, 2^n of them, that answers 1 at its own row alone, and an output "
        "that adds up the rows with a 1.",
    ),
    Question(
        "Every continuous function can be represented by a network with {one} hidden layer.",
        "Approximated as closely as wanted, on a bounded domain (Cybenko 1989, Hornik 1989). The plural of the print suggests "
        "the word two, as in Mitchell's chapter 4 for arbitrary functions; both are accepted with their reason.",
        (("two",),),
    ),
    Question(
        "However, the tradeoffs are (1) {the number of hidden units may be exponentially large} (2) {the loss is no longer "
        "convex} (3) {more parameters}.",
        "Not convex: local optima, no guarantee to find the weights, slow training. More parameters: overfitting, more data "
        "needed, hard to interpret. No letters are given; other sensible answers exist.",
    ),
    Question(
        "The activation functions in an ANN must be {non-linear} for learning.",
        "Layers of linear units are together one linear unit. For backpropagation they must also be differentiable.",
        (("nonlinear", "differentiable"),),
    ),
    Question(
        "The sigmoid function outputs h(u) = 1/(A + exp(B)) with {A = 1, B = −u}.",
        "So that h(0) = 1/2, and h → 1 for large u.",
    ),
    Question(
        "Backpropagation performs {layerwise} gradient descent. First, information flows {forward} through the network to "
        "compute the {outputs}. Then, the {loss} flows backward to compute the gradients.",
        "The deltas of a layer need only those of the layer after it: one sweep gives every gradient.",
    ),
)  # fmt: skip


def as_text(*, solutions: bool = False) -> str:
    """The questions with gaps, or filled in with the reasons.

    >>> print(as_text().splitlines()[4])
    5. The X____ function cannot be learned with a perceptron.
    """
    lines = []
    for number, question in enumerate(QUESTIONS, 1):
        lines.append(f"{number}. {question.filled if solutions else question.blank}")
        if solutions:
            also = [word for words in question.also for word in words]
            lines.append(f"   Why: {question.reason}" + (f" Also right: {', '.join(also)}." if also else ""))
    return "\n".join(lines)
