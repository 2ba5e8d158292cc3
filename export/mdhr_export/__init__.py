"""MDHR Edge exporter: from checkpoints to bundles."""
