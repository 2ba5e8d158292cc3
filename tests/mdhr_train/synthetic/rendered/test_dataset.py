import hashlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_train.data.clips import ScoringClips, TrainingClips
from mdhr_train.data.lists import read_fold
from mdhr_train.datasets import DATASETS
from mdhr_train.datasets.base import RENDERED
from mdhr_train.synthetic.rendered.dataset import Size, synthesize

SMALL = Size(subjects=6, recordings=2, frames=20)


def hashes(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def images(root):
    return {name: value for name, value in hashes(root).items() if name.startswith("img")}


@pytest.fixture(scope="module", params=DATASETS)
def dataset(request):
    return DATASETS[request.param]


@pytest.fixture(scope="module")
def written(dataset, tmp_path_factory):
    root = tmp_path_factory.mktemp("written") / "faces"
    return root, synthesize(root, dataset, SMALL, seed=3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the training lists")
@pytest.mark.parametrize("fold", [1, 2, 3])
def test_it_reads_like_every_prepared_dataset(written, dataset, fold):
    root, takes = written
    read = read_fold(root, dataset, fold)
    recordings = (*read.train, *read.test)
    found = {path: label for r in recordings for path, label in zip(r.paths, r.labels, strict=True)}
    assert len(found) == 6 * 2 * 20
    for take in takes:
        np.testing.assert_array_equal([found[path] for path in take.paths], take.labels)
    assert len({recording.subject for recording in read.train}) == 4
    assert len({recording.subject for recording in read.test}) == 2
    clip = TrainingClips(read.train, frames=16)[0]
    assert clip.frames.shape == (16, 224, 224, 3)
    assert clip.labels.shape == (16, len(dataset.layout.aus))


@pytest.mark.filterwarnings("ignore:In the training lists")
def test_it_says_that_it_was_rendered(written, dataset):
    root, _ = written
    facts = json.loads((root / RENDERED).read_text())
    assert facts == {
        "dataset": dataset.name,
        "subjects": 6,
        "recordings": 2,
        "frames": 20,
        "seed": 3,
        "shuffled_labels": False,
    }


def test_no_clip_reaches_from_one_take_into_another(written, dataset):
    root, _ = written
    # A take of 20 frames is one clip of 16 and one of 4 with padding.
    assert len(ScoringClips(read_fold(root, dataset, 1).test, 16, dataset.layout.crop)) == 2 * 2 * 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the training lists")
def test_the_same_seed_gives_the_same_bytes_with_any_number_of_processes(written, dataset, tmp_path):
    synthesize(tmp_path / "again", dataset, SMALL, seed=3, workers=2)
    assert hashes(tmp_path / "again") == hashes(written[0])
    synthesize(tmp_path / "other", dataset, SMALL, seed=4)
    other = images(tmp_path / "other")
    assert all(other[name] != value for name, value in images(written[0]).items())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the training lists")
def test_shuffled_labels_are_those_of_other_takes(written, dataset, tmp_path):
    root, takes = written
    shuffled = synthesize(tmp_path / "shuffled", dataset, SMALL, seed=3, shuffle_labels=True)
    assert images(root) == images(tmp_path / "shuffled")
    true = [take.labels.tobytes() for take in takes]
    given = [take.labels.tobytes() for take in shuffled]
    assert sorted(true) == sorted(given)
    assert [take.paths for take in takes] != [take.paths for take in shuffled]
    # Two takes can have equal labels by chance, where nothing happens.
    assert sum(a != b for a, b in zip(true, given, strict=True)) >= len(takes) - 2


def test_a_folder_with_contents_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(OutputError, match=r"holds mine\.txt, which this program did not write"):
        synthesize(tmp_path, DATASETS["bp4d"], SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        synthesize(tmp_path / "file" / "faces", DATASETS["bp4d"], SMALL)


@pytest.mark.slow
def test_a_killed_process_is_an_error_in_words_and_leaves_nothing(tmp_path):
    def kill_a_child():
        own = os.getpid()
        for _ in range(600):
            time.sleep(0.05)
            if any((tmp_path).rglob("*.jpg")):
                break
        process = Path(f"/proc/{own}/task/{own}/children")
        for child in map(int, process.read_text().split()):
            # Python's resource tracker is a child too.
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)

    killer = threading.Thread(target=kill_a_child)
    killer.start()
    with pytest.raises(OutputError, match="is not written"):
        synthesize(tmp_path / "faces", DATASETS["bp4d"], Size(3, 2, 500))
    killer.join()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"subjects": 2}, {"recordings": 0}, {"frames": 0}])
def test_sizes_that_make_no_dataset_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Size(**wrong)


def test_more_subjects_than_the_folds_name_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no 42 subjects"):
        synthesize(tmp_path / "faces", DATASETS["bp4d"], Size(42))
