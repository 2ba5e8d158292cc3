"""Synthetic faces that make labelled action units: a photograph that is warped, and faces that are drawn."""
