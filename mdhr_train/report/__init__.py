"""One HTML file that shows a training run, a cross-validation or a suite, and needs nothing beside itself.

- `runs.py`: reads what the training wrote; `series.py`: results of the runs and of the paper, side by side
- `tables.py`, `curves.py`: F1 per AU, confusion, and training curves
- `insights.py`: the paper's figures 3 and 4, which need the network and frames of the test part (`inside.py`)
- `page.py`: the page; `suite.py`: that of a suite
"""

from .page import is_report, write_report

__all__ = ["is_report", "write_report"]
