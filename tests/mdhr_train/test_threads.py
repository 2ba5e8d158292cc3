import os
import subprocess
import sys

import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.threads import thread_count
from mdhr_train.threads import share_cores

NUMBERS = ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


@pytest.fixture
def environment(monkeypatch):
    """The environment without what `share_cores` reads and sets, set back afterwards."""
    for name in ("OMP_WAIT_POLICY", "MKL_DYNAMIC", "MDHR_THREADS", *NUMBERS):
        monkeypatch.setenv(name, "")  # so that it is set back also if it was absent
        monkeypatch.delenv(name)
    return monkeypatch


def test_a_choice_that_was_made_is_kept(environment):
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert {os.environ[name] for name in NUMBERS} == {str(thread_count())}
    environment.setenv("OMP_WAIT_POLICY", "ACTIVE")
    environment.setenv("OMP_NUM_THREADS", "5")
    share_cores()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"]) == ("ACTIVE", "5")


def test_our_own_variable_has_the_first_word(environment):
    environment.setenv("OMP_NUM_THREADS", "5")
    environment.setenv("MDHR_THREADS", "3")
    share_cores()
    assert [os.environ[name] for name in NUMBERS] == ["3", "3"]
    environment.setenv("MDHR_THREADS", "all")
    with pytest.raises(ConfigError, match="MDHR_THREADS"):
        share_cores()


@pytest.mark.slow
def test_pytorch_and_opencv_take_what_they_are_given(environment):
    environment.setenv("MDHR_THREADS", "3")
    code = """
from mdhr_train.threads import share_cores
share_cores()
import cv2, torch
print(torch.get_num_threads(), cv2.getNumThreads())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["3", "3"], done.stderr
