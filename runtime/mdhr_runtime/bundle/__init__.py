"""The bundle: a folder `NAME.mdhr` that holds all that the runtime needs."""

from .manifest import PORTABLE, SCHEMA, EngineRecord, GraphRecord, Manifest, ParityRecord, TensorRecord
from .storage import (
    ENGINE_FILES,
    ENGINES,
    EXPORT_AGAIN,
    MANIFEST,
    VERIFICATION,
    Bundle,
    file_hash,
    open_bundle,
    read_engine,
    read_manifest,
    write_manifest,
)

__all__ = [
    "ENGINES",
    "ENGINE_FILES",
    "EXPORT_AGAIN",
    "MANIFEST",
    "PORTABLE",
    "SCHEMA",
    "VERIFICATION",
    "Bundle",
    "EngineRecord",
    "GraphRecord",
    "Manifest",
    "ParityRecord",
    "TensorRecord",
    "file_hash",
    "open_bundle",
    "read_engine",
    "read_manifest",
    "write_manifest",
]
