"""The page on the way of a frame names what there is."""

import re
from pathlib import Path

import pytest

from mdhr_runtime.pipeline import analysis, scheduler, source_worker
from mdhr_runtime.streaming import batch

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PICTURE = (ROOT / "docs" / "pipeline.svg").read_text()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_links_lead_somewhere(link):
    assert (ROOT / "docs" / link).exists()


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))
def test_containers_are_classes_of_the_runtime(name):
    defined = re.compile(rf"^class {name}\b", re.MULTILINE)
    assert [path for path in (ROOT / "runtime").rglob("*.py") if defined.search(path.read_text())]


def test_sizes_in_the_picture_are_those_of_the_queues():
    assert f"{source_worker.READ_AHEAD} frames; a camera's" in PICTURE
    assert f"{scheduler.FRAMES_PER_STEP} frames with their faces" in PICTURE
    assert f"{analysis.MOST_RESULTS} results" in PICTURE
    assert f"micro-batches of {batch.CHUNK} frames" in PICTURE
    assert PICTURE.count('class="state"') == 2 * batch.SLOTS
