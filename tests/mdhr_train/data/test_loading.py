import os
import signal

import pytest
from prepared import recording
from torch.utils.data import DataLoader

from mdhr_runtime.errors import DataError
from mdhr_train.data.clips import ScoringClips, TrainingClips
from mdhr_train.data.loading import worker_errors


class Deadly(TrainingClips):
    """Clips whose loading kills the process."""

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_named_in_three_parts_whoever_reads_it(tmp_path, workers):
    one = recording(tmp_path, "F001")
    one.paths[17].write_bytes(b"no picture")
    with pytest.raises(DataError) as error, worker_errors():
        list(DataLoader(ScoringClips([one]), num_workers=workers))
    assert error.value.what == f"The image {one.paths[17]} is damaged."
    assert error.value.why == "Its 10 bytes are no complete JPG image."
    assert error.value.fix.startswith("Copy it again")


def test_a_killed_process_is_told(tmp_path):
    with pytest.raises(DataError, match="was killed"), worker_errors():
        list(DataLoader(Deadly([recording(tmp_path, "F001")]), num_workers=1))


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="something else"), worker_errors():
        raise RuntimeError("something else")
