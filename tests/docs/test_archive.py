"""The page on archives: its descriptions of clusters are whole, and its programs read results."""

import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "archive.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CLUSTERS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with results of two videos, of which one smiles."""
    monkeypatch.chdir(tmp_path)
    os.makedirs("results/tables")
    for name, smile in (("calm", False), ("glad", True)):
        rows = {"id": [name] * 3, "success": [True] * 3, "AU12_c": [smile] * 3}
        pq.write_table(pa.table(rows), f"results/tables/{name}.parquet")
    return tmp_path


@pytest.mark.parametrize("library", ["pandas", "duckdb"])
def test_results_are_read(folder, capsys, library):
    pytest.importorskip(library)
    (program,) = [program for program in PROGRAMS if f"import {library}\n" in program]
    exec(compile(program, library, "exec"), {})
    printed = capsys.readouterr().out
    assert re.search(r"calm\W+(0\.0|False)", printed)
    assert re.search(r"glad\W+(1\.0|True)", printed)


def test_programs_are_valid():
    assert len(PROGRAMS) == 3
    for program in PROGRAMS:
        compile(program, "page", "exec")


def test_every_part_of_the_collection_is_labelled():
    job, ray = CLUSTERS
    (arguments,) = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"$((JOB_COMPLETION_INDEX+1))/{job['spec']['completions']}" in arguments
    assert "--ray auto" in ray["spec"]["entrypoint"]
    array, parts = re.search(r"--array=0-(\d+) .*?TASK_ID\+1\)\)/(\d+)'", PAGE, re.DOTALL).groups()
    assert int(array) + 1 == int(parts)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)|--bench (\S+)", PAGE))))
def test_files_that_are_named_exist(link):
    relative, given = link
    assert (ROOT / "docs" / relative).exists() if relative else (ROOT / given).exists()
