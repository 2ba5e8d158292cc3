from pathlib import Path

import numpy as np

from mdhr_runtime.plotting.tables import Seen
from mdhr_runtime.plotting.timeline import choose, occurrences


def test_frames_that_were_dropped_do_not_tear_the_line_and_a_pause_does():
    rows = [Seen("cam", number, number / 25, 0, {"AU01": 0.25}) for number in (1, 3, 9, 100)]
    timeline, others = choose(rows, Path("table.csv"))
    assert list(np.isnan(timeline.scores[:, 0])) == [False, False, False, True, False]
    assert others == []


def test_an_au_that_occurs_in_one_frame_only_is_shaded():
    times, scores = np.arange(5) / 10, np.array([0.1, 0.5, np.nan, 0.9, 0.6])
    np.testing.assert_allclose(occurrences(times, scores), [(0.05, 0.1), (0.25, 0.2)])
