"""Measurements of a bundle and of the machine that it runs on."""
