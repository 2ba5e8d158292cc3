"""Synthetic faces that make labelled action units: a warped photograph (`photo_…`), and drawn faces (`rendered`)."""
