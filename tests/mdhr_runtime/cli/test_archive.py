"""The command that labels archives, with real processes. What the parts do alone is in tests/mdhr_runtime/archive."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from camera_server import wait_for
from click.testing import CliRunner
from encoded import write

from mdhr_runtime.archive.folders import Input, open_folder
from mdhr_runtime.archive.labelling import LabelSettings
from mdhr_runtime.archive.planning import size_of_results
from mdhr_runtime.archive.records import ArchiveVideo, Problem, Record, Results, Task, shard_of
from mdhr_runtime.archive.scheduling import Died, Finished, Frames
from mdhr_runtime.cli import archive
from mdhr_runtime.cli.archive import main
from mdhr_runtime.cli.run import main as run

BLANK = np.zeros((240, 240, 3), np.uint8)
ONE = ("--provider", "cpu", "--workers", 1, "--threads", 1)
NAMES = ("a.avi", "b.avi", "c.avi", "in/a.avi")


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def start(*arguments, **settings):
    """Start the program in a process of its own."""
    command = [sys.executable, "-m", "mdhr_runtime.cli.archive", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **settings)


def end(process):
    """Its exit status, and what it has printed."""
    try:
        output, _ = process.communicate(timeout=90)
    finally:
        process.kill()
    assert "Traceback" not in output
    return process.returncode, output


def records(folder):
    """The records by id. There is one per video."""
    results = Results(open_folder(str(folder)))
    found = [results.read(name, each) for name, standings in results.standings().items() for each in standings]
    assert len({record.id for record in found}) == len(found)
    return {record.id: record for record in found}


def tables(folder):
    """The tables by name."""
    return {path.name: pq.read_table(path) for path in (folder / "tables").glob("*.parquet")}


def count(folder):
    """Number of records that are there at the moment."""
    return len([*folder.glob("records/*.json")])


def children(process):
    """The worker processes of a driver."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def rows_of(text):
    """The cells of a table of two columns that is printed."""
    return dict(map(str.strip, line.rsplit("  ", maxsplit=1)) for line in text.splitlines()[2:] if line)


