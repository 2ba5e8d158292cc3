import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from rows import AUS, CONTEXT, ENVIRONMENT, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.tables import Table
from mdhr_runtime.sinks.csv_file import columns
from mdhr_runtime.sinks.parquet import ParquetFile

parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'parquet'")


def test_the_columns_of_the_csv_file_with_types(tmp_path):
    path = tmp_path / "au.parquet"
    with ParquetFile(path, CONTEXT) as file:
        file.write(result(row(1, (0.123456, 0.5)), row(1, face_id=4, final=False)))
        file.write(result(nobody(2)))
    assert file.summary == f"3 rows: {path}"
    table = parquet.read_table(path)
    assert table.column_names == [column.name for column in columns(AUS)]
    one, two, three = table.to_pylist()
    assert one["AU01_p"] == np.float32(0.123456)
    assert (one["AU01_c"], one["AU12_c"], one["w"], one["final"]) == (False, True, 100.0, True)
    assert (two["face_id"], two["final"]) == (4, False)
    assert [name for name, value in three.items() if value is None] == ["face_id", *table.column_names[5:-2]]
    assert not three["success"]


def test_its_name_may_have_any_bytes(tmp_path):
    path = tmp_path / os.fsdecode(b"M\xfcller.parquet")
    for _ in range(2):
        with ParquetFile(path, CONTEXT) as file:
            file.write(result(row(1)))
    assert [seen.frame for seen in Table(path)] == [1]


def test_rows_go_out_in_groups(tmp_path):
    with ParquetFile(tmp_path / "au.parquet", CONTEXT, group_rows=10) as file:
        for number in range(1, 26):
            file.write(result(row(number)))
    metadata = parquet.read_metadata(tmp_path / "au.parquet")
    assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [10, 10, 5]
    assert parquet.read_table(tmp_path / "au.parquet")["frame"].to_pylist() == list(range(1, 26))


def test_a_run_without_a_row_is_a_table_without_a_row(tmp_path):
    with ParquetFile(tmp_path / "au.parquet", CONTEXT):
        pass
    assert parquet.read_table(tmp_path / "au.parquet").num_rows == 0


def test_a_run_that_fails_keeps_its_rows(tmp_path):
    file = ParquetFile(tmp_path / "au.parquet", CONTEXT)

    def interrupted_run():
        with file:
            file.write(result(row(1)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_run()
    file.close()
    assert parquet.read_table(tmp_path / "au.parquet").num_rows == 1


def test_an_older_table_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "au.parquet"
    for count in (1, 2):
        with ParquetFile(path, CONTEXT) as file:
            for number in range(count):
                file.write(result(row(number + 1)))
            assert path.exists() == (count == 2)
            assert not path.exists() or parquet.read_table(path).num_rows == 1
    assert parquet.read_table(path).num_rows == 2
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_not_overwritten(tmp_path):
    import pyarrow

    path = tmp_path / "mine.parquet"
    path.write_bytes(b"text")
    with pytest.raises(OutputError, match="not overwritten"):
        ParquetFile(path, CONTEXT)
    parquet.write_table(pyarrow.table({"mine": [1]}), path)
    with pytest.raises(OutputError, match="not overwritten"):
        ParquetFile(path, CONTEXT)
    with ParquetFile(tmp_path / "au.parquet", CONTEXT) as file:
        file.write(result(row(1)))
    ours = parquet.read_table(tmp_path / "au.parquet")
    for other in (ours.append_column("mood", [["good"]]), ours.replace_schema_metadata(), ours.drop_columns("y")):
        parquet.write_table(other, path)
        with pytest.raises(OutputError, match="not overwritten"):
            ParquetFile(path, CONTEXT)
    data = (tmp_path / "au.parquet").read_bytes()
    for damaged in (data[:-1], data[:-60] + b"\xff" * 40 + data[-20:], b"PAR1" + data[-8:]):
        path.write_bytes(damaged)
        with pytest.raises(OutputError, match="not overwritten"):
            ParquetFile(path, CONTEXT)
    with pytest.raises(OutputError, match="cannot be written"):
        ParquetFile(tmp_path / "none" / "au.parquet", CONTEXT)


def test_a_full_disk_leaves_no_broken_table(tmp_path):
    code = f"""
import resource, signal
from rows import CONTEXT, result, row
from mdhr_runtime.sinks.parquet import ParquetFile
file = ParquetFile({str(tmp_path / "au.parquet")!r}, CONTEXT, group_rows=20)  # imports PyArrow
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, {resource.RLIM_INFINITY}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with file:
    for number in range(1, 5000):
        file.write(result(row(number)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 1
    assert "mdhr_runtime.errors.OutputError" in done.stderr
    assert "too large" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_stopped_run_leaves(tmp_path, number):
    code = f"""
import itertools, signal, sys, time
from rows import CONTEXT, result, row
from mdhr_runtime.sinks.parquet import ParquetFile
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
with ParquetFile({str(tmp_path / "au.parquet")!r}, CONTEXT, group_rows=10) as file:
    for number in itertools.count(1):
        file.write(result(row(number)))
        if number == 55:
            print("ready", flush=True)
        time.sleep(0.001)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(number)
        process.wait(timeout=60)
    finally:
        process.kill()
        process.communicate()
    left = [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"]
    if number == signal.SIGKILL:
        assert left == ["au.mdhr-partial.parquet"]
    else:
        assert left == ["au.parquet"]
        frames = parquet.read_table(tmp_path / "au.parquet")["frame"].to_pylist()
        assert len(frames) >= 55
        assert frames == list(range(1, len(frames) + 1))
