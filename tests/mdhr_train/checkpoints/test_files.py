"""Checkpoints of our own format, and files that are none."""

import pickle

import pytest
import torch

from mdhr_runtime.errors import CheckpointError, OutputError
from mdhr_train.checkpoints import load_checkpoint, save_checkpoint
from mdhr_train.datasets import DISFA
from mdhr_train.model import MDHR, ModelConfig


@pytest.mark.slow
def test_a_checkpoint_restores_model_and_metrics(tmp_path):
    config = ModelConfig(DISFA, backbone="resnet10t", node_features=16, dynamics_channels=8, radius=3, clip_frames=12)
    model = MDHR(config)
    save_checkpoint(tmp_path / "a.pt", model, {"mean F1": 0.25})
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert loaded.format == "mdhr"
    assert loaded.model.config == config
    assert loaded.metrics == {"mean F1": 0.25}
    assert "torch" in loaded.versions
    assert not loaded.model.training
    for key, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[key], tensor)


def test_a_checkpoint_says_how_it_was_trained(tiny_checkpoint, tmp_path):
    model = load_checkpoint(tiny_checkpoint).model
    run = {"config": {"seed": 1}, "data": {"fingerprint": "0" * 64}}
    save_checkpoint(tmp_path / "a.pt", model, run=run)
    assert load_checkpoint(tmp_path / "a.pt").run == run
    content = torch.load(tmp_path / "a.pt", weights_only=True)
    del content["run"]  # as in files from before runs were described
    torch.save(content, tmp_path / "older.pt")
    assert load_checkpoint(tmp_path / "older.pt").run == {}


class Payload:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "ran"
    torch.save({"state_dict": Payload(marker)}, tmp_path / "evil.pt")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Payload(marker)))
    for name in ("evil.pt", "evil.pkl"):
        with pytest.raises(CheckpointError, match="could run code"):
            load_checkpoint(tmp_path / name)
    assert not marker.exists()


@pytest.mark.parametrize("keep", [10, 1000, 0.5, 0.99])
def test_truncated_checkpoints_are_refused(tiny_checkpoint, tmp_path, keep):
    content = tiny_checkpoint.read_bytes()
    size = keep if isinstance(keep, int) else int(len(content) * keep)
    (tmp_path / "short.pt").write_bytes(content[:size])
    with pytest.raises(CheckpointError, match="cannot be read") as error:
        load_checkpoint(tmp_path / "short.pt")
    assert "truncated" in error.value.why


@pytest.mark.parametrize("content", [b"hello, world\n", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(1000)])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "x.pt")


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_checkpoint(tmp_path / "none.pt")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": [1]}, {"epoch": 3, "loss": 0.1}])
def test_files_without_weights_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="not an MDHR checkpoint"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_file_of_schema_1_shows_the_network_the_middle_of_a_crop(tiny_checkpoint, tmp_path):
    content = torch.load(tiny_checkpoint, weights_only=True) | {"schema": 1}
    content["config"]["layout"]["crop"].pop("view", None)
    torch.save(content, tmp_path / "old.pt")
    assert load_checkpoint(tmp_path / "old.pt").model.config.layout.crop.view == "centre"
    save_checkpoint(tmp_path / "new.pt", load_checkpoint(tmp_path / "old.pt").model)
    assert torch.load(tmp_path / "new.pt", weights_only=True)["schema"] == 2


def test_a_newer_schema_and_a_broken_description_are_refused(tiny_checkpoint, tmp_path):
    content = torch.load(tiny_checkpoint, weights_only=True)
    torch.save(content | {"schema": 99}, tmp_path / "newer.pt")
    with pytest.raises(CheckpointError, match="this version"):
        load_checkpoint(tmp_path / "newer.pt")
    torch.save(content | {"config": {"backbone": "resnet50"}}, tmp_path / "broken.pt")
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        load_checkpoint(tmp_path / "broken.pt")


def test_own_weights_that_do_not_fit_name_the_keys(tiny_checkpoint, tmp_path):
    content = torch.load(tiny_checkpoint, weights_only=True)
    content["state_dict"]["surplus"] = torch.zeros(1)
    del content["state_dict"]["cross.bias"]
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "x.pt")
    assert "missing: cross.bias" in error.value.why
    assert "unexpected: surplus" in error.value.why


def test_a_checkpoint_that_cannot_be_written_leaves_nothing(tiny_checkpoint, tmp_path):
    model = load_checkpoint(tiny_checkpoint).model
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(tmp_path / "none" / "a.pt", model)
    with pytest.raises(AttributeError):
        save_checkpoint(tmp_path / "a.pt", model, {"x": lambda: None})
    assert list(tmp_path.iterdir()) == []
