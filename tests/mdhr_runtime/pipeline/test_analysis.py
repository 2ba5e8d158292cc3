"""The whole analysis in this process, on sources made of arrays and on real videos."""

import threading
import time
import weakref
from collections import Counter
from datetime import timedelta
from itertools import groupby
from typing import ClassVar

import cv2
import numpy as np
import pytest
from array_source import Arrays

import mdhr_runtime
from mdhr_runtime.errors import AnalysisError, FramesError, MdhrError, VideoError
from mdhr_runtime.faces.alignment import network_view
from mdhr_runtime.faces.options import FaceOptions
from mdhr_runtime.pipeline.analysis import FILES_AT_ONCE, Analysis, make_face_providers
from mdhr_runtime.sources import Camera, Images, Selection, Video

BLANK = np.zeros((240, 240, 3), np.uint8)


def run(model, *sources, detect_every=10, max_gap=30, **settings):
    with Analysis(
        sources, model, make_face_providers(model, FaceOptions(detect_every=detect_every, max_gap=max_gap)), **settings
    ) as analysis:
        return list(analysis)


def rows_of(results, source="arrays", face=None):
    rows = [row for result in results if result.source == source and result.final for row in result.rows]
    return [row for row in rows if face is None or row.face_id == face]


def clip_scores(images, model):
    """Scores of images with one face as one clip."""
    tracker = make_face_providers(model)(Arrays([]))
    return model.clip(np.stack([tracker.find(image)[0].crop for image in images]))


def assert_scores(rows, expected):
    np.testing.assert_allclose(np.stack([row.scores for row in rows]), expected, atol=1e-5)


@pytest.mark.slow
def test_an_unbroken_face_is_one_clip(swaying, model):
    results = run(model, Arrays(swaying))
    assert [result.frame for result in results] == list(range(1, 25))
    assert all(result.image is image for result, image in zip(results, swaying, strict=True))
    rows = rows_of(results)
    assert [row.timestamp for row in rows] == [number / 25 for number in range(1, 25)]
    assert all(row.success and row.face_id == 0 and row.final and row.confidence > 0.9 for row in rows)
    assert_scores(rows, clip_scores(swaying, model))


def test_a_gap_is_reported_and_never_bridged(swaying, model):
    first, second = swaying[:5], swaying[8:17]
    rows = rows_of(run(model, Arrays([*first, BLANK, BLANK, *second, BLANK])))
    assert [row.frame for row in rows] == list(range(1, 18))
    assert [row.face_id for row in rows] == [0] * 5 + [None] * 2 + [0] * 9 + [None]
    assert_scores(rows[:5], clip_scores(first, model))
    assert_scores(rows[7:16], clip_scores(second, model))
    for row in (rows[5], rows[6], rows[16]):
        assert (row.confidence, row.box, row.scores) == (0, None, None)


@pytest.mark.slow
def test_missing_images_are_never_bridged(swaying, model):
    results = run(model, Arrays([*swaying[:6], None, *swaying[9:18]]))
    assert [result.frame for result in results if not result.follows] == [7]
    rows = rows_of(results)
    assert [row.face_id for row in rows] == [0] * 15
    assert_scores(rows[:6], clip_scores(swaying[:6], model))
    assert_scores(rows[6:], clip_scores(swaying[9:18], model))


def test_a_face_somewhere_else_is_not_compared_with_the_last_one(swaying, model):
    left = [np.hstack([image, BLANK, BLANK]) for image in swaying[:4]]
    right = [np.hstack([BLANK, BLANK, image]) for image in swaying[4:10]]
    rows = rows_of(run(model, Arrays(left + right)))
    assert [(row.face_id, row.person) for row in rows] == [(0, 0)] * 10  # but it is the same one
    assert_scores(rows[:4], clip_scores(left, model))
    assert_scores(rows[4:], clip_scores(right, model))


@pytest.mark.slow
def test_every_face_has_rows_and_a_stream_of_its_own(swaying, model):
    mirrored = [image[:, ::-1] for image in swaying]
    both = [np.hstack(pair) for pair in zip(swaying, mirrored, strict=True)]
    results = run(model, Arrays(both))
    assert all(len(result.rows) == 2 for result in results)
    for face in (0, 1):
        rows = rows_of(results, face=face)
        tracker = make_face_providers(model)(Arrays([]))
        crops = [next(found.crop for found in tracker.find(image) if found.face_id == face) for image in both]
        assert_scores(rows, model.clip(np.stack(crops)))


