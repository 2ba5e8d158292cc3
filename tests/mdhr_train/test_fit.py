import copy

import numpy as np
import pytest
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_train.checkpoints import load_checkpoint, save_checkpoint
from mdhr_train.data.synthetic import SyntheticClips
from mdhr_train.fit import FitConfig, evaluate, fit
from mdhr_train.layouts import DISFA
from mdhr_train.losses import mdhr_loss
from mdhr_train.model import MDHR, ModelConfig, normalise

pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return MDHR(ModelConfig(DISFA, "test_efficientnet", node_features=16, dynamics_channels=16))


@pytest.fixture
def model(untrained):
    return copy.deepcopy(untrained)


@pytest.fixture(scope="module")
def clips():
    return Remembered(SyntheticClips(DISFA, clips=2, frames=4, seed=3))


class Remembered:
    """Clips rendered once."""

    def __init__(self, clips):
        self._clips = [clips[index] for index in range(len(clips))]

    def __len__(self):
        return len(self._clips)

    def __getitem__(self, index):
        return self._clips[index]

    def labels(self):
        return np.stack([labels for _, labels in self._clips])


def loss_of(model, clips):
    frames, labels = (torch.from_numpy(np.stack(parts)) for parts in zip(*(clips[0], clips[1]), strict=True))
    model.train()
    with torch.no_grad():
        return mdhr_loss(*model(normalise(frames)), labels, torch.ones(len(DISFA.aus)), DISFA).item()


def test_a_few_steps_lower_the_loss(model, clips):
    before = loss_of(model, clips)
    fit(model, clips, FitConfig(steps=12, batch=2, lr=5e-3))
    assert loss_of(model, clips) < 0.8 * before


def test_training_is_seeded(model, clips):
    twin, other = copy.deepcopy(model), copy.deepcopy(model)
    for trained, seed in ((model, 0), (twin, 0), (other, 1)):
        fit(trained, clips, FitConfig(steps=3, batch=1, seed=seed))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_worker_processes_change_nothing(model, clips):
    twin = copy.deepcopy(model)
    fit(model, clips, FitConfig(steps=2, batch=1))
    fit(twin, clips, FitConfig(steps=2, batch=1, workers=1))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_a_loss_that_is_not_a_number_stops_the_training(model, clips):
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ConfigError, match=r"step 1 of 3.*not a finite number"):
        fit(model, clips, FitConfig(steps=3, batch=1))


def test_evaluation_counts_every_frame_and_leaves_the_model_as_it_was(model, clips):
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    counter = evaluate(model, clips, FitConfig(steps=1, batch=2))
    assert counter.true_positives.sum() + counter.false_negatives.sum() == clips.labels().sum()
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())


def test_a_trained_model_survives_its_checkpoint(model, clips, tmp_path):
    fit(model, clips, FitConfig(steps=1, batch=2))
    save_checkpoint(tmp_path / "best.pt", model, {"mean_f1": 0.5})
    loaded = load_checkpoint(tmp_path / "best.pt")
    frames = normalise(torch.from_numpy(clips[0][0]))[None]
    with torch.inference_mode():
        torch.testing.assert_close(loaded.model(frames).scores, model.eval()(frames).scores)
    assert loaded.metrics == {"mean_f1": 0.5}


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch": 0}, {"workers": -1}, {"lr": 0.0}, {"lr": float("nan")}])
def test_a_configuration_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError):
        FitConfig(**{"steps": 1, **wrong})
