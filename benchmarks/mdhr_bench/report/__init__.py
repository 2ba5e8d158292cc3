"""A result as text, as Markdown and as one HTML page that say the same.

- `units.py`: how numbers are written
- `tables.py`: what a report consists of; `overview.py`, `latency.py`, `speed.py` and `resources.py` make its parts from
  a result, `reporting.py` puts them together
- `terminal.py`, `markdown.py`, `page.py`: the three forms; `page.css` is the page's look
- `comparison.py`: two results beside each other, on the terminal
- `axes.py`: axes of the page's plots; `latency_plots.py`, `throughput_plot.py`, `pipeline_plot.py`, `roofline.py`:
  the plots
"""
