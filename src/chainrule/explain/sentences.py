"""Every sentence of an explanation, in one table, so that it can be translated without touching code."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # statements: what is explained
    "gradient_weight": "how {loss} changes when {symbol} changes ({place})",
    "gradient_value": "how {loss} changes when {symbol} changes ({place})",
    "value": "{place}",
    "loss": "the loss of this example",
    "loss_batch": "the loss of {n} examples",
    "update": "how {symbol} moves in this step ({place})",
    # places
    "weight": "layer {layer}: the weight to {to} from {source}",
    "bias": "layer {layer}: the bias of {to}",
    "shared_bias": "layer {layer}: the bias shared by {n} units",
    "parameter": "layer {layer}: {name} of {to}",
    "unit": "unit {number}",
    "scalar_parameter": "a parameter of the expression",
    "input": "an input",
    "net": "layer {layer}: the net input of {to}",
    "activation": "layer {layer}: the output of {to}",
    "other": "layer {layer}: {name} of {to}",
    "node": "a node of the expression",
    "several": "{n} parameters of this name, taken together",
    "one_share": "Example {row} of {n}: its share of the batch's gradient.",
    # headings
    "forward": "forward",
    "backward": "backward",
    "losses": "loss",
    "chain": "chain",
    "deltas": "deltas, from the loss backwards",
    "paths": "the largest of {count} paths from {symbol} to {loss}",
    "result": "result",
    "examples": "the batch's gradient is the sum over its {n} examples",
    "examples_loss": "the batch's loss is the sum of what its {n} examples count",
    "together": "the sum over {n} parameters of this name",
    "units": "shared: the sum over its {n} units",
    # labels of lines
    "rest": "… and {n} more, together",
    "sum": "sum",
    "sum_of": "the sum of",
    "sum_above": "the sum of the {n} lines above",
    "product": "product",
    "engine": "engine",
    "finite_difference": "finite difference",
    "example": "example {row}",
    "example_weighted": "example {row} (counts {factor})",
    "shortcut": "the shortcut",
    "gradient_child": "The gradient in full:",
    "largest_child": "The largest share in full, example {row}:",
    # notes
    "zero_input": "The input {source} is 0, so {target} is 0: whatever this weight is, it had no part in this prediction.",
    "zero_source": "{source} is 0, so {target} is 0: whatever this weight is, it had no part in this prediction.",
    "flat": "{unit} is on a flat side of {function} ({net} = {value}): its slope is 0, and so is every gradient through it.",
    "dropped": "{unit} was silenced by dropout in this pass (factor 0), so no gradient goes through it.",
    "loser": "{unit} is not the largest of its group, so maxout passes no gradient to it.",
    "winner": "{unit} is the largest of its group: maxout passes the whole gradient to it and none to the others.",
    "masked": "There is no connection from {source} to {to}: the weight is 0, it has no gradient and stays 0.",
    "fused": "{activation} and {loss} together: the factors above shorten to the last line, which the engine uses.",
    "fused_lost": "The product of the factors loses digits here (an output is almost 0 or 1); the shortcut does not.",
    "stable": "{symbol}: the textbook formula overflows or loses digits here; this is the number of a form that does not.",
    "zero_targets": "Outputs whose target is 0 add nothing to this loss and are left out.",
    "row_factor": "This example counts {factor} in the loss of its batch ({reduction} over {n} examples{weighted}).",
    "weighted": ", weight {weight}",
    "output_share": "The loss is the mean over {n} outputs, so each counts 1/{n}.",
    "shared_names": "{n} parameters are called {name} ({which}). Here they are separate numbers; this is the sum of their"
    " gradients. It would be the gradient of one number used in all these places.",
    "shared_bias_note": "{name} is one number used by {n} units: its gradient is the sum over them.",
    "recorded": "Values that are not derived here can be asked for by their address, for example {example}.",
    "float32": "The pass was computed in float32; this explanation repeats it in float64. They differ by {difference}.",
    "no_path": "No path leads from {symbol} to {loss}: its gradient is 0.",
    "all_zero": "{n} terms are 0 and left out.",
    "counts": "{paths} paths lead from here to the loss: {products} multiplications. Multiplying out the paths of every weight"
    " like this would take {every}; one sweep of deltas back through the network finds them all with {sweep}.",
    "training": "A pass of training: dropout and other random draws are those of seed {seed}, step {step}.",
    "kink": "{net} lies exactly on a kink of {function}; the slope is taken from the left.",
    "penalty_1": "L1 penalty",
    "penalty_2": "L2 penalty",
    "new": "new {symbol}",
    "update_lines": "{rule}, step {step}",
    "frozen": "{symbol} is not penalised (its decay factor is 0).",
    "no_clip": "The gradient is {length} long, not longer than {limit}: it is not shortened.",
    "clip": "The whole gradient is {length} long and is shortened to {limit}.",
    "first_step": "The memory is empty (0) before the first step.",
    "not_written": "The rule {rule} is shown by its result; its lines are not written out.",
}  # fmt: skip


def say(key: str, **values: object) -> str:
    """The sentence with its gaps filled."""
    return SENTENCES[key].format(**values)
