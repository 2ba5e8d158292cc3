"""The client of docs/triton.md labels frames as the runtime does."""

import re
from pathlib import Path

import numpy as np
import pytest
from triton_stand_in import serving
from tritonclient.utils import InferenceServerException

import mdhr_runtime
from mdhr_export.triton import write_repository
from mdhr_runtime.bundle import open_bundle

PAGE = (Path(__file__).parents[2] / "docs" / "triton.md").read_text()


@pytest.fixture(scope="module")
def client(tiny_bundle, tmp_path_factory):
    """What the page's program defines, connected to a server."""
    out = tmp_path_factory.mktemp("triton") / "models"
    write_repository(open_bundle(tiny_bundle), out)
    (program,) = re.findall(r"^```python client\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    with serving(out) as address:
        names = {}
        exec(program.replace("localhost:8001", address), names)
        yield names


@pytest.mark.slow
def test_a_stream_has_the_scores_of_one_clip(client, tiny_bundle, face_frames):
    expected = mdhr_runtime.load(tiny_bundle, "cpu").clip(face_frames)
    assert client["aus"] == list(mdhr_runtime.load(tiny_bundle, "cpu").aus)
    np.testing.assert_allclose(client["label"](face_frames, stream=1), expected, atol=1e-5)
    # Zeros start the next one, also under the same number.
    np.testing.assert_allclose(client["label"](face_frames, stream=1), expected, atol=1e-5)


def test_streams_that_take_turns_do_not_mix(client, face_frames):
    clips = {2: face_frames[:4], 3: face_frames[12:16]}
    features = {stream: client["encode"](frames) for stream, frames in clips.items()}
    padding = {name: np.zeros((client["lookahead"], *x.shape[1:]), x.dtype) for name, x in features[2].items()}
    for stream in clips:
        client["advance"](features[stream], 1, sequence_id=stream, sequence_start=True)
    for stream in clips:
        scores = client["advance"](padding, 0, sequence_id=stream, sequence_end=True)[-4:]
        np.testing.assert_allclose(scores, client["label"](clips[stream], stream=9), atol=1e-6)


def test_a_stream_without_a_start_is_refused(client, face_frames):
    with pytest.raises(InferenceServerException, match="START"):
        client["advance"](client["encode"](face_frames[:2]), 1, sequence_id=99)