def alike(found, wanted):
    """Compare two tables score by score."""
    assert found.schema.equals(wanted.schema)
    for name, column in zip(wanted.column_names, wanted.columns, strict=True):
        if str(column.type) in ("float", "double"):
            np.testing.assert_allclose(found[name].to_numpy(), column.to_numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
        else:
            assert found[name].equals(column), name


@pytest.fixture(scope="session")
def videos(tmp_path_factory, swaying):
    """A folder with four videos of a second."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "in").mkdir()
    for shift, name in enumerate(NAMES):
        write(folder / name, [np.roll(image, 4 * shift, axis=1) for image in swaying], "mjpeg")
    return folder


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, tiny_bundle, videos):
    """Results of the four videos."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = invoke(tiny_bundle, videos, "--out", folder, "--provider", "cpu", "--workers", 2)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def check_whole(results, undisturbed):
    """Every video has one record, and its table is that of the undisturbed run."""
    found = records(results)
    assert sorted(found) == sorted(NAMES)
    assert {record.status for record in found.values()} == {"done"}
    wanted, got = tables(undisturbed), tables(results)
    assert sorted(got) == sorted(wanted)
    for name, table in got.items():
        alike(table, wanted[name])


@pytest.mark.slow
def test_tables_are_those_of_a_single_run(tiny_bundle, videos, undisturbed, tmp_path):
    check_whole(undisturbed, undisturbed)
    for name in NAMES:
        out = tmp_path / "one.parquet"
        done = CliRunner().invoke(
            run, [str(each) for each in (tiny_bundle, videos / name, "--out", out, "--provider", "cpu")]
        )
        assert done.exit_code == 0, done.output
        wanted = pq.read_table(out)
        found = pq.read_table(undisturbed / "tables" / f"{name.replace('/', '__')}.parquet")
        assert set(found["id"].to_pylist()) == {name}
        alike(found.select([each for each in wanted.column_names if each != "source"]), wanted.drop_columns("source"))
        assert set(found["source"].to_pylist()) == {str(videos / name)}


@pytest.mark.parametrize("inside", ["", "results", "link/results"])
def test_nothing_is_written_into_the_bundle(tiny_bundle, videos, tmp_path, inside):
    bundle = tmp_path / "mine.mdhr"
    shutil.copytree(tiny_bundle, bundle)
    (tmp_path / "link").symlink_to(bundle)
    out = tmp_path / inside if inside.startswith("link") else bundle / inside
    before = sorted(bundle.rglob("*"))
    done = invoke(bundle, videos, "--out", out)
    assert done.exit_code == 1
    assert "is what the results are made from" in done.output
    assert sorted(bundle.rglob("*")) == before


@pytest.mark.slow
def test_a_second_run_finds_all_done_and_starts_nobody(tiny_bundle, videos, undisturbed):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.*") if path.name != "plan.json"}
    done = invoke(tiny_bundle, videos, "--out", undisturbed, "--provider", "cpu")
    assert done.exit_code == 0
    assert "workers:" not in done.output
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_status_and_collect(undisturbed, tmp_path):
    told = invoke("status", undisturbed)
    assert told.exit_code == 0
    assert {"done": "4", "pending": "0"}.items() <= rows_of(told.output).items()
    table, summary = tmp_path / "all.parquet", tmp_path / "figures.parquet"
    done = invoke("collect", undisturbed, "--out", table, "--summary", summary)
    assert done.exit_code == 0, done.output
    assert f"96 rows: {table}\n" in done.output
    assert pq.read_table(table).num_rows == 4 * 24
    assert set(pq.read_table(summary)["id"].to_pylist()) == {*NAMES}
    assert invoke("collect", undisturbed).exit_code == 2


@pytest.mark.slow
def test_a_driver_that_is_killed_in_mid_video_is_gone_on_from(tiny_bundle, videos, undisturbed, results):
    driver = start(tiny_bundle, videos, "--out", results, *ONE)
    wait_for(lambda: count(results) or driver.poll() is not None, 60)
    (worker,) = children(driver)
    driver.kill()
    driver.communicate()
    wait_for(
        lambda: not Path(f"/proc/{worker}/cmdline").exists() or not Path(f"/proc/{worker}/cmdline").read_bytes(), 30
    )
    done = count(results)
    assert 1 <= done < 4
    again = invoke(tiny_bundle, videos, "--out", results, *ONE)
    assert again.exit_code == 0, again.output
    assert again.output.splitlines()[2].split() == ["4", str(done), "0", "0", "0", str(4 - done)]
    check_whole(results, undisturbed)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_one_retry(tiny_bundle, videos, undisturbed, results):
    driver = start(tiny_bundle, videos, "--out", results, *ONE)
    wait_for(lambda: count(results) or driver.poll() is not None, 60)
    os.kill(*children(driver), signal.SIGKILL)
    status, output = end(driver)
    assert status == 0, output
    assert "is tried again: its worker ended, SIGKILL" in output
    assert sorted(record.tries for record in records(results).values()) == [1, 1, 1, 2]
    check_whole(results, undisturbed)


@pytest.mark.slow
def test_two_drivers_at_once_do_double_work_at_worst(tiny_bundle, videos, undisturbed, results):
    drivers = [start(tiny_bundle, videos, "--out", results, *ONE) for _ in range(2)]
    for status, output in map(end, drivers):
        assert status == 0, output
    check_whole(results, undisturbed)


@pytest.mark.slow
def test_a_full_disk_ends_it_and_leaves_nothing_half_written(tiny_bundle, videos, undisturbed, results):
    full = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731 -- tables are larger
    status, output = end(start(tiny_bundle, videos, "--out", results, *ONE, preexec_fn=full))
    assert status == 1
    assert "cannot be written" in output
    assert "\n  fix: " in output
    assert count(results) == 0
    assert not tables(results)
    assert invoke(tiny_bundle, videos, "--out", results, *ONE).exit_code == 0
    check_whole(results, undisturbed)


@pytest.mark.slow
def test_a_folder_that_vanishes_ends_it(tiny_bundle, videos, results, tmp_path):
    driver = start(tiny_bundle, videos, "--out", results, *ONE)
    wait_for(lambda: count(results) or driver.poll() is not None, 60)
    results.rename(tmp_path / "elsewhere")
    results.write_text("a file in its place")
    status, output = end(driver)
    assert status == 1
    assert "cannot be written" in output
    assert 1 <= len(records(tmp_path / "elsewhere")) < 4


def test_a_folder_that_cannot_be_written_is_told_before_work(tiny_bundle, videos, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "results", "/proc/results"):
        done = invoke(tiny_bundle, videos, "--out", out)
        assert done.exit_code == 1
        assert "\n  fix: " in done.output
        assert "workers:" not in done.output


@pytest.mark.slow
def test_faulty_videos_are_recorded_and_passed_over(tiny_bundle, videos, results, tmp_path):
    faulty = tmp_path / "faulty"
    faulty.mkdir()
    whole = (videos / "a.avi").read_bytes()
    (faulty / "cut.avi").write_bytes(whole[: len(whole) // 2])
    (faulty / "empty.mp4").write_bytes(b"")
    write(faulty / "faceless.avi", [BLANK] * 4, "mjpeg")
    (faulty / "gone.mp4").symlink_to("nowhere")
    done = invoke(tiny_bundle, faulty, "--out", results, *ONE)
    assert done.exit_code == 1
    assert "empty.mp4: " in done.output
    found = records(results)
    assert {name: record.status for name, record in found.items()} == {
        "cut.avi": "broken", "empty.mp4": "failed", "faceless.avi": "done", "gone.mp4": "failed",
    }  # fmt: skip
    assert sorted(tables(results)) == ["cut.avi.parquet", "faceless.avi.parquet"]
    assert 5 < found["cut.avi"].rows < 24
    assert not any(tables(results)["faceless.avi.parquet"]["success"].to_pylist())
    told = invoke("status", results).output
    assert "It is an empty file." in told
    again = invoke(tiny_bundle, faulty, "--out", results, *ONE)
    assert again.exit_code == 1
    assert again.output.splitlines()[2].split() == ["4", "1", "3", "0", "0", "0"]
    (faulty / "gone.mp4").unlink()
    shutil.copy(videos / "a.avi", faulty / "gone.mp4")
    retried = invoke(tiny_bundle, faulty, "--out", results, *ONE, "--retry-failed")
    assert retried.output.splitlines()[2].split() == ["4", "1", "0", "1", "0", "3"]
    assert records(results)["gone.mp4"].status == "done"


@pytest.mark.slow
def test_what_changes_results_has_them_done_again(tiny_bundle, videos, undisturbed, results):
    shutil.copytree(undisturbed, results)
    command = (tiny_bundle, videos, "--out", results, "--min-face", "60", *ONE)
    nobody = next(k for k in range(8) if k not in {shard_of(ArchiveVideo(name, ""), 8) for name in NAMES})
    done = invoke(*command, "--shard", f"{nobody + 1}/8")  # only says what is wanted from now on
    assert done.output.splitlines()[2].split() == ["0"] * 6
    told = invoke("status", results).output
    assert {"pending": "4", "pending, with an older result": "4"}.items() <= rows_of(told).items()
    done = invoke(*command)
    assert done.output.splitlines()[2].split() == ["4", "0", "0", "4", "0", "4"]
    assert done.exit_code == 0, done.output
    assert {*records(results)} == {*NAMES}
    assert {each.key for each in records(results).values()}.isdisjoint(
        each.key for each in records(undisturbed).values()
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_driver_leaves_whole_results(tiny_bundle, videos, undisturbed, results, number):
    driver = start(tiny_bundle, videos, "--out", results, *ONE)
    wait_for(lambda: count(results) or driver.poll() is not None, 60)
    (worker,) = children(driver)
    driver.send_signal(number)
    status, output = end(driver)
    assert status == 128 + number, output
    assert ("Ctrl-C once more ends at once" in output) == (number == signal.SIGINT)
    assert "\nstopped\n" in output
    assert "hours of video" in output
    assert not Path(f"/proc/{worker}").exists()
    assert 1 <= count(results) < 4
    found = tables(results)
    assert {f"{name.replace('/', '__')}.parquet" for name in records(results)} <= {*found}
    for name, table in found.items():
        alike(table, pq.read_table(undisturbed / "tables" / name))


@pytest.mark.slow
def test_a_second_interrupt_does_not_wait_for_the_videos_at_work(tiny_bundle, videos, swaying, results, tmp_path):
    long = write(tmp_path / "long.avi", swaying * 100, "mjpeg")
    driver = start(tiny_bundle, long, videos / "a.avi", "--out", results, *ONE, "--workers", 2)
    wait_for(lambda: count(results) or driver.poll() is not None, 60)
    assert [*records(results)] == ["a.avi"]
    workers = children(driver)
    driver.send_signal(signal.SIGINT)
    while "Ctrl-C once more" not in (line := driver.stdout.readline()):
        assert line
    time.sleep(1)
    assert driver.poll() is None
    driver.send_signal(signal.SIGINT)
    begun = time.monotonic()
    status, _ = end(driver)
    assert status == 130
    assert time.monotonic() - begun < 20
    assert [*records(results)] == ["a.avi"]
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.slow
def test_too_many_failures_end_it(tiny_bundle, results, tmp_path):
    (tmp_path / "faulty").mkdir()
    for number in range(14):
        (tmp_path / "faulty" / f"{number}.mp4").write_bytes(b"")
    done = invoke(tiny_bundle, tmp_path / "faulty", "--out", results, *ONE, "--stop-after", "20%")
    assert done.exit_code == 1
    assert "10 of the first 10 videos failed or broke off." in done.output
    assert 10 <= len(records(results)) < 14


@pytest.mark.slow
def test_ray_does_the_same(tiny_bundle, videos, undisturbed, results):
    pytest.importorskip("ray", reason="needs Ray: pip install '.[ray]'")
    status, output = end(start(tiny_bundle, videos, "--out", results, *ONE, "--ray", "local"))
    assert status == 0, output
    check_whole(results, undisturbed)


def test_there_are_as_many_workers_as_this_machine_has_room_for(tiny_bundle, monkeypatch):
    settings = LabelSettings(str(tiny_bundle), "", "", provider="cpu")
    monkeypatch.setenv("MDHR_THREADS", "2")
    assert not archive.takes_gpu(settings)

    def free(tasks, workers=None, at_once=None, threads=None):
        """Tasks that can be begun; no worker is started before there is one."""
        return archive.crew_for(settings, tasks, None, 0.0, workers, at_once, threads).free

    assert (free(1), free(9), free(9, threads="2")) == (1, 2, 1)
    assert (free(9, workers=3), free(9, workers=3, at_once=5)) == (3, 15)
    monkeypatch.setattr(archive, "takes_gpu", lambda settings: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5,7")
    assert (free(9), free(9, at_once=1), free(2)) == (24, 3, 16)


def test_without_anything_it_explains_itself():
    result = CliRunner().invoke(archive.main, [])
    assert "BUNDLE [SOURCE...]" in result.output
    assert "Error" not in result.output


def test_progress_tells_videos_rate_and_what_is_tried_again(capsys):
    tasks = [Task(ArchiveVideo(name, name), Input(100, ""), "") for name in "ab"]
    course = archive.Course(tasks, 0, lambda: False)
    course(Frames(48))
    course(Died(tasks[0], "SIGKILL", final=False))
    course(
        Finished(
            tasks[1], Record("b", "b", "", "failed", 100, "", "", "", 50, problem=Problem("It broke.", "W.", "F."))
        )
    )
    told = course.bar.item_show_func(None)
    assert re.fullmatch(r"1/2 videos, 48\.0 frames/s, 0:00:0\d left", told)
    assert course.bar.pos == 100
    course.close()
    printed = capsys.readouterr()
    assert "warning: a is tried again: its worker ended, SIGKILL" in printed.err
    assert "b: It broke. W." in printed.err
    assert printed.out.splitlines()[2].split()[:5] == ["0", "0", "1", "0", "50"]


def test_help_is_of_the_command_that_need_not_be_named_and_imports_nothing_heavy():
    code = """
import sys
from mdhr_runtime.cli.archive import main
try:
    main(["--help"])
finally:
    heavy = {"cv2", "numpy", "onnxruntime", "openvino", "pyarrow", "fsspec", "ray", "torch"}
    print("heavy:", sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "BUNDLE [SOURCE...]" in done.stdout
    titles = ("Results:", "Faces:", "Sources:", "Running:", "Commands:\n  collect", "\n  plan ", "\n  status ")
    assert sorted(titles, key=done.stdout.index) == [*titles]
    assert "heavy: []" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--shard", "0/3"), "'0/3' is no part: write K/N"),
        (("--shard", "4/3"), "'4/3' is no part"),
        (("--stop-after", "0.2"), "'0.2' is no share: write a percentage, 20%."),
        (("--stop-after", "120%"), "is no share"),
        (("--gpus", "0.5"), "--gpus is about --ray"),
        (("--workers", "0"), "--workers"),
    ],
)
def test_options_that_make_no_sense_are_refused(tiny_bundle, tmp_path, arguments, words):
    done = invoke(tiny_bundle, tmp_path, "--out", tmp_path / "results", *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert not (tmp_path / "results").exists()


def test_what_is_no_bundle_or_source_is_told_before_work(tiny_bundle, videos, tmp_path):
    for arguments in ((tmp_path, videos), (tiny_bundle, tmp_path / "none"), (tiny_bundle, tmp_path), (tiny_bundle,)):
        done = invoke(*arguments, "--out", tmp_path / "results")
        assert done.exit_code == 1
        assert "\n  fix: " in done.output
        assert not (tmp_path / "results").exists()


def test_secrets_of_addresses_are_not_shown(tiny_bundle, videos):
    done = invoke(tiny_bundle, videos, "--out", "nosuchstore://me:SECRET@host/results?token=SECRET")
    assert done.exit_code == 1
    assert "SECRET" not in done.output


def test_the_planner_reckons_from_a_result(tmp_path):
    bench = tmp_path / "bench.json"
    pipeline = {"frames": 100, "faces": 100, "seconds": 2.0, "stages": []}
    text = {"environment": {"cpu": {"usable_cores": 4}}, "pipeline": [pipeline], "throughput": []}
    bench.write_text(json.dumps(text))
    question = ("plan", "--videos", "1000", "--hours", "100", "--fps", "25")
    done = invoke(*question, "--bench", bench, "--within", "8")
    assert done.exit_code == 0, done.output
    assert rows_of(done.output.rpartition("The rate")[0]) == {
        "frames": "9000000",
        "GB of results": f"{size_of_results(1000, 9_000_000, 1.0) / 1e9:.2f}",
        "frames/s of such a machine": "50.0",
        "hours on one": "50.0",
        "machines for 8 hours": "7",
    }
    assert done.output.endswith("The rate is of whole videos, measured over 100 frames.\n")
    assert "machine" not in invoke(*question).output
    assert invoke(*question, "--within", "8").exit_code == 2
