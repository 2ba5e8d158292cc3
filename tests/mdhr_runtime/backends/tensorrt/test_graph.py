"""Engines behind the runtime's interface. The host plays the GPU; see `host_gpu`."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from host_gpu import HostDevice

import mdhr_runtime
from mdhr_export.verify import check_parity
from mdhr_runtime.errors import ExportError, FramesError, ProviderError
from mdhr_runtime.streaming.batch import StreamBatch
from mdhr_runtime.streaming.parity import TOLERANCES, Labels, bundled_reference, compare_clip
from mdhr_runtime.streaming.stream import Stream

from .conftest import HostGpu


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "cpu")


@pytest.fixture(scope="module")
def scores(model, face_frames):
    return model.clip(face_frames)


@pytest.mark.slow
@pytest.mark.parametrize(("max_batch", "max_frames"), [(8, 16), (1, 7), (2, 9)])
@pytest.mark.parametrize("step", [1, 5, 24])
def test_a_stream_on_engines_gives_the_scores_of_the_clip(bundle, face_frames, scores, step, max_batch, max_frames):
    gpu = HostGpu(bundle, max_batch, max_frames)
    stream = Stream(gpu.graph("encoder"), gpu.graph("temporal"), gpu.manifest)
    parts = [stream.push(face_frames[start : start + step]) for start in range(0, len(face_frames), step)]
    np.testing.assert_allclose(np.concatenate([*parts, stream.flush()]), scores, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("max_batch", [1, 3, 8])
def test_many_streams_on_engines_give_the_scores_of_their_clips(bundle, model, face_frames, max_batch):
    gpu = HostGpu(bundle, max_batch)
    batch = StreamBatch(gpu.graph("encoder"), gpu.graph("temporal"), gpu.manifest)
    clips = [face_frames[start : start + 12] for start in range(5)]
    slots = [batch.open() for _ in clips]
    found = [[] for _ in clips]
    for start in range(0, 12, 2):
        for part, scores in zip(found, batch.push(slots, [clip[start : start + 2] for clip in clips]), strict=True):
            part.append(scores)
    for part, scores, clip in zip(found, batch.close(slots), clips, strict=True):
        np.testing.assert_allclose(np.concatenate([*part, scores]), model.clip(clip), atol=1e-5)


def test_only_frames_and_scores_cross_between_host_and_device(gpu, face_frames):
    stream = Stream(gpu.graph("encoder"), gpu.graph("temporal"), gpu.manifest)
    stream.push(face_frames[:1])
    gpu.device.uploaded = gpu.device.downloaded = 0
    stream.push(face_frames[1:2])
    assert gpu.device.uploaded == face_frames[:1].nbytes + np.dtype(np.float32).itemsize  # and one flag: valid
    assert gpu.device.downloaded == 12 * np.dtype(np.float32).itemsize


def test_calling_a_graph_gives_all_its_outputs(gpu, model, face_frames):
    expected = model.graph("clip")({"frames": face_frames[None, :10]})
    found = gpu.graph("clip")({"frames": face_frames[None, :10]})
    assert list(found) == ["scores", "combinations"]
    np.testing.assert_allclose(found["scores"], expected["scores"], atol=1e-5)
    np.testing.assert_array_equal(found["combinations"], expected["combinations"])


def test_one_frame_takes_the_profile_of_a_fixed_shape(gpu, face_frames):
    encoder = gpu.graph("encoder")
    encoder({"frames": face_frames[:1]})
    assert gpu.engines["encoder"].started == [0]
    encoder({"frames": face_frames[:2]})
    assert gpu.engines["encoder"].started == [0, 1]


def test_a_second_upload_does_not_overwrite_the_first_before_it_has_left(gpu, model, face_frames):
    encoder = gpu.graph("encoder")
    records = gpu.manifest.graphs["encoder"].outputs
    first, second = (
        {name: encoder.allocate(1, record.shape[1:], record.dtype) for name, record in records.items()}
        for _ in range(2)
    )
    for frame, buffers in ((face_frames[:1], first), (face_frames[9:10], second)):
        encoder.run({"frames": frame}, {name: buffer.view(0, 1) for name, buffer in buffers.items()})
    expected = model.graph("encoder")({"frames": face_frames[:1]})["static"]
    np.testing.assert_allclose(gpu.read(first["static"].view(0, 1)), expected, atol=1e-5)


def test_memory_is_freed_with_its_last_user(bundle, face_frames):
    gpu = HostGpu(bundle)
    stream = Stream(gpu.graph("encoder"), gpu.graph("temporal"), gpu.manifest)
    stream.push(face_frames[:3])
    before = gpu.device.free_memory
    del stream
    assert gpu.device.free_memory > before


@pytest.mark.slow
def test_threads_take_turns(gpu, model, face_frames):
    expected = model.graph("encoder")({"frames": face_frames[:2]})["static"]

    def run(_):
        return gpu.graph("encoder")({"frames": face_frames[:2]})["static"]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(run, range(12)):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_batch_outside_the_profile_is_refused_with_the_command_that_helps(gpu, face_frames):
    with pytest.raises(FramesError, match="does not take") as error:
        gpu.graph("encoder")({"frames": face_frames[:17]})
    assert "up to 16 frames" in error.value.why
    assert "--max-batch" in error.value.fix


def test_more_frames_than_the_profile_takes_are_refused(bundle):
    gpu = HostGpu(bundle, max_batch=1, max_frames=7)
    records = gpu.manifest.graphs["temporal"].inputs
    sizes = {"streams": 1, "frames": 8}
    inputs = {
        name: np.zeros([sizes.get(size, size) for size in record.shape], record.dtype)
        for name, record in records.items()
    }
    with pytest.raises(FramesError) as error:
        gpu.graph("temporal")(inputs)
    assert "up to 1 streams, up to 7 frames" in error.value.why


def test_another_type_is_refused(gpu, face_frames):
    with pytest.raises(FramesError, match="float32"):
        gpu.graph("encoder")({"frames": face_frames[:1].astype(np.float32)})


def test_a_gpu_without_memory_is_explained(bundle, face_frames):
    gpu = HostGpu(bundle, device=HostDevice(memory=100_000))
    with pytest.raises(ProviderError, match="no memory left") as error:
        gpu.graph("encoder")({"frames": face_frames[:1]})
    assert "--max-batch" in error.value.fix


@pytest.mark.parametrize(
    ("logged", "match"),
    [
        ("Xid 79: fallen off the bus", "did not run"),
        ("Cuda Runtime (an illegal memory access was encountered)", "did not run"),
        ("Error Code 2: OutOfMemory (Requested size was 1000 bytes.)", "no memory left"),
        ("There may not be enough free memory for allocation to succeed.", "no memory left"),
    ],
)
def test_an_engine_that_fails_is_explained_with_what_tensorrt_logged(gpu, face_frames, logged, match):
    gpu.engines["encoder"].fails = True
    gpu.logged = logged
    with pytest.raises(ProviderError, match=match) as error:
        gpu.graph("encoder")({"frames": face_frames[:1]})
    assert logged in error.value.why


@pytest.mark.slow
def test_engines_can_be_held_against_what_pytorch_said(gpu, bundle):
    reference = bundled_reference(bundle)
    records = compare_clip("engines", gpu.graph, gpu.manifest, reference.frames, reference.labels)
    assert [record.form for record in records] == [
        "engines: one clip",
        "engines: stream, 1 at a time",
        "engines: stream, 3 at a time",
        "engines: clip graph",
    ]
    assert {(record.flips, record.argmaxes) for record in records} == {(0, 24 * 4)}
    check_parity(records, TOLERANCES["float32"])


@pytest.mark.slow
def test_engines_that_compute_something_else_are_refused(gpu, bundle):
    reference = bundled_reference(bundle)
    wrong = Labels(reference.labels.scores + 0.01, reference.labels.combinations)
    records = compare_clip("engines", gpu.graph, gpu.manifest, reference.frames, wrong)
    with pytest.raises(ExportError, match="differ from the PyTorch model"):
        check_parity(records, TOLERANCES["float32"])
