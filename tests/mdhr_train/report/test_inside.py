import numpy as np
import pytest
import torch
from prepared import recording

from mdhr_train.data.recordings import Fold, Recording
from mdhr_train.datasets import BP4D
from mdhr_train.model import MDHR, ModelConfig, normalise
from mdhr_train.report.inside import choose, look_inside, results_of


def network(**variant):
    torch.manual_seed(0)
    return MDHR(ModelConfig(BP4D, "resnet10t", node_features=16, dynamics_channels=16, **variant)).eval()


@pytest.fixture(scope="module")
def clip(face_frames):
    return face_frames[:4]


def test_the_figures_are_those_of_the_frame(clip):
    model = network(radius=1)
    found = look_inside(model, clip, 2)
    with torch.inference_mode():
        scores = model(normalise(torch.from_numpy(clip))[None]).scores[0, 2]
    np.testing.assert_array_equal(found.scores, scores.numpy())
    assert found.weights.shape == (4, 7, 7)
    np.testing.assert_allclose(found.weights.sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(found.attention.sum(axis=1), 1, rtol=1e-5)
    region = np.array(BP4D.region_of)
    within = (region[:, None] == region) & ~np.eye(12, dtype=bool)
    assert (found.attention[within] == 0).all()
    assert not np.array_equal(found.weights, look_inside(model, clip, 1).weights)


@pytest.mark.parametrize(
    ("variant", "weights", "attention"),
    [
        ({"dynamics": False}, False, True),
        ({"fusion": "sum"}, False, True),
        ({"scales": (3,)}, False, True),
        ({"scales": (1, 4)}, True, True),
        ({"relations": "none"}, True, False),
        ({"relations": "local", "auxiliary": False}, True, True),
    ],
)
def test_variants_have_the_figures_that_they_compute(clip, variant, weights, attention):
    found = look_inside(network(**variant), clip, 0)
    assert (found.weights is not None, found.attention is not None) == (weights, attention)


def test_the_network_is_left_as_it_was(clip):
    model = network()
    with pytest.raises(ZeroDivisionError), results_of(model.cross, "attention") as results:
        raise ZeroDivisionError
    model(normalise(torch.from_numpy(clip))[None])
    assert results == []


SHORT = ModelConfig(BP4D, "resnet10t", radius=1)  # three frames on either side


def fold_of(*test):
    return Fold(1, (), test, np.ones(12), "")


def test_examples_are_of_different_subjects_and_show_the_most_aus(tmp_path):
    first, second = recording(tmp_path, "F007"), recording(tmp_path, "F015")
    poor = recording(tmp_path, "F007", "T2")
    poor.labels[:] = 0
    examples = choose(fold_of(poor, first, second), config=SHORT)
    assert [example.recording for example in examples] == ["F007/T1", "F015/T1"]
    for example in examples:  # in the second frame of these recordings all AUs occur
        assert (example.labels == 1).all()
        assert (example.number, example.index) == (2, 1)
        assert example.frames.shape == (5, 224, 224, 3)


def test_neighbours_do_not_reach_across_a_gap(tmp_path):
    whole = recording(tmp_path, "F007")
    numbers = np.where(np.arange(len(whole)) < 10, whole.numbers, whole.numbers + 5)
    labels = np.zeros_like(whole.labels)
    labels[11] = 1
    broken = Recording(whole.name, whole.subject, whole.paths, numbers, labels)
    (example,) = choose(fold_of(broken), config=SHORT)
    assert (example.number, example.index, len(example.frames)) == (17, 1, 5)
