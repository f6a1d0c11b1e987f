"""No law is without a planted fault."""

from __future__ import annotations

from planting import LAWS
from test_faults_of_activations import ACTIVATION_FAULTS
from test_faults_of_engines import ENGINE_FAULTS
from test_faults_of_losses import LOSS_FAULTS
from test_faults_of_networks import NETWORK_FAULTS
from test_faults_of_rules import RULE_FAULTS

from chainrule.laws import activation, loss, network, rule, training


def test_every_law_has_a_planted_fault():
    shown = {
        activation: {law for law, *_ in ACTIVATION_FAULTS}, loss: {law for law, *_ in LOSS_FAULTS},
        rule: {law for law, *_ in RULE_FAULTS}, network: {law for law, _ in NETWORK_FAULTS.values()},
        training: set(ENGINE_FAULTS.values()),
    }  # fmt: skip
    assert shown == {module: set(laws) for module, laws in LAWS.items()}
