"""The datasets that can be trained on. Another one is a file beside `bp4d.py`, and a name in `DATASETS`."""

from . import bp4d, disfa

BP4D, DISFA = bp4d.LAYOUT, disfa.LAYOUT

DATASETS = {dataset.name: dataset for dataset in (bp4d.DATASET, disfa.DATASET)}
"""By the names for `--dataset`."""

LAYOUTS = {dataset.layout.name: dataset.layout for dataset in DATASETS.values()}
"""By the layouts' own names."""
