"""Measurements of MDHR Edge: how fast a bundle is on this machine, and how far that is from what the machine allows."""
