"""The folders of runs and cross-validations: who may write there, and what in them is ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mdhr_runtime.errors import MdhrError
from mdhr_runtime.files import told
from mdhr_runtime.records import RecordError, from_plain
from mdhr_runtime.targets import Claim, refuse_foreign

from ..checkpoints.files import is_checkpoint
from ..datasets import dataset_in
from ..datasets.base import prepared_folders
from .card import is_card
from .config import RunConfig, default_values, read_config
from .distributed import Group
from .run_files import (
    BEST,
    CARD,
    CONFIG,
    LAST,
    REPORT,
    SUMMARY,
    CrossValidationSummary,
    RunSummary,
    SuiteSummary,
    read_summary,
)
from .state import is_state

EVENTS = r"events\.out\.tfevents\..*"
"""Files that TensorBoard writes, each under a new name."""


def _is_config(path: Path) -> bool:
    return read_config(path).keys() == default_values().keys()


def _is_summary(path: Path) -> bool:
    summary = read_summary(path)
    for kind in (RunSummary, CrossValidationSummary, SuiteSummary):
        with suppress(RecordError):
            if from_plain(kind, summary) == summary:
                return True
    return False


FILES: Mapping[str, Callable[[Path], bool]] = {
    CONFIG: _is_config,
    BEST: is_checkpoint,
    LAST: is_state,
    SUMMARY: _is_summary,
    CARD: is_card,
}
"""Files that a run replaces, and what tells whether an existing one is a whole one of ours."""

OF_RUN = rf"{'|'.join(map(re.escape, (*FILES, REPORT)))}|{EVENTS}"
OF_FOLDS = rf"([a-z0-9-]+/)?(fold\d+/({OF_RUN})|{re.escape(SUMMARY)}|{re.escape(REPORT)}|{re.escape(CARD)})"


@contextmanager
def claim_run(folder: Path, config: RunConfig, group: Group, resume: bool) -> Iterator[None]:
    """Have the folder of a run to oneself. It must be empty, or hold a run and nothing else; or one that is resumed.

    Args:
        folder: The folder, which need not exist.
        config: The run's, which says what it reads.
        group: The processes that train together, the first of which has the right for all.
        resume: Whether to go on with a run that was begun there. Its state will tell whether it is that run.

    Raises:
        OutputError: It may not be written; see `Claim`.
    """

    def is_ours(folder: Path) -> bool:
        if not (resume and (folder / LAST).is_file()):
            refuse_foreign(folder, lambda name: bool(re.fullmatch(OF_RUN, name)) and _is_whole(folder / name))
        return folder.is_dir()

    with _claimed(folder, is_ours, config, group):
        yield


@contextmanager
def claim_folds(folder: Path, config: RunConfig, group: Group) -> Iterator[None]:
    """Have the folder of a cross-validation or suite to oneself; its runs are claimed on their own.

    Arguments and errors are those of `claim_run`.
    """

    def is_ours(folder: Path) -> bool:
        refuse_foreign(
            folder, lambda name: bool(re.fullmatch(OF_FOLDS, name)) and (name != SUMMARY or _is_whole(folder / name))
        )
        return folder.is_dir()

    with _claimed(folder, is_ours, config, group):
        yield


@contextmanager
def _claimed(folder: Path, is_ours: Callable[[Path], bool], config: RunConfig, group: Group) -> Iterator[None]:
    if not group.leads:
        yield
        return
    inputs = [Path(config.pretrained_file)] if config.pretrained_file else []
    if config.data.root:
        root = Path(config.data.root)
        inputs += prepared_folders(root, dataset_in(root, config.data.dataset))
    with told(f"The folder {folder}", fix="Choose another one with --out."):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with Claim(folder, is_ours, inputs=inputs):
        yield


def _is_whole(path: Path) -> bool:
    """Whether a file of a run is a whole one of ours; those that no run replaces are."""
    try:
        return path.name not in FILES or FILES[path.name](path)
    except MdhrError:
        return False
