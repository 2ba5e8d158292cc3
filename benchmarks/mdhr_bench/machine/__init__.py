"""The machine that is measured: its description, its use by other programs, and its power."""
