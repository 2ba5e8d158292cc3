"""What runs a bundle on this machine: the fastest of what computes it rightly here.

On GPUs that is the first provider of the table that starts. On CPUs it depends on the processor, and some processors
compute some operations wrongly without a word. There the clip that the bundle carries is labelled with every candidate,
once per machine and bundle: one that differs from PyTorch's labels by more than an export may is not used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

import numpy as np

from ..backends import Backend
from ..backends.base import PRECISIONS
from ..backends.table import AUTO, PROVIDERS, open_backend, precisions
from ..bundle import MANIFEST, Bundle, file_hash
from ..contract import ENCODER, TEMPORAL
from ..errors import MdhrError, OutputError, ProviderError
from ..files import write_text
from ..records import RecordError, read_json
from ..threads import ROOT, read_text, thread_count
from .parity import TOLERANCES, Reference, bundled_reference, compare, exceeds, excess, label_stream

CUTS = (8, *range(16, 24))
"""Where the clip is cut into parts: of eight frames, as those of files come, and of one, as those of cameras."""

ROUNDS, ENOUGH = 3, 1.0
"""Times that the clip is labelled at most, and seconds after which no further round begins. The least time counts: what
else runs on the machine only adds to it."""

NO_SLOWER = 1.05
"""Ratio to the least time that may be chance: of two such candidates the more exact is taken."""

PROCESSOR = re.compile(r"^(?:model name|flags|CPU part|Features)\s*: .*$", re.MULTILINE)
"""Lines of /proc/cpuinfo that say what a processor computes with."""

VERSIONED = ("mdhr-edge", "onnxruntime", "onnxruntime-gpu", "openvino")


@dataclass(frozen=True)
class Trial:
    """What came of a provider and precision on this machine.

    Attributes:
        provider: The provider.
        precision: The precision.
        milliseconds: Of one frame of a stream: the mean of those that come by eight and one by one.
        refusal: Why it may not be used; empty if it may.
    """

    provider: str
    precision: str
    milliseconds: float = 0.0
    refusal: str = ""

    def __str__(self) -> str:
        result = f"not used, {self.refusal}" if self.refusal else f"{self.milliseconds:.1f} ms a frame"
        return f"{self.provider} {self.precision}: {result}"


def choose_backend(
    bundle: Bundle,
    provider: str = AUTO,
    threads: int | None = None,
    precision: str | None = None,
    on_trial: Callable[[str], None] = lambda what: None,
) -> Backend:
    """Open what runs a bundle's graphs.

    Args:
        bundle: The bundle.
        provider: One of `PROVIDERS`, or "auto": the bundle's TensorRT engines if they were built for this machine, else
            CUDA in ONNX Runtime, else the fastest on the CPU. A provider that is named is used, or it is an error.
        threads: As for `open_backend`.
        precision: One of `PRECISIONS`; "auto" for the fastest that is right here; None for the provider's default: the
            bundle's own, and float32 in OpenVINO.
        on_trial: Called with what is tried, which takes some seconds at the first start with a bundle.

    Raises:
        ConfigError: `threads` or MDHR_THREADS is no number of threads.
        ProviderError: There is no such provider or precision; it is not installed or cannot start; or it computes the
            bundle wrongly here.
        BundleError: The clip that the bundle carries is damaged.
    """
    _check_known(provider, "provider", PROVIDERS)
    _check_known(precision or AUTO, "precision", PRECISIONS)
    threads = thread_count(threads)
    if provider != AUTO and (provider == "cpu" or PROVIDERS[provider].on_gpu):  # nothing to choose, nor in doubt
        return open_backend(bundle, provider, threads, precision)
    why = "as asked for"
    if provider == AUTO:
        why = "the bundle has no TensorRT engines"
        for row in PROVIDERS.values():
            if not row.on_gpu or row.if_asked_for or (row.needs_engines and not bundle.manifest.engines):
                continue
            try:
                return open_backend(bundle, row.name, threads, precision, why)
            except ProviderError as error:
                if row.needs_engines:
                    why = f"no engine can be used: {error.why}"
    rows = [row.name for row in PROVIDERS.values() if not row.on_gpu] if provider == AUTO else [provider]
    return _choose_on_cpu(bundle, rows, threads, precision, why, on_trial)


def _check_known(name: str, what: str, known: Collection[str]) -> None:
    if name not in (AUTO, *known):
        raise ProviderError(
            f"There is no {what} {name!r}.",
            f"Known are {', '.join((AUTO, *known))}.",
            f"Choose one of them; {AUTO} takes the fastest that is there.",
        )


def _choose_on_cpu(
    bundle: Bundle,
    providers: Sequence[str],
    threads: int,
    precision: str | None,
    why: str,
    on_trial: Callable[[str], None],
) -> Backend:
    """Open the fastest of some providers of the CPU that is right, as far as there is a choice or a doubt."""
    memory = _memory(bundle, providers, threads, precision)
    trials, forgotten = _remembered(memory, providers), ""
    if not trials:
        candidates = _candidates(bundle, providers, precision)
        first, exact = candidates[0]
        if len(candidates) == 1 and first == "cpu":  # which the export has verified
            return open_backend(bundle, first, threads, exact, why)
        reference = bundled_reference(bundle)
        if reference is None:
            return open_backend(bundle, first, threads, exact, f"{why}; not tried, as the bundle carries no clip")
        with _in_turn(memory):
            trials = _remembered(memory, providers)  # of a process that was first
            if not trials:
                for name, chosen in candidates:
                    on_trial(f"{name} {chosen}")
                    trials.append(_try(bundle, name, threads, chosen, reference))
                forgotten = _remember(memory, trials)
    right = [trial for trial in trials if not trial.refusal]
    told = "; ".join(map(str, trials))
    if not right:
        raise ProviderError(
            "The bundle is not computed here as it should be.",
            f"{told}.",
            "Choose another --precision or --provider; cpu, with no --precision, is what the export verified.",
        )
    least = min(trial.milliseconds for trial in right)
    best = next(trial for trial in right if trial.milliseconds <= NO_SLOWER * least)
    return open_backend(bundle, best.provider, threads, best.precision, f"{why}; tried here: {told}{forgotten}")


def _candidates(bundle: Bundle, providers: Sequence[str], precision: str | None) -> list[tuple[str, str]]:
    """Providers and precisions that fit what is asked for, the more exact first.

    Raises:
        ProviderError: There are none.
    """
    found: list[tuple[str, str]] = []
    refusals: list[ProviderError] = []
    for name in providers:
        try:
            found += [(name, each) for each in precisions(bundle, name, precision)]
        except ProviderError as error:
            refusals.append(error)
    if not found:
        raise refusals[-1]
    return sorted(found, key=lambda candidate: PRECISIONS.index(candidate[1]))


def _try(bundle: Bundle, provider: str, threads: int, precision: str, reference: Reference) -> Trial:
    """Label the clip, and take the time."""
    manifest, frames = bundle.manifest, reference.frames
    cuts = [cut for cut in CUTS if cut < len(frames)]
    try:
        load = open_backend(bundle, provider, threads, precision).load
        encoder, temporal = load(ENCODER), load(TEMPORAL)
        rounds: list[list[float]] = []
        begun = perf_counter()
        while not rounds or (len(rounds) < ROUNDS and perf_counter() - begun < ENOUGH):
            labels, seconds = label_stream(encoder, temporal, manifest, frames, cuts)
            rounds.append(seconds)
    except MdhrError as error:
        return Trial(provider, precision, refusal=f"{error.what} {error.why}".rstrip("."))
    record = compare("a stream", reference.labels, labels, manifest.lookahead - manifest.radius)
    exact = manifest.precision == precision == "float32"
    tolerance = TOLERANCES["float32" if exact else "float16"]
    sizes = np.diff([0, *cuts, len(frames)])
    least = np.min(rounds, axis=0) / sizes
    milliseconds = 1e3 * float(np.mean([least[sizes == size].min() for size in set(sizes)]))
    return Trial(provider, precision, milliseconds, excess(record, tolerance) if exceeds(record, tolerance) else "")


def _memory(bundle: Bundle, providers: Sequence[str], threads: int, precision: str | None) -> Path:
    """File that remembers trials of a bundle on this machine, with what is installed now."""
    processor = sorted(set(PROCESSOR.findall(read_text(ROOT / "proc/cpuinfo") or "")))
    conditions = [
        file_hash(bundle.path / MANIFEST),
        providers,
        threads,
        precision,
        platform.machine(),
        processor,
        [_installed(name) for name in VERSIONED],
    ]
    name = hashlib.sha256(json.dumps(conditions).encode()).hexdigest()
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(folder, "mdhr-edge", "trials", f"{name}.json")


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


@contextmanager
def _in_turn(path: Path) -> Iterator[None]:
    """Let one process at a time try what a file is to remember: side by side, all would be slow and all do the same.

    Where there can be no lock, nothing is remembered either.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            if path.is_absolute():
                path.parent.mkdir(parents=True, exist_ok=True)
                fcntl.flock(stack.enter_context(path.with_suffix(".lock").open("w")), fcntl.LOCK_EX)
        yield


def _remembered(path: Path, providers: Collection[str]) -> list[Trial]:
    """Trials of some providers from a file; none if it cannot be read, whatever the reason: then they are made anew."""
    try:
        trials: list[Trial] = read_json(path, list[Trial])
    except RecordError:
        return []
    known = all(trial.provider in providers and trial.precision in PRECISIONS for trial in trials)
    return trials if known else []


def _remember(path: Path, trials: Sequence[Trial]) -> str:
    """Write trials to a file; returns what to add to the reason if it cannot be."""
    if not path.is_absolute():  # of a user without a home; the XDG Base Directory Specification passes over such, too
        return "; not remembered, as there is no folder for it: set XDG_CACHE_HOME"
    try:
        write_text(path, json.dumps([asdict(trial) for trial in trials]))
    except OutputError as error:
        return f"; not remembered, as {error.what} {error.why}".rstrip(".")
    return ""