@pytest.mark.slow
def test_a_source_does_not_depend_on_what_runs_beside_it(swaying, model):
    def source(name, start, count):
        return Arrays(swaying[start:][:count], name)

    alone = rows_of(run(model, source("a", 0, 20)), "a")
    together = run(
        model, source("a", 0, 20), source("b", 3, 9), Arrays([np.hstack([swaying[0]] * 3)] * 6, "c"), Arrays([], "d")
    )
    assert_scores(rows_of(together, "a"), np.stack([row.scores for row in alone]))
    assert [row.box for row in rows_of(together, "a")] == [row.box for row in alone]
    assert len(rows_of(together, "b")) == 9
    assert len(rows_of(together, "c")) == 18


@pytest.mark.slow
def test_provisional_results_come_at_once_and_final_ones_follow(swaying, model):
    images = [*swaying[:10], BLANK]
    results = run(model, Arrays(images), provisional=True)
    for final in (False, True):
        rows = [row for result in results if result.final is final for row in result.rows]
        assert [row.frame for row in rows] == list(range(1, 12))
        assert all(row.final is final for row in rows)
    order = [(result.frame, result.final) for result in results]
    assert order[: model.lookahead + 2] == [(number, False) for number in range(1, 9)] + [(1, True)]
    early = [result.rows[0] for result in results if not result.final]
    for length in (1, 4, 10):
        assert_scores([early[length - 1]], clip_scores(swaying[:length], model)[-1:])
    assert_scores(rows_of(results)[:10], clip_scores(swaying[:10], model))


def test_a_video_without_any_face(model):
    rows = rows_of(run(model, Arrays([BLANK] * 3)))
    assert [(row.frame, row.success) for row in rows] == [(1, False), (2, False), (3, False)]


@pytest.mark.slow
def test_files_wait_for_whoever_takes_the_results(swaying, model):
    source = Arrays(swaying * 10)
    with Analysis([source], model, make_face_providers(model)) as analysis:
        results = iter(analysis)
        assert next(results).frame == 1
        seen = -1
        while seen != source.read:  # until the pipeline is full
            seen = source.read
            time.sleep(0.5)
        assert seen < 80
        assert [next(results).frame for _ in range(100)] == list(range(2, 102))


@pytest.mark.slow
def test_cameras_drop_old_frames_and_count_them(swaying, model):
    source = Arrays(swaying * 10, live=True, pause=0.004)
    with Analysis([source], model, make_face_providers(model)) as analysis:
        results = []
        for result in analysis:
            results.append(result.frame)
            time.sleep(0.02)
        dropped = analysis.stats()["arrays"].dropped
    assert dropped > 50
    assert len(results) + dropped == 240
    assert results == sorted(set(results))
    assert results[-1] == 240  # the newest frames are kept


@pytest.mark.slow
def test_a_slow_camera_does_not_stall_the_others(swaying, model):
    slow = Arrays(swaying[:2], "slow", live=True, pause=1.5)
    fast = Arrays(swaying[:8], "fast")
    order = [result.source for result in run(model, slow, fast)]
    assert order.index("slow") > order.index("fast")
    assert (order.count("slow"), order.count("fast")) == (2, 8)


def test_the_end_of_one_source_is_not_the_end_of_the_others(swaying, model):
    told = []
    broken = Arrays(swaying[:3], "broken", error=VideoError("It broke.", "It was thin.", "Take another."))
    with Analysis(
        [broken, Arrays(swaying[:9], "fine")],
        model,
        make_face_providers(model),
        on_problem=lambda *news: told.append(news),
    ) as analysis:
        results = list(analysis)
        assert {name: stats.state for name, stats in analysis.stats().items()} == {"broken": "failed", "fine": "ended"}
    assert len(rows_of(results, "broken")) == 3
    assert len(rows_of(results, "fine")) == 9
    assert told == analysis.problems
    assert [(name, error.what) for name, error in told] == [("broken", "It broke.")]


def test_a_bug_in_a_thread_reaches_the_caller(swaying, model):
    with pytest.raises(ZeroDivisionError):
        run(model, Arrays(swaying, error=ZeroDivisionError()))


@pytest.mark.slow
def test_stopping_early_leaves_no_threads(swaying, model):
    before = set(threading.enumerate())
    with Analysis([Arrays(swaying * 20), Arrays(swaying * 20, "b")], model, make_face_providers(model)) as analysis:
        next(iter(analysis))
    assert set(threading.enumerate()) == before


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(swaying, model):
    class Tagged(np.ndarray):
        """An image that weak references can watch."""

    made, counts = [], []

    def alive():
        return sum(reference() is not None for reference in made)

    def images():
        for image in swaying * 6:
            fresh = image.copy().view(Tagged)
            made.append(weakref.ref(fresh))
            counts.append(alive())
            yield fresh

    with Analysis([Arrays(images())], model, make_face_providers(model)) as analysis:
        assert sum(1 for _ in analysis) == 144
    assert max(counts) <= 50
    assert alive() <= 1  # the tracker compares every frame with the one before


def test_images_are_not_kept_for_those_who_need_none(swaying, model):
    assert all(result.image.shape == (0, 0, 3) for result in run(model, Arrays(swaying), keep_images=False))


