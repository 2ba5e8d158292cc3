import json
import shutil
from dataclasses import replace

import pytest
import torch
from stripes import make_dataset

from mdhr_runtime.errors import CheckpointError, ConfigError
from mdhr_train.checkpoints import load_checkpoint, save_checkpoint
from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.model import MDHR
from mdhr_train.report import write_report
from mdhr_train.report.runs import read
from mdhr_train.training.crossval import cross_validate
from mdhr_train.training.data import fold_data
from mdhr_train.training.loop import Trainer
from mdhr_train.training.start import start_from_checkpoint
from mdhr_train.training.trained_on import TrainedOn, trainings

from .conftest import ALONE

pytestmark = pytest.mark.slow

BP4D_SETTINGS = {"data.dataset": "bp4d", "schedule.epochs": 1, "model.clip_frames": 4}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A prepared dataset with BP4D's layout."""
    root = tmp_path_factory.mktemp("bp4d")
    make_dataset(root, "bp4d", subjects=1, frames=8)
    return root


@pytest.fixture
def earlier(faces, make_config, tmp_path):
    """The checkpoint of a run on fold 1 of it."""
    config = make_config({**BP4D_SETTINGS, "data.root": str(faces)}, BP4D)
    Trainer(config, fold_data(config), ALONE, tmp_path / "fold1").train()
    return tmp_path / "fold1/best.pt"


def start(config, layout=DISFA):
    """What a run starts from, and its network."""
    model = MDHR(config.model_config(layout))
    return start_from_checkpoint(model, config, fold_data(config), leads=True), model


def test_a_run_starts_from_a_checkpoint_of_another_dataset_and_goes_on_without_it(
    earlier, faces, make_config, tmp_path, capsys
):
    config = make_config({"init": str(earlier.parent.parent / "fold{fold}/best.pt"), "schedule.epochs": 1})
    run = Trainer(config, fold_data(config), ALONE, tmp_path / "run")
    summary = run.train()
    told = capsys.readouterr().err
    assert f"{earlier} labels BP4D's action units, AU07 AU10 AU14 AU15 AU17 AU23 AU24 among them" in told
    assert "AU09 AU25 AU26" in told
    facts = json.loads((run.folder / "summary.json").read_text())["init"]
    assert facts == summary["init"] == load_checkpoint(run.folder / "best.pt").run["init"]
    assert (facts["file"], facts["layout"]) == (str(earlier), "BP4D")
    assert facts["trained_on"] == [
        {"dataset": "bp4d", "fold": 1, "fingerprint": load_checkpoint(earlier).run["data"]["fingerprint"]}
    ]
    assert facts["parts"]["class vectors"]["new"] == ["AU09", "AU25", "AU26"]
    assert facts["parts"]["class vectors"]["taken"] == 5 * 16

    write_report(read(run.folder), None, tmp_path / "report.html")
    assert f"{earlier}, which labels BP4D" in (tmp_path / "report.html").read_text()

    earlier.unlink()
    (run.folder / "summary.json").unlink()
    longer = replace(run.config, schedule=replace(run.config.schedule, epochs=1))
    again = Trainer(longer, run.data, ALONE, run.folder).train(resume=True)
    assert again["init"] == facts
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        start(config)


def test_the_network_has_the_weights_of_the_checkpoint(earlier, make_config):
    facts, model = start(make_config({"init": str(earlier)}))
    source = load_checkpoint(earlier).model
    assert torch.equal(model.cross.linear.weight, source.cross.linear.weight)
    assert torch.equal(model.temporal.classes[5], source.temporal.classes[6])  # AU12
    assert start(make_config())[0] is None
    assert facts is not None


def test_a_checkpoint_that_has_seen_the_people_of_the_test_part_is_refused(earlier, faces, make_config, tmp_path):
    def of_fold(fold, init):
        return make_config({**BP4D_SETTINGS, "data.root": str(faces), "data.fold": fold, "init": str(init)}, BP4D)

    start(of_fold(1, earlier), BP4D)
    with pytest.raises(ConfigError, match="Fold 2 of bp4d cannot start from") as error:
        start(of_fold(2, earlier), BP4D)
    assert "trained on fold 1" in error.value.why
    assert "{fold}" in error.value.fix

    # Nor one that only began with what has seen them.
    config = make_config({"init": str(earlier), "schedule.epochs": 1})
    Trainer(config, fold_data(config), ALONE, tmp_path / "between").train()
    between = tmp_path / "between/best.pt"
    assert [found.dataset for found in trainings(load_checkpoint(between))] == ["disfa", "bp4d"]
    start(of_fold(1, between), BP4D)
    with pytest.raises(ConfigError, match="Fold 3 of bp4d"):
        start(of_fold(3, between), BP4D)


def test_where_it_is_not_known_whom_a_checkpoint_has_seen_that_is_told(earlier, faces, make_config, tmp_path, capsys):
    settings = {**BP4D_SETTINGS, "data.root": str(faces)}
    loaded = load_checkpoint(earlier)
    silent, other = tmp_path / "silent.pt", tmp_path / "other.pt"
    save_checkpoint(silent, loaded.model)
    save_checkpoint(other, loaded.model, run={**loaded.run, "data": {"fingerprint": "another"}})
    for path, doubt in ((silent, "does not say what"), (other, "was trained on fold 1 of other lists")):
        start(make_config({**settings, "init": str(path)}, BP4D), BP4D)
        assert f"warning: {path} {doubt}" in capsys.readouterr().err
    start(make_config({"init": str(silent)}))  # its people are not those of this dataset
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("said", [None, "x", {"trained_on": 3}, {"trained_on": [{"dataset": "bp4d"}]}])
def test_what_a_file_says_of_its_beginning_may_be_nonsense(earlier, said):
    loaded = load_checkpoint(earlier)
    found = trainings(replace(loaded, run={**loaded.run, "init": said}))
    assert found == [TrainedOn("bp4d", 1, loaded.run["data"]["fingerprint"])]


def test_every_fold_of_a_cross_validation_starts_from_its_own(earlier, make_config, tmp_path):
    config = make_config({"init": str(tmp_path / "fold{fold}/best.pt"), "schedule.epochs": 1})
    shutil.copytree(tmp_path / "fold1", tmp_path / "fold2")
    with pytest.raises(ConfigError, match="Fold 3 cannot start from") as error:
        cross_validate(config, tmp_path / "runs", ALONE)
    assert "{fold}" in error.value.fix
    assert not list((tmp_path / "runs").glob("fold*"))
    shutil.copytree(tmp_path / "fold1", tmp_path / "fold3")
    cross_validate(config, tmp_path / "runs", ALONE)
    for fold in (1, 2, 3):
        summary = json.loads((tmp_path / f"runs/fold{fold}/summary.json").read_text())
        assert summary["init"]["file"] == str(tmp_path / f"fold{fold}/best.pt")
    shutil.rmtree(tmp_path / "fold3")
    cross_validate(config, tmp_path / "runs", ALONE)
