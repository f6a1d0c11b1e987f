"""Every number of the worked example `initialisation`."""

import json
import math
from importlib.resources import files

import pytest

from chainrule.initializers import initializers, uniform_limit

EXAMPLE = json.loads(files("chainrule.course").joinpath("worked_examples/initialisation.json").read_text("utf-8"))
FANS = ("fan_in", "fan_out")
# what the file calls it -> (initializer, its constants, what is read off its variance)
FACTS = {
    "xavier_uniform_limit": ("xavier_uniform", {}, uniform_limit),
    "xavier_normal_std": ("xavier_normal", {}, math.sqrt),
    "xavier_variance": ("glorot_normal", {}, float),
    "he_normal_std": ("he_normal", {}, math.sqrt),
    "he_uniform_limit": ("he_uniform", {}, uniform_limit),
    "he_variance": ("he_uniform", {}, float),
    "he_normal_std_leaky_0_01": ("he_normal", {"negative_slope": 0.01}, math.sqrt),
    "old_heuristic_uniform_limit": ("old_heuristic", {}, uniform_limit),
}


@pytest.mark.parametrize("sample", EXAMPLE["samples"], ids=lambda sample: f"{sample['fan_in']}-{sample['fan_out']}")
def test_limits_and_deviations_are_those_of_the_worked_example(sample):
    numbers = {name: value for name, value in sample.items() if name not in FANS}
    assert set(numbers) == set(FACTS)
    for fact, expected in numbers.items():
        name, constants, read = FACTS[fact]
        variance = initializers.get(name, **constants).variance(sample["fan_out"], sample["fan_in"])
        assert read(variance) == pytest.approx(expected, rel=1e-12), fact
