"""Videos as rows of Ray Data, for those who have a pipeline of their own. See `archive` for whole collections.

videos = ray.data.read_parquet("videos.parquet")  # columns path and, if wanted, id, start, end and others
faces = videos.map_batches(
    LabelVideo, fn_constructor_kwargs={"bundle": "best.mdhr"}, batch_size=1, num_gpus=1, concurrency=(1, 8)
)
faces.write_parquet("faces")
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .addresses import redacted
from .archive.folders import inspect
from .archive.labelling import TABLE, Labeller, LabelSettings, bundle_digest
from .archive.records import ArchiveVideo, Problem, Task
from .bundle import read_manifest
from .errors import DataError
from .extras import extra
from .sinks.columns import columns
from .sinks.parquet import schema

CONSUMED = ("path", "id", "start", "end")
"""Columns that say what a video is. All others are carried along."""


class LabelVideo:
    """Turns rows that tell of videos into the rows of their tables; for `ray.data.Dataset.map_batches`.

    The rows are those of `mdhr-run --out`, with `id`, the further columns of the video, and `error`. That is null, but
    in one row at the end of a video that cannot be read or breaks off, where it says why.

    Args:
        bundle: The bundle's folder, under the same path on every machine.
        options: Others of `LabelSettings`: `faces`, `every`, `landmarks`, `precision` … An actor computes with as many
            threads as it has CPUs.

    Raises:
        MdhrError: The bundle cannot be opened, or its provider does not start.
    """

    def __init__(self, bundle: str, **options: Any) -> None:
        options = {"threads": int(os.environ.get("OMP_NUM_THREADS") or 1), **options}  # which Ray sets
        settings = LabelSettings(bundle, bundle_digest(bundle), ".", **options)
        self._arrow, self._parquet = extra("parquet", "pyarrow"), extra("parquet", "pyarrow.parquet")
        self._labeller, self._temp = Labeller(settings), settings.temp
        own = schema(self._arrow, columns(read_manifest(bundle).layout.au_names, settings.landmarks), {})
        self._schema = own.append(self._arrow.field("id", self._arrow.string()))

    def __call__(self, batch: Any) -> Iterator[Any]:
        """Label the videos of a batch.

        Args:
            batch: Its columns by name, as NumPy arrays, a table of Arrow, or a data frame.

        Yields:
            Tables of Arrow.

        Raises:
            DataError: It has no column `path`, or one that is called as one of ours.
            OutputError: The folder for temporary files cannot be written.
        """
        names = batch.column_names if isinstance(batch, self._arrow.Table) else list(batch)
        clash = sorted({*self._schema.names, "error"}.intersection(names) - {"id"})
        if clash or "path" not in names:
            raise DataError(
                "The videos' columns cannot be used.",
                f"A result has a column {clash[0]}, too." if clash else "There is no column path.",
                "Rename the columns in the pipeline.",
            )
        videos = self._arrow.table({name: self._arrow.array(batch[name]) for name in names})
        for number, row in enumerate(videos.to_pylist()):
            carried = videos.slice(number, 1).drop_columns([name for name in CONSUMED if name in names])
            start, end = (_seconds(row.get(name), default) for name, default in (("start", 0.0), ("end", math.inf)))
            for table, error in self._tables(ArchiveVideo(str(row.get("id") or row["path"]), row["path"], start, end)):
                further = carried.append_column("error", self._arrow.array([error], self._arrow.string()))
                for name, cell in zip(further.column_names, further.columns, strict=True):
                    table = table.append_column(name, self._arrow.repeat(cell[0], len(table)))
                yield table

    def _tables(self, video: ArchiveVideo) -> Iterator[tuple[Any, str | None]]:
        """The tables of a video. If it is not whole, the last is of one row, and comes with the reason."""
        with tempfile.TemporaryDirectory(dir=self._temp) as folder:
            try:
                record = self._labeller.produce(Task(video, inspect(video.address), ""), Path(folder))
            except DataError as error:
                problem: Problem | None = Problem.of(error)
            else:
                problem = record.problem
            if Path(folder, TABLE).exists():
                with self._parquet.ParquetFile(Path(folder, TABLE)) as file:
                    for batch in file.iter_batches():
                        yield self._arrow.Table.from_batches([batch]).replace_schema_metadata(None), None
        if problem is not None:
            known = {"id": video.id, "source": redacted(video.address)}
            yield self._arrow.Table.from_pylist([known], self._schema), f"{problem.what} {problem.why} {problem.fix}"


def _seconds(value: float | None, default: float) -> float:
    return default if value is None or math.isnan(value) else value
