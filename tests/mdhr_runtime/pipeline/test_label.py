"""Sources to sinks in this process, as another program would do it."""

import csv
import json
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from mdhr_runtime.errors import OutputError, VideoError
from mdhr_runtime.faces.options import FaceOptions
from mdhr_runtime.pipeline.label import label
from mdhr_runtime.sources import open_sources

BLANK = np.zeros((240, 240, 3), np.uint8)


def test_rows_figures_and_what_was_written(model, write_video, swaying, tmp_path, capfd):
    videos = [write_video("a.avi", [*swaying[:9], BLANK]), write_video("b.avi", swaying[:6])]
    table, lines = tmp_path / "au.csv", tmp_path / "au.jsonl"
    report = label(open_sources(videos), [table, str(lines)], model)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows if row["source"] == "a.avi"] == [str(number) for number in range(1, 11)]
    assert len(lines.read_text().splitlines()) == len(rows) == 16
    figures = {name: (summary.frames, summary.with_face) for name, summary in report.summaries.items()}
    assert figures == {"a.avi": (10, 9), "b.avi": (6, 6)}
    assert report.written == [f"16 rows: {table}", f"16 rows: {lines}"]
    assert report.problems == []
    assert {name: stats.state for name, stats in report.stats.items()} == {"a.avi": "ended", "b.avi": "ended"}
    assert report.seconds > 0
    assert capfd.readouterr() == ("", "")


def test_a_source_that_breaks_off_is_a_problem_and_the_others_go_on(model, write_video, swaying, tmp_path):
    broken, whole = write_video("broken.avi", swaying * 2), write_video("whole.avi", swaying[:5])
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    told = []
    report = label(
        open_sources([broken, whole]),
        [tmp_path / "au.jsonl"],
        model,
        on_problem=lambda name, error: told.append((name, error)),
    )
    assert report.problems == told
    ((name, error),) = told
    assert name == "broken.avi"
    assert isinstance(error, VideoError)
    assert report.summaries["whole.avi"].frames == 5


def test_crops_and_provisional_rows(model, face_frames, tmp_path):
    for number, crop in enumerate(face_frames[:3]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), crop[:, :, ::-1])
    path = tmp_path / "au.jsonl"
    label(open_sources([tmp_path]), [path], model, faces=FaceOptions("crops"), provisional=True)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted((row["frame"], row["final"]) for row in rows) == [(n, final) for n in (1, 2, 3) for final in (0, 1)]


@pytest.mark.parametrize("target", ["none/au.csv", "au.unknown", "mqtt://127.0.0.1:1/rows"])
def test_all_targets_are_checked_before_a_file_is_touched(model, write_video, tmp_path, target):
    if target.startswith("mqtt"):
        pytest.importorskip("paho.mqtt.client", reason="needs the extra 'mqtt'")
    else:
        target = str(tmp_path / target)
    sources = open_sources([write_video("a.avi", [BLANK])])
    with pytest.raises(OutputError):
        label(sources, [tmp_path / "au.csv", target], model)
    assert [path.name for path in tmp_path.iterdir()] == ["a.avi"]


def test_inputs_and_one_place_twice_are_refused(model, write_video, tmp_path):
    video = write_video("a.avi", [BLANK])
    picture = tmp_path / "a.mp4"
    picture.hardlink_to(video)
    for targets, words in [
        ([picture], "what the results are made from"),
        ([model.bundle.path / "au.csv"], "what the results are made from"),
        ([tmp_path / "b.csv", tmp_path / "." / "b.csv"], "written twice"),
        (["-", "-"], "The standard output cannot be written twice"),
    ]:
        with pytest.raises(OutputError, match=words):
            label(open_sources([video]), targets, model, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.avi", "a.mp4"]


def test_other_files_are_replaced_for_those_who_mean_it(model, write_video, tmp_path):
    (tmp_path / "au.csv").write_text("mine")
    with pytest.raises(OutputError, match="not overwritten"):
        label(open_sources([write_video("a.avi", [BLANK])]), [tmp_path / "au.csv"], model)
    label(open_sources([write_video("a.avi", [BLANK])]), [tmp_path / "au.csv"], model, overwrite=True)
    assert (tmp_path / "au.csv").read_text().startswith("frame,")


def test_sinks_that_are_open_already_are_closed_when_another_is_not(model, write_video, tmp_path):
    pytest.importorskip("websockets", reason="needs the extra 'ws'")
    from threading import enumerate as threads

    before = set(threads())
    with pytest.raises(OutputError):
        label(open_sources([write_video("a.avi", [BLANK])]), ["ws://127.0.0.1:0/rows", "none/au.csv"], model)
    assert set(threads()) <= before


def test_images_are_kept_for_sinks_that_need_them(model, write_video, swaying, tmp_path):
    path = tmp_path / "out.mp4"
    label(open_sources([write_video("a.avi", swaying[:3])]), [path], model)
    capture = cv2.VideoCapture(str(path))
    assert capture.read()[1].mean() > 10


def test_progress_sees_every_result_and_sinks_every_notice(model, write_video, swaying, tmp_path):
    opened, seen, events = [], [], []

    @contextmanager
    def progress(results):
        events.append("begins")
        yield (seen.append(result.frame) or result for result in results)
        events.append("ends")

    targets = [tmp_path / "au.csv", "live://127.0.0.1:0"]
    sources = open_sources([write_video("a.avi", swaying[:5])])
    label(sources, targets, model, on_open=opened.extend, progress=progress)
    assert (seen, events) == ([1, 2, 3, 4, 5], ["begins", "ends"])
    assert [bool(sink.notices) for sink in opened] == [False, True]


def test_an_error_in_the_program_that_calls_leaves_complete_files(model, write_video, swaying, tmp_path):
    @contextmanager
    def progress(results):
        def three():
            for result in results:
                if result.frame == 3:
                    raise KeyboardInterrupt
                yield result

        yield three()

    path = tmp_path / "au.parquet"
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'parquet'")
    sources = open_sources([write_video("a.avi", swaying)])
    with pytest.raises(KeyboardInterrupt):
        label(sources, [path], model, progress=progress)
    assert parquet.read_table(path)["frame"].to_pylist() == [1, 2]
