import cv2
import numpy as np
import pytest
from skimage import data

from mdhr_bench.measures.pipeline import STAGES, Clock, PipelineRun, TimedGraph, TimedSource, pipeline, summarise
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.sources import Video

FACES, BLANKS, WIDTH, HEIGHT = 9, 3, 320, 240


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A face for some frames, then nobody."""
    path = tmp_path_factory.mktemp("video") / "a.avi"
    face = data.astronaut()[:HEIGHT, 60 : 60 + WIDTH, ::-1]
    frames = [*(np.roll(face, shift, axis=1) for shift in range(FACES)), *[np.zeros_like(face)] * BLANKS]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5.0, (WIDTH, HEIGHT))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame))
    writer.release()
    return path


@pytest.mark.slow
def test_a_video_is_counted_and_its_time_is_found_in_its_stages(tiny_bundle, video):
    found = pipeline(tiny_bundle, "cpu", "float32", video, runs=2)
    assert (found.video, found.width, found.height) == ("a.avi", WIDTH, HEIGHT)
    assert (found.frames, found.faces, found.runs) == (FACES + BLANKS, FACES, 2)
    assert found.low <= found.seconds <= found.high
    assert tuple(stage.name for stage in found.stages) == STAGES
    for stage in found.stages:
        assert 0 < stage.share < 1
        assert stage.share == pytest.approx(stage.seconds / found.seconds)
    encoding = found.stages[STAGES.index("encoding")]
    assert found.overhead == pytest.approx(1 - encoding.share)
    assert found.encoder_alone > 0


def test_medians_low_and_high_are_over_the_runs():
    runs = [
        PipelineRun(4, 3, 2, 1, wall, dict.fromkeys(STAGES, wall / 4), alone)
        for wall, alone in ((8, 3), (12, 1), (4, 2))
    ]
    found = summarise("a.mp4", runs)
    assert (found.seconds, found.low, found.high, found.encoder_alone) == (8, 4, 12, 2)
    assert {(stage.seconds, stage.share) for stage in found.stages} == {(2, 0.25)}
    assert found.overhead == 0.75


def test_a_timed_source_gives_what_the_source_gives(video):
    clock = Clock()
    timed = TimedSource(Video(video), clock)
    assert timed.frame_count == FACES + BLANKS
    assert [frame.number for frame in timed] == list(range(1, FACES + BLANKS + 1))
    assert timed.size == (WIDTH, HEIGHT)
    assert clock.seconds > 0


def test_a_timed_graph_computes_the_same_and_knows_its_sizes(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    clock, graph = Clock(), load_graph(bundle.graph_path("encoder"))
    timed = TimedGraph(graph, clock)
    frames = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)
    wanted = graph({"frames": frames})
    found = {name: np.empty_like(values) for name, values in wanted.items()}
    timed.run({"frames": frames}, found)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)
    assert timed.rows == [2]
    assert clock.seconds > 0


def test_a_video_that_breaks_off_is_told_in_the_words_of_the_runtime(tiny_bundle, video, tmp_path):
    whole = video.read_bytes()
    damaged = tmp_path / "cut.avi"
    damaged.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(MdhrError, match="breaks off"):
        pipeline(tiny_bundle, "cpu", "float32", damaged, runs=1)


def test_a_missing_video_is_told_in_the_words_of_the_runtime(tiny_bundle, tmp_path):
    with pytest.raises(MdhrError, match="There is no file") as caught:
        pipeline(tiny_bundle, "cpu", "float32", tmp_path / "none.mp4")
    assert "path" in caught.value.fix
