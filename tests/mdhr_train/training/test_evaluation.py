"""Which data candidates are scored on; the command's tests show the rest."""

import pytest
import torch

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D, DATASETS, DISFA
from mdhr_train.model import MDHR, ModelConfig
from mdhr_train.training.evaluation import Candidate, evaluate
from mdhr_train.training.scoring import NetworkScorer
from mdhr_train.training.trained_on import TrainedOn

CPU = torch.device("cpu")


def candidate(layout=DISFA, *trainings):
    torch.manual_seed(0)
    model = MDHR(ModelConfig(layout, "test_resnet", node_features=16, dynamics_channels=16))
    return Candidate("some.pt", layout, 16, trainings, NetworkScorer(model, CPU))


@pytest.mark.parametrize(
    ("layout", "trainings", "foreign"),
    [
        (DISFA, [], False),  # as no bundle says
        (BP4D, [], True),
        (DISFA, [TrainedOn("disfa", 2, "")], False),
        (DISFA, [TrainedOn("bp4d", 2, "")], True),
        (BP4D, [TrainedOn("disfa", 2, "")], False),  # the dataset, when it had other AUs
        (BP4D, [TrainedOn("bp4d", 1, ""), TrainedOn("disfa", 2, "")], False),  # it began with one of DISFA
    ],
)
def test_a_candidate_is_foreign_where_it_cannot_have_learned_from_the_dataset(layout, trainings, foreign):
    assert Candidate("some.pt", layout, 16, trainings, None).is_foreign(DATASETS["disfa"]) is foreign


def scored(prepared, fold=None, **candidates):
    return evaluate(candidates, prepared, DATASETS["disfa"], fold, 4, 0)


def test_a_bundle_beside_its_checkpoint_is_scored_on_the_checkpoints_fold(prepared, capsys):
    checkpoint = candidate(DISFA, TrainedOn("disfa", 3, "of other lists"))
    found = scored(prepared, bundle=candidate(), checkpoint=checkpoint)
    assert found.fold == 3
    assert "fold 3 of other lists" in capsys.readouterr().err
    assert found.scores["bundle"] == found.scores["checkpoint"]
    with pytest.raises(ConfigError, match="cannot be scored on fold 1"):
        scored(prepared, 1, bundle=candidate(), checkpoint=checkpoint)


def test_beside_one_that_is_at_home_a_foreign_one_is_scored_on_the_same_fold_and_aus(prepared, capsys):
    found = scored(prepared, checkpoint=candidate(BP4D), bundle=candidate())
    assert found.fold == 1
    assert "does not say which fold" in capsys.readouterr().err
    assert found.aus == ("AU01", "AU02", "AU04", "AU06", "AU12")
    assert "AU09 AU25 AU26 of the bundle" in found.notes[1]
    assert "The checkpoint learned from another dataset" in found.notes[-1]


def test_all_test_parts_together_are_the_whole_dataset(prepared):
    found = scored(prepared, checkpoint=candidate(BP4D))
    assert found.fold is None
    assert len(found.scores["checkpoint"]["clips"]["subjects"]) == 6
    assert "together; subjects: 6" in found.notes[-2]
