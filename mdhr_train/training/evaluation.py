"""Scoring checkpoints and bundles on a dataset: its own test part, or that of people whom a network has never seen.

A network that was trained on another dataset is scored on the action units (AUs) that both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch

import mdhr_runtime
from mdhr_runtime.cli.console import spoken_warnings
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout, au_name

from ..checkpoints import load_checkpoint
from ..data.clips import ScoringClips
from ..data.lists import read_fold, read_test_parts
from ..data.recordings import Recording
from ..datasets.base import Dataset
from .data import worker_deaths
from .distributed import Group, choose_device
from .run_files import ProtocolScores
from .scoring import BundleScorer, ColumnScorer, DatasetScorer, NetworkScorer, score
from .trained_on import TrainedOn, fold_to_score, trained_on, trainings, warn_of_seen_people


@dataclass(frozen=True)
class Candidate:
    """A checkpoint or a bundle that is scored.

    Attributes:
        path: Where it comes from.
        layout: Its AUs.
        clip_frames: Length of the clips that it was trained on.
        trainings: What it was trained on; empty where its file does not say, as no bundle's does.
        scorer: What scores it.
    """

    path: Path
    layout: Layout
    clip_frames: int
    trainings: Sequence[TrainedOn]
    scorer: DatasetScorer

    def is_foreign(self, dataset: Dataset) -> bool:
        """Whether it was trained on other datasets: it says so, or has AUs that this one's labels do not teach."""
        if self.trainings:
            return trained_on(self.trainings, dataset.name) is None
        return self.layout.aus != dataset.layout.aus


class Evaluation(NamedTuple):
    """Scores of all candidates on the same frames.

    Attributes:
        fold: The fold whose test part was scored; None for those of all folds together.
        aus: Names of the AUs that were scored.
        notes: What a reader of the scores has to know, in sentences.
        scores: In both protocols, by the candidate's name.
    """

    fold: int | None
    aus: tuple[str, ...]
    notes: tuple[str, ...]
    scores: Mapping[str, ProtocolScores]


def checkpoint_candidate(path: Path, device: str, precision: str) -> Candidate:
    """Make a checkpoint ready to be scored.

    Args:
        path: Ours or a published one.
        device: "auto", "cpu" or "cuda".
        precision: "float32", "bfloat16" or "float16".

    Raises:
        CheckpointError: It cannot be read.
        ConfigError: There is no GPU.
    """
    checkpoint, place = load_checkpoint(path), choose_device(device)
    model = checkpoint.model.to(place)
    scorer = NetworkScorer(model, place, precision)
    return Candidate(path, model.config.layout, model.config.clip_frames, trainings(checkpoint), scorer)


def bundle_candidate(path: Path, provider: str) -> Candidate:
    """Load a bundle to score it, in the runtime.

    Raises:
        BundleError: It cannot be read.
        ProviderError: The provider is not there.
    """
    model = mdhr_runtime.load(path, provider)
    return Candidate(path, model.layout, model.bundle.manifest.clip_frames, (), BundleScorer(model))


def evaluate(
    candidates: Mapping[str, Candidate], data: Path, dataset: Dataset, fold: int | None, batch: int, workers: int
) -> Evaluation:
    """Score candidates in both protocols; shows progress on stderr.

    Args:
        candidates: By the names that they have in the result; at least one.
        data: Folder of the prepared dataset.
        dataset: What is there.
        fold: The fold whose test part is scored. None takes a candidate's own, and all folds' together where no
            candidate has seen anybody of the dataset.
        batch: Clips at once.
        workers: Processes that read frames.

    Raises:
        ConfigError: They share no AU with the data, or one has seen the people of the fold's test part.
        DataError: The dataset cannot be read.

    Warns:
        DataWarning: Whether a candidate has seen the people is not known.
    """
    layouts = [candidate.layout for candidate in candidates.values()]
    aus = tuple(au for au in dataset.layout.aus if all(au in layout.aus for layout in layouts))
    if not aus:
        raise _nothing_shared(candidates, dataset)
    with spoken_warnings():
        number, recordings = _to_score(list(candidates.values()), data, dataset, fold)
    columns = [dataset.layout.aus.index(au) for au in aus]
    recordings = tuple(replace(each, labels=each.labels[:, columns]) for each in recordings)
    names, alone = _names(aus), Group(0, 1, torch.device("cpu"))
    scores: dict[str, ProtocolScores] = {}
    for name, each in candidates.items():
        scorer = ColumnScorer(each.scorer, [each.layout.aus.index(au) for au in aus])
        clips = ScoringClips(recordings, each.clip_frames, scorer.crop)
        with worker_deaths():
            scores[name] = score(scorer, clips, recordings, names, batch, workers, alone, f"scoring the {name}")
    people = len({recording.subject for recording in recordings})
    return Evaluation(number, names, tuple(_notes(candidates, dataset, aus, number, people)), scores)


def _to_score(
    candidates: list[Candidate], data: Path, dataset: Dataset, wanted: int | None
) -> tuple[int | None, tuple[Recording, ...]]:
    """The fold that is scored, None for all, and the recordings."""
    at_home = [candidate for candidate in candidates if not candidate.is_foreign(dataset)]
    if not at_home:
        recordings = read_fold(data, dataset, wanted).test if wanted else read_test_parts(data, dataset)
        return wanted, recordings
    first = next((each for each in at_home if each.trainings), at_home[0])  # a bundle is taken for its export
    own = trained_on(first.trainings, dataset.name)
    number = fold_to_score(own, wanted, first.path)
    lists = read_fold(data, dataset, number)
    warn_of_seen_people(own, first.path, lists)
    return number, lists.test


def _notes(
    candidates: Mapping[str, Candidate], dataset: Dataset, aus: tuple[int, ...], fold: int | None, people: int
) -> Iterator[str]:
    """Say which AUs and which people the scores are of."""
    sides = {f"the {name}": each.layout.aus for name, each in candidates.items()} | {dataset.name: dataset.layout.aus}
    rest = {side: _names(au for au in own if au not in aus) for side, own in sides.items()}
    if any(rest.values()):
        yield f"Scored are the action units that all have: {' '.join(_names(aus))}."
        left_out = (f"{' '.join(names)} of {side}" for side, names in rest.items() if names)
        yield f"Left out: {'; '.join(left_out)}."
    part = f"the test part of fold {fold}" if fold else "all recordings, the test parts of all folds together"
    yield f"Data: {dataset.name}, {part}; subjects: {people}."
    foreign = [name for name, each in candidates.items() if each.is_foreign(dataset)]
    if foreign:
        yield f"The {' and the '.join(foreign)} learned from another dataset: nobody here was seen in the training."


def _nothing_shared(candidates: Mapping[str, Candidate], dataset: Dataset) -> ConfigError:
    labelled = "; ".join(f"the {name} {' '.join(each.layout.au_names)}" for name, each in candidates.items())
    return ConfigError(
        f"{next(iter(candidates.values())).path} cannot be scored on {dataset.name}.",
        f"They share no action unit: {dataset.name} has {' '.join(dataset.layout.au_names)}, {labelled}.",
        "Name a dataset that has some of them with --data and --dataset.",
    )


def _names(aus: Iterable[int]) -> tuple[str, ...]:
    return tuple(map(au_name, aus))
