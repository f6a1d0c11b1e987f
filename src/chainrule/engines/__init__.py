"""Engines run a Plan: the reference engine in NumPy is the definition, the compiled engine is the fast one."""
