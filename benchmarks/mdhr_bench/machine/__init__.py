"""The machine that is measured: what it is, whether anything else uses it, and what it draws."""
