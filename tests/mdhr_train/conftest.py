"""A prepared dataset, and a run that was trained on it."""

import pytest
from prepared import dataset_in
from runs import write_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    dataset_in(root)
    return root


@pytest.fixture
def run(data, tmp_path):
    return write_run(tmp_path / "run", data)
