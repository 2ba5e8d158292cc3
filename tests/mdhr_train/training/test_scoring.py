import numpy as np
import pytest
import torch

import mdhr_runtime
from mdhr_runtime.errors import ConfigError
from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.data.clips import ScoringClips, read_crops, runs
from mdhr_train.data.lists import read_fold
from mdhr_train.datasets import DATASETS, DISFA
from mdhr_train.model import MDHR, ModelConfig, normalise
from mdhr_train.training import data as pieces
from mdhr_train.training.data import Chunks, clip_loader, stream_loader
from mdhr_train.training.distributed import Group
from mdhr_train.training.scoring import (
    BundleScorer,
    ColumnScorer,
    NetworkScorer,
    score_clips,
    score_streams,
)

CPU = torch.device("cpu")
ALONE = Group(0, 1, CPU)
AUS = len(DISFA.aus)


@pytest.fixture(scope="module")
def recordings(prepared):
    return read_fold(prepared, DATASETS["disfa"], 1).test


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MDHR(ModelConfig(DISFA, "test_resnet", node_features=16, dynamics_channels=16, radius=2)).eval()


def subjects_of(recordings):
    return [recording.subject for recording in recordings]


def known(recordings):
    return sum(int(np.isin(recording.labels, (0, 1)).sum()) for recording in recordings)


def test_chunks_show_every_frame_once_with_its_neighbours(recordings, monkeypatch):
    monkeypatch.setattr(pieces, "CHUNK", 8)
    chunks = Chunks(recordings[:1], DISFA.crop, margin=3)
    found = [chunks[index] for index in range(len(chunks))]
    # 20 frames with a gap in front of the last 3.
    assert [len(chunk.labels) for chunk in found] == [8, 8, 1, 3]
    assert [chunk.before for chunk in found] == [0, 3, 3, 0]
    assert [len(chunk.frames) for chunk in found] == [11, 12, 4, 3]
    assert [chunk.ends for chunk in found] == [False, False, True, True]
    np.testing.assert_array_equal(np.concatenate([chunk.labels for chunk in found]), recordings[0].labels)


def test_chunks_of_a_recording_score_as_one_clip(network, recordings, monkeypatch):
    monkeypatch.setattr(pieces, "CHUNK", 5)
    recording = recordings[0]
    chunks = Chunks([recording], DISFA.crop, network.config.lookahead)
    scorer = NetworkScorer(network, CPU)
    found = np.concatenate([scorer.chunk(chunks[index]) for index in range(len(chunks))])
    whole = [normalise(torch.from_numpy(read_crops(recording.paths[run], DISFA.crop)))[None] for run in runs(recording)]
    with torch.inference_mode():
        wanted = np.concatenate([network(frames).scores[0].numpy() for frames in whole])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_every_known_label_counts_once_in_both_protocols(network, recordings, workers):
    scorer = NetworkScorer(network, CPU)
    consecutive = ScoringClips(recordings, 16, DISFA.crop)
    clips = score_clips(scorer, clip_loader(consecutive, 2, workers, ALONE), AUS, ALONE, consecutive.subjects)
    chunks = stream_loader(recordings, scorer.crop, scorer.margin, workers, ALONE)
    streams = score_streams(scorer, chunks, AUS, ALONE, subjects_of(recordings))
    assert clips.subjects == streams.subjects == tuple(subjects_of(recordings))
    for row, recording in enumerate(recordings):  # one of each subject
        assert clips.counts[row].sum() == streams.counts[row].sum() == known([recording])


def test_shares_of_processes_add_up(network, recordings):
    scorer = NetworkScorer(network, CPU)
    whole, *parts = (
        score_streams(
            scorer,
            stream_loader(recordings, scorer.crop, scorer.margin, 0, group),
            AUS,
            ALONE,
            subjects_of(recordings),
        )
        for group in (ALONE, Group(0, 2, CPU), Group(1, 2, CPU))
    )
    np.testing.assert_array_equal(parts[0].counts + parts[1].counts, whole.counts)


def test_some_of_the_scores_are_those_of_their_aus(network, recordings):
    scorer = NetworkScorer(network, CPU)
    chunk = Chunks(recordings[:1], scorer.crop, scorer.margin)[0]
    some = ColumnScorer(scorer, [4, 1])
    np.testing.assert_array_equal(some.chunk(chunk), scorer.chunk(chunk)[:, [4, 1]])
    frames = chunk.frames[None, :4]
    np.testing.assert_array_equal(some.clips(frames), scorer.clips(frames)[..., [4, 1]])
    assert (some.crop, some.margin) == (scorer.crop, scorer.margin)


def test_clips_without_subjects_count_as_those_of_one(network, recordings):
    scorer, consecutive = NetworkScorer(network, CPU), ScoringClips(recordings, 16, DISFA.crop)
    apart, together = (
        score_clips(scorer, clip_loader(consecutive, 2, 0, ALONE), AUS, ALONE, subjects)
        for subjects in (consecutive.subjects, None)
    )
    np.testing.assert_array_equal(apart.counts.sum(0), together.counts[0])
    assert len(together.counts) == 1


@pytest.mark.slow
def test_a_bundle_scores_as_its_checkpoint(tiny_checkpoint, tiny_bundle, tmp_path, monkeypatch):
    from stripes import make_dataset

    monkeypatch.setattr(pieces, "CHUNK", 8)
    dataset = make_dataset(tmp_path, "bp4d", subjects=1)
    recordings = read_fold(tmp_path, dataset, 1).test
    model = mdhr_runtime.load(tiny_bundle, "cpu")
    scorers = NetworkScorer(load_checkpoint(tiny_checkpoint).model, CPU), BundleScorer(model)
    aus, consecutive = len(model.aus), ScoringClips(recordings, 16, DISFA.crop)
    for score, loader in (
        (score_clips, lambda _scorer: clip_loader(consecutive, 2, 0, ALONE)),
        (score_streams, lambda scorer: stream_loader(recordings, scorer.crop, scorer.margin, 0, ALONE)),
    ):
        subjects = consecutive.subjects if score is score_clips else subjects_of(recordings)
        network, bundle = (score(scorer, loader(scorer), aus, ALONE, subjects) for scorer in scorers)
        np.testing.assert_array_equal(network.outcomes(), bundle.outcomes())
        assert network.counts.sum() == known(recordings)


def test_scores_that_are_no_numbers_are_refused(network, recordings):
    broken = MDHR(network.config)
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(ConfigError, match="no numbers"):
        NetworkScorer(broken, CPU).chunk(Chunks(recordings, DISFA.crop)[0])
