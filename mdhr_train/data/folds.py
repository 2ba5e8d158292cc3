"""Folds of a dataset that has none: which subjects are tested on together.

What iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) does with examples is done with whole subjects, of
whom there are few enough to exchange any two of them as long as that helps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mdhr_runtime.errors import DataError

FEW_FRAMES = 100
"""An AU that occurs in fewer frames is called too rare: they are four seconds of a video."""

NONE = 1e-12
"""A share below this is none: what rounding leaves. The share of one frame is larger in any dataset."""

STARTS = 10
"""Beginnings that are tried, as exchanges may end where only more at once would help."""


def stratified_parts(counts: Mapping[str, np.ndarray], folds: int = 3) -> tuple[tuple[str, ...], ...]:
    """Divide subjects into parts, each of which is tested on in one fold.

    First as many action units (AUs) as possible occur in every part; then every AU's frames, and all labelled frames,
    are spread as evenly as whole subjects allow. The same counts give the same parts.

    Args:
        counts: Per subject int64 (2, N): the frames in which each AU occurs, and those in which it is known.
        folds: Number of parts.

    Returns:
        The subjects of every part, by name; no part is empty.

    Raises:
        DataError: There are fewer subjects than folds.
    """
    names = sorted(counts)
    if len(names) < folds:
        raise DataError(
            f"{folds} folds cannot be made.",
            f"Every fold is tested on people of its own, and there {'is' if len(names) == 1 else 'are'} {len(names)}: "
            f"{', '.join(names) or 'nobody'}.",
            "Add recordings of other people, or make fewer folds; check how subjects are told apart if there are more.",
        )
    frames = np.stack([counts[name] for name in names])
    share = frames / np.maximum(frames.sum(axis=0), 1)
    # What each has of the whole: of every AU's occurrences, and of the labelled frames.
    shares = np.concatenate([share[:, 0], share[:, 1].mean(axis=1, keepdims=True)], axis=1)
    random = np.random.default_rng(0)
    starts = [random.permutation(np.arange(len(names)) % folds) for _ in range(STARTS)]
    _, best = min((_exchanged(shares, start, folds) for start in starts), key=lambda found: found[0])
    return tuple(
        sorted(tuple(name for name, part in zip(names, best, strict=True) if part == own) for own in range(folds))
    )


def _exchanged(shares: np.ndarray, parts: np.ndarray, folds: int) -> tuple[float, np.ndarray]:
    """Exchange subjects, or move one, until that makes parts no more even.

    Args:
        shares: float64 (S, C), what each subject has of the whole.
        parts: int64 (S,), the part of each; changed in place.
        folds: Number of parts, none of which is empty.

    Returns:
        How far the parts are from even, and the parts.
    """
    counted = shares.sum(axis=0) > NONE

    def cost(sums: np.ndarray) -> np.ndarray:
        """How far shares (…, C) of parts are from even: (…). What a part has nothing of outweighs all else."""
        missing = ((sums < NONE) & counted).sum(axis=-1)
        uneven: np.ndarray = (np.where(counted, sums - 1 / folds, 0) ** 2).sum(axis=-1)
        return uneven + missing * sums.shape[-1]

    sums = np.stack([shares[parts == part].sum(axis=0) for part in range(folds)])
    nobody = np.zeros((folds, shares.shape[1]))  # in each part, to be exchanged with one who moves there
    others, helped = np.concatenate([shares, nobody]), True
    while helped:
        helped = False
        for subject in range(len(parts)):
            own, theirs = parts[subject], np.concatenate([parts, np.arange(folds)])
            change = others - shares[subject]
            gain = cost(sums[own]) + cost(sums[theirs]) - cost(sums[own] + change) - cost(sums[theirs] - change)
            gain[theirs == own] = 0
            if (parts == own).sum() == 1:
                gain[len(parts) :] = 0
            best = int(gain.argmax())
            if gain[best] > 1e-9:
                sums[own] += change[best]
                sums[theirs[best]] -= change[best]
                parts[subject] = theirs[best]
                parts[best : best + 1] = own  # of nobody there is no entry
                helped = True
    return float(cost(sums).sum()), parts


def too_rare(counts: Mapping[str, np.ndarray], parts: Sequence[Sequence[str]]) -> dict[int, str]:
    """Say which AUs can hardly be learned or scored, and why.

    Args:
        counts: As for `stratified_parts`.
        parts: What it gave. Fold 1 is tested on the last part, as everywhere.

    Returns:
        Per index of such an AU a phrase that its name goes before, such as "occurs in no frame".
    """
    by_part = np.stack([np.sum([counts[name][0] for name in part], axis=0) for part in parts])  # (parts, N)
    positive, labelled = np.sum(list(counts.values()), axis=0)
    found = {}
    for au in range(len(positive)):
        people = sorted(name for name in counts if counts[name][0, au])
        absent = [str(fold) for fold, frames in enumerate(by_part[::-1, au], 1) if not frames]
        if not labelled[au]:
            found[au] = "is labelled in no frame"
        elif not people:
            found[au] = "occurs in no frame"
        elif len(people) == 1:
            found[au] = f"occurs in one subject alone, {people[0]}: no fold has it in both training and test"
        elif absent:
            found[au] = f"occurs in {len(people)} subjects: the test of fold {' and '.join(absent)} has none of it"
        elif positive[au] < FEW_FRAMES:
            found[au] = f"occurs in {positive[au]} frames only"
        elif positive[au] == labelled[au]:
            found[au] = "is never absent"
    return found
