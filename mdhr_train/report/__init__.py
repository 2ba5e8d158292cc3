"""One HTML file that shows a training run or a cross-validation, and needs nothing beside itself.

- `reading.py`: reads what the training wrote, into `runs.py`
- `series.py`: results of the runs and of the paper, side by side
- `tables.py`, `curves.py`: F1 per AU, confusion, and training curves
- `network.py`: runs the network on frames of the test part (`examples.py`), keeps what it computes inside
  (`inside.py`), and draws that on the faces (`insights.py`, `places.py`, `pictures.py`)
- `page.py`: the page, with `page.css`; `markup.py` writes HTML and escapes text
"""

from .page import write_report

__all__ = ["write_report"]
