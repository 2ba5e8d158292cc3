"""Training and evaluation: configuration, data, the loop and its state, scoring, cross-validation."""
