"""A result as text, as Markdown and as one HTML page that say the same.

- `units.py`: how numbers are written
- `tables.py`: what a report consists of; `overview.py` makes it of a result, with the tables of `speed.py` and
  `resources.py`
- `text.py`, `page.py`: the three forms, and two results beside each other on the terminal
- `plots.py`: the page's plots, in the look of `mdhr_runtime.plotting`
"""
