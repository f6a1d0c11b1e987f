"""Functions with a derivative: activations, losses, penalties, and the kinds of local derivative."""
