"""One HTML file that shows a training run or a cross-validation, and needs nothing beside itself.

- `runs.py`: reads what the training wrote
- `series.py`: results of the runs and of the paper, side by side
- `tables.py`, `curves.py`: F1 per AU, confusion, and training curves
- `examples.py`, `inside.py`, `insights.py`: frames of the test part, what the network computes for them, and how that
  looks on a face (`places.py`, `pictures.py`)
- `page.py`: the page, with `page.css`; `markup.py` writes HTML and escapes text
"""

from .page import write_report

__all__ = ["write_report"]
