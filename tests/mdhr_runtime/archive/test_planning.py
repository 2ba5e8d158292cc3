import json
from dataclasses import asdict, replace
from pathlib import Path

import bench_result
import pytest

from mdhr_runtime.archive.planning import BYTES_PER_ROW, BYTES_PER_VIDEO, read_pace, size_of_results
from mdhr_runtime.errors import DataError

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"


@pytest.fixture
def write(tmp_path):
    """Write a made-up result with some parts replaced."""

    def write(**parts):
        path = tmp_path / "bench.json"
        path.write_text(json.dumps(asdict(bench_result.complete()) | {"environment": CPU} | parts))
        return path

    return write


CPU = {"cpu": {"usable_cores": 4}}
GPU = CPU | {"gpus": {"0": {"name": "Example GPU"}}}


def test_a_cpu_has_the_rate_of_whole_videos(write):
    pace = read_pace(write())
    assert pace.cores is None
    # 300 frames with 288 faces in 6.31 s, of which 0.91 are the model's.
    assert pace.frames_per_second == pytest.approx(300 / (6.31 * (0.09 + 0.91 * 300 / 288)))
    assert read_pace(write(), faces=2.0).frames_per_second == pytest.approx(300 / (6.31 * (0.09 + 0.91 * 600 / 288)))


def test_a_gpu_has_the_rate_of_many_streams_as_far_as_the_cores_feed_it(write):
    pace = read_pace(write(environment=GPU))
    needed = 122.0 * 6.31 * (0.11 + 0.46 + 0.03) / 300
    assert pace.cores == pytest.approx(needed)
    assert (pace.frames_per_second, pace.basis) == (122.0, "the model alone, 8 faces at once")
    scarce = read_pace(write(environment=GPU | {"cpu": {"usable_cores": 1}}))
    assert scarce.frames_per_second == pytest.approx(122.0 / needed)
    assert scarce.cores == pytest.approx(needed)
    assert scarce.basis == "decoding and faces on 1 cores, measured over 300 frames"
    short = [replace(bench_result.complete().pipeline[0], frames=72, faces=72)]
    hasty = read_pace(write(environment=GPU | {"cpu": {"usable_cores": 1}}, pipeline=list(map(asdict, short))))
    assert hasty.basis == "decoding and faces on 1 cores, measured over 72 frames, too few to rely on"
    assert read_pace(write(environment=GPU), faces=4.0).frames_per_second == pytest.approx(30.5)


def test_what_was_not_measured_is_said(write):
    pace = read_pace(write(environment=GPU, pipeline=[]))
    assert (pace.frames_per_second, pace.cores) == (122.0, None)
    assert "were not measured there" in pace.basis


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.json")), ids=lambda path: path.parent.name)
def test_results_in_the_repository_give_rates(path):
    assert 1 < read_pace(path).frames_per_second < 10_000


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"pipeline": [], "throughput": []}, "neither a pipeline nor"),
        ({"environment": {"cpu": {}}}, "The number of cores"),
        ({"throughput": [{"curve": "streams", "size": 1, "frames_per_second": 0}]}, "throughput"),
    ],
)
def test_a_file_that_tells_no_rate_is_refused(write, parts, why):
    with pytest.raises(DataError) as refused:
        read_pace(write(**parts))
    assert why in refused.value.why


def test_every_frame_has_a_row_also_without_a_face():
    assert size_of_results(0, 1000, faces=2.0) == 2 * size_of_results(0, 1000, faces=0.0) == 2000 * BYTES_PER_ROW
    assert size_of_results(7, 0, faces=1.0) == 7 * BYTES_PER_VIDEO
