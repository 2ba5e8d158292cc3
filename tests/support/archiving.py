"""Tasks of an archive, and what has become of them."""

import os
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from mdhr_runtime.archive.folders import inspect, open_folder
from mdhr_runtime.archive.labelling import LabelSettings, bundle_digest
from mdhr_runtime.archive.records import ArchiveVideo, Problem, Record, Results, Task, fit_key


class Telling(LabelSettings):
    """Settings that let a test know which GPU the worker has that reads them."""

    def __getattribute__(self, name):
        if name == "digest" and (gpu := os.environ.get("CUDA_VISIBLE_DEVICES")):
            Path(self.temp, f"gpu {gpu}").touch()
        return super().__getattribute__(name)


def settings_of(bundle, results, **others) -> LabelSettings:
    """Settings for one thread on the CPU, whatever the machine has."""
    return LabelSettings(str(bundle), bundle_digest(str(bundle)), str(results), provider="cpu", threads=1, **others)


def task_of(settings, path, name, **video) -> Task:
    one = ArchiveVideo(name, str(path), **video)
    state = inspect(str(path))
    return Task(one, state, fit_key(one, state, settings.digest, settings.options))


def give_up(settings):
    """What writes the record of a video that killed its worker twice."""
    results = Results(open_folder(settings.results))

    def write(task, why):
        problem = Problem(f"{task.video.id} killed its worker twice.", why, "Look at it.")
        size, version = task.input
        record = Record(
            task.video.id, "", task.key, "failed", size, version, settings.digest, settings.options, problem=problem,
            tries=2,
        )  # fmt: skip
        results.commit(task.video.name, record)
        return record

    return write


def records_of(settings) -> dict[str, Record]:
    """All records, by id. Each has its table, whole, and no other file lies among the results."""
    results = Results(open_folder(settings.results))
    found = {}
    for name, standings in results.standings().items():
        (standing,) = standings
        record = results.read(name, standing)
        found[record.id] = record
        path = Path(settings.results, "tables", f"{name}.parquet")
        assert path.exists() == (record.table is not None)
        assert record.table is None or pq.read_table(path).num_rows == record.rows
    return found


def assert_same_table(one, other, name):
    """Tables of two results are the same. What the model had at once, and so the last digit, may differ."""
    tables = [pq.read_table(Path(each.results, "tables", f"{name}.parquet")).to_pandas() for each in (one, other)]
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-6)


def until(holds, seconds=60.0):
    """Wait for a condition; returns what it gives."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.02)
    return found
