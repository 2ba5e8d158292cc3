"""MDHR Edge runtime."""
