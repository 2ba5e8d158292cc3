"""What the tests of workers share."""

import pytest
from archiving import settings_of


@pytest.fixture(scope="session")
def clip(media):
    return media / "single_face.mp4"


@pytest.fixture
def settings(tiny_bundle, tmp_path):
    return settings_of(tiny_bundle, tmp_path / "results", temp=str(tmp_path))
