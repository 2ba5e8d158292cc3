"""The engines of a bundle: built, verified where there is a GPU, and put on record."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from mdhr_runtime.backends.tensorrt.backend import ENGINE_GRAPHS, EngineSet, TensorRtBackend
from mdhr_runtime.backends.tensorrt.installed import RTX_CAPABILITIES, RTX_CAPABILITIES_FROM, Flavor, Gpu, find_gpu
from mdhr_runtime.bundle import (
    ENGINE_FILES,
    ENGINES,
    PORTABLE,
    Bundle,
    EngineRecord,
    Manifest,
    ParityRecord,
    open_bundle,
    read_manifest,
    write_manifest,
)
from mdhr_runtime.contract import CLIP
from mdhr_runtime.errors import ExportError
from mdhr_runtime.files import told
from mdhr_runtime.streaming.parity import TOLERANCES, Reference, compare_clip
from mdhr_runtime.targets import Claim

from .. import MAX_BATCH, MAX_FRAMES, Step
from ..verify import check_parity, find_reference
from .builder import NEEDS_NO_GPU, BuildSettings, Built, build_engine, choose_builder, is_timing_cache
from .shapes import profiles_of

PORTABLE_CAPABILITY = f"{', '.join(RTX_CAPABILITIES)}, {RTX_CAPABILITIES_FROM}+"
"""GPUs that a TensorRT-RTX engine serves."""


@dataclass(frozen=True)
class EngineOptions:
    """Choices for a bundle's engines.

    Attributes:
        flavor: "tensorrt", "tensorrt_rtx", or "auto".
        max_batch: Streams at once.
        max_frames: Frames of a stream at once.
        settings: Settings of the build.
        verify: Whether to compare the engines with PyTorch's labels, where there is a GPU.
        verify_data: A video to verify on; by default the clip that the bundle carries.
        overwrite: Whether a file that is no timing cache of ours is replaced by one.
    """

    flavor: str = "auto"
    max_batch: int = MAX_BATCH
    max_frames: int = MAX_FRAMES
    settings: BuildSettings = field(default_factory=BuildSettings)
    verify: bool = True
    verify_data: Path | None = None
    overwrite: bool = False


def build_engines(path: Path, options: EngineOptions, step: Step, reference: Reference | None = None) -> Manifest:
    """Build the engines of a bundle into it.

    Engines for this machine that the bundle had are replaced when the new ones are complete and verified; those for
    other machines stay. On any error the bundle is as before.

    Args:
        path: The bundle's folder.
        options: The choices.
        step: Announces every step.
        reference: The clip to verify on, with its labels, if the caller has them.

    Returns:
        The manifest that was written.

    Raises:
        BundleError: The bundle is missing, damaged, altered or too new.
        ProviderError: TensorRT is not installed or too old, or the GPU fails.
        ExportError: The engines cannot be built or written, or differ by more than the tolerance.
        OutputError: The bundle or the timing cache may not be written; see `Claim`.
    """
    read_manifest(path)  # or there is nothing to claim
    gpu = find_gpu()
    flavor = choose_builder(options.flavor, gpu)
    fix = (
        "Choose a place that can be written and has room (about 250 MB for ResNet-50 in float16). "
        "The bundle is as before."
    )
    with ExitStack() as stack:
        stack.enter_context(Claim(path, lambda _: True))
        bundle = open_bundle(path)
        if cache := options.settings.timing_cache:
            stack.enter_context(Claim(cache, is_timing_cache, inputs=[path], overwrite=options.overwrite))
        stack.enter_context(told(f"The engines of {path}", ExportError, fix))
        (path / ENGINES).mkdir(exist_ok=True)
        try:
            built = _build_all(bundle, flavor, gpu, options)
            parity = _verify(bundle, flavor, gpu, built, options, step, reference)
            manifest = _with_engines(bundle.manifest, list(built.values()), parity)
            with step("write the manifest"):
                return write_manifest(path, manifest, manifest.files)
        finally:
            _sweep(path)


def _build_all(bundle: Bundle, flavor: Flavor, gpu: Gpu | None, options: EngineOptions) -> dict[str, EngineRecord]:
    names = [name for name in (*ENGINE_GRAPHS, CLIP) if name in bundle.manifest.graphs]
    # All profiles first: sizes that cannot be built should fail before minutes of building.
    profiles = {name: profiles_of(name, bundle.manifest, options.max_batch, options.max_frames) for name in names}
    records = {}
    for name in names:
        built = build_engine(bundle.graph_path(name), flavor, profiles[name], options.settings)
        record = _describe(bundle, name, built, flavor, gpu)
        records[name] = replace(record, profiles=profiles[name])
        _write(bundle.path / record.file, built.data)
    return records


def _describe(bundle: Bundle, name: str, built: Built, flavor: Flavor, gpu: Gpu | None) -> EngineRecord:
    manifest = bundle.manifest
    digest = hashlib.sha256(built.data).hexdigest()
    target = gpu if gpu is not None and flavor.name != NEEDS_NO_GPU else Gpu(PORTABLE, PORTABLE_CAPABILITY, 0)
    suffix = re.sub(r"[^a-z0-9]+", "-", target.name.lower()).strip("-")
    if target.name != PORTABLE:
        suffix += "-sm" + target.compute_capability
    return EngineRecord(
        graph=name,
        # The hash keeps a new engine from taking the place of one that the manifest still names.
        file=f"{ENGINES}/{name}.{flavor.name}-{flavor.version}.{suffix}.{manifest.precision}.{digest[:8]}.engine",
        flavor=flavor.name,
        version=flavor.version,
        gpu=target.name,
        compute_capability=target.compute_capability,
        multiprocessors=target.multiprocessors,
        precision=manifest.precision,
        layers=built.layers,
        profiles=(),
        size=len(built.data),
        build_seconds=round(built.seconds, 1),
        onnx_sha256=manifest.files[manifest.graphs[name].file],
        sha256=digest,
    )


def _write(path: Path, data: bytes) -> None:
    """Write an engine; it is not read before the manifest names it."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _verify(
    bundle: Bundle,
    flavor: Flavor,
    gpu: Gpu | None,
    built: dict[str, EngineRecord],
    options: EngineOptions,
    step: Step,
    reference: Reference | None,
) -> list[ParityRecord]:
    """Compare the engines with the right labels, if they run here."""
    if not options.verify or gpu is None or not flavor.supports(gpu):
        return []
    reference = reference or find_reference(bundle, options.verify_data)
    with step(f"verify on {len(reference.frames)} frames against {reference.source}"):
        load = TensorRtBackend(bundle, EngineSet(flavor, gpu, built)).load
        records = compare_clip(str(flavor), load, bundle.manifest, reference.frames, reference.labels)
    check_parity(records, TOLERANCES[bundle.manifest.precision])
    return records


def _with_engines(manifest: Manifest, built: Sequence[EngineRecord], parity: Sequence[ParityRecord]) -> Manifest:
    def target(record: EngineRecord) -> tuple[object, ...]:
        gpu = () if record.gpu == PORTABLE else (record.compute_capability, record.multiprocessors)
        return record.flavor, record.version, record.gpu, *gpu

    kept = [record for record in manifest.engines if target(record) != target(built[0])]
    forms = {record.form for record in parity}
    old = [record for record in manifest.parity if record.form not in forms]
    return replace(manifest, engines=(*kept, *built), parity=(*old, *parity))


def _sweep(path: Path) -> None:
    """Remove engines that the manifest does not name: replaced ones, and those of a build that failed."""
    named = {record.file for record in read_manifest(path).engines}
    for file in (path / ENGINES).glob(ENGINE_FILES):
        if f"{ENGINES}/{file.name}" not in named:
            file.unlink()
    if not any((path / ENGINES).iterdir()):
        (path / ENGINES).rmdir()
