"""The doctor: what is wrong with a network, shown and cured. The catalog holds its diagnostics in this order."""

from chainrule.diagnostics import pairing as pairing  # isort: skip
from chainrule.diagnostics import scale as scale  # isort: skip
from chainrule.diagnostics import columns as columns  # isort: skip
from chainrule.diagnostics import targets as targets  # isort: skip
from chainrule.diagnostics import labels as labels  # isort: skip
from chainrule.diagnostics import units as units  # isort: skip
from chainrule.diagnostics import gradients as gradients  # isort: skip
from chainrule.diagnostics import rates as rates  # isort: skip
from chainrule.diagnostics import ending as ending  # isort: skip
from chainrule.diagnostics import flat as flat  # isort: skip
from chainrule.diagnostics import centring as centring  # isort: skip
from chainrule.diagnostics import capacity as capacity  # isort: skip
from chainrule.diagnostics import fitting as fitting  # isort: skip
from chainrule.diagnostics.diagnosis import Diagnosis as Diagnosis
from chainrule.diagnostics.diagnosis import Tried as Tried
from chainrule.diagnostics.doctor import cure as cure
from chainrule.diagnostics.doctor import diagnose as diagnose
from chainrule.diagnostics.finding import Diagnostic as Diagnostic
from chainrule.diagnostics.finding import Finding as Finding
from chainrule.diagnostics.finding import Remedy as Remedy
from chainrule.diagnostics.finding import diagnostics as diagnostics
