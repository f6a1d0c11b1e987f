"""Training: the loop, its history, when it stops, and what it says when a number is not finite."""
