"""Results of an archive without a model: small tables, and the records that tell of them."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mdhr_runtime.archive.folders import open_folder
from mdhr_runtime.archive.outstanding import outstanding
from mdhr_runtime.archive.records import SUMMARIES, TABLES, Problem, Record, Results

BUNDLE, OPTIONS = "b" * 64, "o" * 16


def plan(collection, results, **settings):
    """What a driver does at first."""
    found = outstanding(
        collection, results, settings.pop("bundle", BUNDLE), settings.pop("options", OPTIONS), **settings
    )
    results.write_plan(found.plan)
    return found


def results_in(folder):
    return Results(open_folder(str(folder)))


def finish(
    results, task, scratch, status="done", rows=3, score="AU01", ended=1000.0, frames=100, problem=None, why="w"
):
    """What a worker does with a task: rows, unless it failed, and the record."""
    name = task.video.name
    results.withdraw(name, task.superseded)
    digest = None
    if status != "failed":
        digest = put_table(results, name, scratch, [task.video.id] * rows, score, dict(task.video.columns))
    known = {"done": None}.get(status, Problem(problem or f"{task.video.address} cannot be read.", why, "fix"))
    results.commit(
        name,
        Record(
            task.video.id,
            task.video.address,
            task.key,
            status,
            task.input.size,
            task.input.version,
            BUNDLE,
            OPTIONS,
            frames=frames,
            rows=rows,
            media_seconds=frames / 25,
            ended=ended,
            table=digest,
            problem=known,
        ),
    )


def put_table(results, name, scratch, ids, score="AU01", columns=None):
    """Write a table and a summary of a video; give the table's hash."""
    scratch.mkdir(exist_ok=True)
    cells = {"id": ids, f"{score}_p": pa.array([0.5] * len(ids), pa.float32())}
    cells |= {key: [value] * len(ids) for key, value in (columns or {}).items()}
    for kind, table in (
        (TABLES, pa.table(cells)),
        (SUMMARIES, pa.table({"id": ids[:1], "AU": [score] * len(ids[:1])})),
    ):
        pq.write_table(table, scratch / kind)
        results.folder.put(scratch / kind, f"{kind}/{name}.parquet")
    return hashlib.sha256(Path(scratch / TABLES).read_bytes()).hexdigest()
