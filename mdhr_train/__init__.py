"""MDHR Edge trainer: the network, its checkpoints and its training."""
