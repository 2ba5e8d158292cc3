"""The bundle: a folder `NAME.mdhr` that holds all that the runtime needs."""

from .manifest import SCHEMA, GraphRecord, Manifest, ParityRecord, TensorRecord
from .storage import MANIFEST, Bundle, read_bundle, write_manifest

__all__ = [
    "MANIFEST",
    "SCHEMA",
    "Bundle",
    "GraphRecord",
    "Manifest",
    "ParityRecord",
    "TensorRecord",
    "read_bundle",
    "write_manifest",
]
