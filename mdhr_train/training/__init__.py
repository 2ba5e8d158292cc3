"""Training and evaluation: configuration, the loop, its schedule and state, scoring, cross-validation."""
