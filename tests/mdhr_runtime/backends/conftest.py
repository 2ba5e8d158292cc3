from dataclasses import replace

import pytest

from mdhr_runtime.bundle import open_bundle


@pytest.fixture
def misdescribed(tiny_bundle):
    """The tiny bundle, whose manifest tells a graph's inputs or outputs otherwise: a function of what is to differ."""

    def edit(graph, side, changes):
        bundle = open_bundle(tiny_bundle)
        record = bundle.manifest.graphs[graph]
        record = replace(record, **{side: {**getattr(record, side), **changes}})
        edited = replace(bundle.manifest)
        object.__setattr__(edited, "graphs", {**edited.graphs, graph: record})  # its own checks would refuse some
        return replace(bundle, manifest=edited)

    return edit