def test_an_image_that_cannot_be_read_is_a_gap(tmp_path, swaying, model):
    for index, image in enumerate(swaying[:12]):
        cv2.imwrite(str(tmp_path / f"{index}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    (tmp_path / "5.png").write_bytes(b"no image")
    warnings = []
    source = Images("images", tmp_path.iterdir())
    with Analysis(
        [source], model, make_face_providers(model), on_warning=lambda *news: warnings.append(news)
    ) as analysis:
        rows = rows_of(analysis, "images")
    assert [row.success for row in rows] == [True] * 5 + [False] + [True] * 6
    assert_scores(rows[:5], clip_scores(swaying[:5], model))
    assert_scores(rows[6:], clip_scores(swaying[6:12], model))
    assert [(name, "5.png cannot be read" in text) for name, text in warnings] == [("images", True)]


@pytest.mark.slow
def test_fifty_faces(photo, model):
    face = cv2.resize(photo[40:200, 140:300], (96, 96), interpolation=cv2.INTER_AREA)
    crowd = np.tile(face, (5, 10, 1))
    results = run(model, Arrays([np.roll(crowd, shift, axis=1) for shift in (0, 1, 2)]))
    ids = [{row.face_id for row in result.rows} for result in results]
    assert len(ids[0]) == 50
    assert ids[0] == ids[1] == ids[2]


def test_analyze_takes_addresses(tiny_bundle, write_video, swaying):
    video = write_video("a.avi", swaying[:9])
    results = list(mdhr_runtime.analyze(video, tiny_bundle, provider="cpu"))
    assert [(result.source, result.frame, result.rows[0].success) for result in results] == [
        ("a.avi", number, True) for number in range(1, 10)
    ]


def test_analyze_of_crops(tmp_path, face_frames, model):
    padded = np.pad(face_frames[:10], ((0, 0), (16, 16), (16, 16), (0, 0)))
    for index, crop in enumerate(padded):
        cv2.imwrite(str(tmp_path / f"{index}.png"), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    rows = rows_of(mdhr_runtime.analyze(tmp_path, model, faces=FaceOptions("crops")), tmp_path.name)
    assert_scores(rows, model.clip(np.stack([network_view(crop, model.layout.crop) for crop in padded])))
    assert rows[0].box == (0, 0, 256, 256)


def test_images_that_are_no_crops_are_refused(tmp_path, portrait, model):
    cv2.imwrite(str(tmp_path / "a.png"), portrait)
    with pytest.raises(FramesError, match="240×240 pixels is no aligned face"):
        list(mdhr_runtime.analyze(tmp_path, model, faces=FaceOptions("crops")))


@pytest.mark.slow
def test_analyze_tells_a_broken_source_at_the_end(write_video, swaying, model):
    video = write_video("a.avi", swaying * 4)
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    results = []
    with pytest.raises(MdhrError, match="breaks off"):
        results.extend(mdhr_runtime.analyze([video], model))
    assert len(results) > 30


@pytest.mark.slow
def test_analyze_tells_all_broken_sources(write_video, swaying, model):
    videos = [write_video(f"{name}.avi", swaying * 4) for name in "abc"]
    for video in videos[:2]:
        video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(AnalysisError, match="2 sources") as caught:
        list(mdhr_runtime.analyze(videos, model))
    assert {name for name, _ in caught.value.problems} == {"a.avi", "b.avi"}
    for name, error in caught.value.problems:
        assert f"{name} breaks off" in error.what
        assert error.what in str(caught.value)
        assert f"{name}: {error.fix}" in str(caught.value)


def test_leaving_analyze_early_leaves_no_threads(write_video, swaying, model):
    before = set(threading.enumerate())
    results = mdhr_runtime.analyze(write_video("a.avi", swaying * 4), model)
    next(results)
    results.close()
    assert set(threading.enumerate()) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("single_face.mp4", [(True, 72)]),
        ("face_noface.mov", [(True, 72), (False, 97)]),
        ("no_face.mp4", [(False, 95)]),
    ],
)
def test_real_videos(media, model, name, runs):
    rows = rows_of(run(model, Video(media / name)), name)
    found = [(success, len(list(group))) for success, group in groupby(row.success for row in rows)]
    assert [row.frame for row in rows] == list(range(1, len(rows) + 1))
    assert {row.face_id for row in rows} <= {0, None}
    assert [success for success, _ in found] == [success for success, _ in runs]
    # Where exactly a face leaves the picture is the detector's opinion.
    np.testing.assert_allclose([count for _, count in found], [count for _, count in runs], atol=3)


class Counted(Arrays):
    """Notes how many of its kind are under way when one begins."""

    under_way: ClassVar[list[int]] = []
    now = 0

    def __iter__(self):
        Counted.now += 1
        Counted.under_way.append(Counted.now)
        yield from super().__iter__()
        Counted.now -= 1


def test_few_files_run_at_once_in_their_order_and_all_cameras(model, monkeypatch):
    monkeypatch.setattr(Counted, "under_way", [])
    files = [Counted([BLANK] * 2, str(number)) for number in range(9)]
    cameras = [Arrays([BLANK] * 2, f"camera{number}", live=True) for number in range(6)]
    analysis = Analysis([*files, *cameras], model, make_face_providers(model))
    with analysis:
        started = sum(thread.ident is not None for line in analysis._lines for thread in line.worker.threads)
        results = list(analysis)
    assert started >= 2 * (FILES_AT_ONCE + len(cameras))
    assert len(Counted.under_way) == 9
    assert max(Counted.under_way) <= FILES_AT_ONCE + 1  # one may have been read when another begins
    assert {result.source for result in results} == {source.name for source in (*files, *cameras)}
    assert {stats.state for stats in analysis.stats().values()} == {"ended"}


def test_files_whose_people_are_numbered_together_are_analysed_in_turn(model, swaying):
    files = [Arrays(swaying[:3] * 4, "long"), Arrays(swaying[:1], "short")]
    with Analysis(files, model, make_face_providers(model), faces=FaceOptions(across=True)) as analysis:
        sources = [result.source for result in analysis]
    assert sources == ["long"] * 12 + ["short"]


def test_files_that_fail_at_once_make_way_for_the_others(model, swaying):
    thin = VideoError("It broke.", "It was thin.", "Take another.")
    broken = [Arrays([], str(number), error=thin) for number in range(2 * FILES_AT_ONCE)]
    with Analysis([*broken, Arrays(swaying[:3])], model, make_face_providers(model)) as analysis:
        results = list(analysis)
    assert len(rows_of(results)) == 3
    assert len(analysis.problems) == len(broken)


def test_files_that_never_had_their_turn_do_not_keep_an_analysis(model, swaying):
    before = set(threading.enumerate())
    many = [Arrays(swaying, str(number)) for number in range(3 * FILES_AT_ONCE)]
    with Analysis(many, model, make_face_providers(model)) as analysis:
        next(iter(analysis))
    assert set(threading.enumerate()) == before
    assert not any(source.read for source in many[FILES_AT_ONCE + 1 :])


def test_files_may_be_added_while_it_runs_and_each_tells_its_end(model, swaying):
    ended = []
    with Analysis(
        [Arrays(swaying[:3], "first")],
        model,
        make_face_providers(model),
        files_at_once=2,
        more=True,
        on_end=lambda name: ended.append((name, seen.get(name))),
    ) as analysis:
        seen = Counter()
        for result in analysis:
            seen[result.source] += 1
            if result.source == "first" and seen["first"] == 3:
                for name in ("second", "broken", "third"):
                    error = VideoError("It broke.", "It was thin.", "Take another.") if name == "broken" else None
                    analysis.add(Arrays(swaying[:2], name, error=error))
                analysis.finish()
        states = {name: stats.state for name, stats in analysis.stats().items()}
        analysis.forget("first")
    assert ended[0] == ("first", 3)
    assert sorted(ended) == [("broken", 2), ("first", 3), ("second", 2), ("third", 2)]
    assert states == {"first": "ended", "second": "ended", "broken": "failed", "third": "ended"}
    assert "first" not in analysis.stats()


def test_an_analysis_to_which_files_may_be_added_waits_for_them_and_can_be_left(model, swaying):
    before = set(threading.enumerate())
    with Analysis([Arrays(swaying[:1])], model, make_face_providers(model), more=True) as analysis:
        results = iter(analysis)
        next(results)
        threading.Timer(0.3, lambda: analysis.add(Arrays(swaying[:1], "late"))).start()
        assert next(results).source == "late"
    assert set(threading.enumerate()) - before == set()


def test_durations_in_seconds_become_frames_at_the_rate_of_the_source(model):
    make = make_face_providers(model, FaceOptions(detect_every=timedelta(seconds=0.4), max_gap=timedelta(seconds=2)))
    source = Arrays([])
    assert (make(source)._detect_every, make(source)._max_gap) == (10, 50)
    source.selection = Selection(every=25)
    assert (make(source)._detect_every, make(source)._max_gap) == (1, 2)
    camera = Camera("camera", lambda: None)  # which does not know its rate
    assert make(camera)._max_gap == 50


def test_threads_that_cannot_all_be_started_leave_none(swaying, model, monkeypatch):
    before = threading.active_count()
    analysis = Analysis([Arrays(swaying), Arrays(swaying, "b")], model, make_face_providers(model))
    start = threading.Thread.start

    def fail(thread):
        if thread.name == "model":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(RuntimeError, match="new thread"), analysis:
        pass
    assert threading.active_count() == before
