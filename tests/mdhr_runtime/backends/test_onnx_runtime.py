"""Running a graph from memory to memory."""

import numpy as np
import pytest


@pytest.fixture
def encoder(model):
    return model.graph("encoder")


@pytest.fixture
def outputs(model, encoder):
    """Memory for the encoder's outputs, 4 frames."""
    records = model.bundle.manifest.graphs["encoder"].outputs
    return {name: encoder.allocate(4, record.shape[1:], record.dtype, zeros=True) for name, record in records.items()}


def values(buffer):
    return buffer.memory if isinstance(buffer.memory, np.ndarray) else buffer.memory.numpy()


def test_results_are_written_where_they_belong_and_nowhere_else(encoder, outputs, face_frames):
    expected = encoder({"frames": face_frames[:2]})
    encoder.run({"frames": face_frames[:2]}, {name: buffer.view(1, 2) for name, buffer in outputs.items()})
    for name, buffer in outputs.items():
        found = values(buffer)
        np.testing.assert_allclose(found[1:3], expected[name], atol=1e-5)
        assert not found[0].any()
        assert not found[3].any()


def test_rows_can_be_arranged(outputs):
    buffer = outputs["static"]
    region = buffer.view(0, 2, 2)
    assert region.shape == (2, 2, *buffer.row)
    assert region.pointer == buffer.pointer


@pytest.mark.parametrize(("first", "counts"), [(0, (5,)), (3, (2,)), (-1, (1,)), (1, (2, 2))])
def test_memory_beyond_the_buffer_is_refused(outputs, first, counts):
    with pytest.raises(IndexError):
        outputs["static"].view(first, *counts)


def test_arrays_that_are_not_contiguous_are_refused(encoder, outputs, face_frames):
    regions = {name: buffer.view(0, 2) for name, buffer in outputs.items()}
    with pytest.raises(ValueError, match="contiguous"):
        encoder.run({"frames": face_frames[:4:2]}, regions)
