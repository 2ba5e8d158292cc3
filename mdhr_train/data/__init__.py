"""Labelled clips to learn from."""
