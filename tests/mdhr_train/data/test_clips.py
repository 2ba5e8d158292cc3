from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from prepared import recording
from torchvision.transforms import Resize
from torchvision.transforms.v2 import functional

from mdhr_runtime.errors import DataError
from mdhr_train.data.clips import (
    MARGIN,
    Augmentation,
    ScoringClips,
    TrainingClips,
    read_crops,
    read_whole,
    runs,
)
from mdhr_train.datasets import BP4D, DATASETS

CROP = replace(BP4D.crop, view="centre")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("crops")


@pytest.fixture(scope="module")
def whole(root):
    return recording(root, "F001", numbers=range(1, 41))


def part(of, *slices):
    """Some frames of a recording."""
    rows = np.concatenate([np.arange(len(of))[one] for one in slices])
    return replace(of, paths=tuple(of.paths[row] for row in rows), numbers=of.numbers[rows], labels=of.labels[rows])


def test_runs_end_where_a_number_is_missing(whole):
    broken = part(whole, slice(0, 10), slice(12, 13), slice(20, 40))
    assert list(runs(broken)) == [slice(0, 10), slice(10, 11), slice(11, 31)]
    assert list(runs(whole)) == [slice(0, 40)]


def test_scoring_clips_show_every_frame_once_and_pad_the_last(whole):
    clips = ScoringClips([whole, part(whole, slice(0, 3), slice(10, 12))], 16, CROP)
    assert len(clips) == 3 + 2
    frames, labels, index = clips[2]
    assert frames.shape == (16, 224, 224, 3)
    assert frames.dtype == np.uint8
    assert index == 2
    np.testing.assert_array_equal(frames[:8], read_crops(whole.paths[32:], CROP))
    assert (frames[8:] == frames[7]).all()
    np.testing.assert_array_equal(labels[:8], whole.labels[32:])
    assert (labels[8:] == -1).all()
    assert sum(int((clip.labels >= 0).all(1).sum()) for clip in clips) == 40 + 5
    assert clips.describe(4) == "F001/T1 from frame 11"


def test_scoring_shows_the_centre_of_the_crops_or_all_of_them(whole):
    crops = read_whole(whole.paths[:3])
    np.testing.assert_array_equal(read_crops(whole.paths[:3], CROP), crops[:, 16:240, 16:240])
    # As the published implementation tests: torchvision's Resize of an image of Pillow.
    resized = [np.asarray(Resize(224)(Image.open(path).convert("RGB"))) for path in whole.paths[:3]]
    np.testing.assert_array_equal(read_crops(whole.paths[:3], BP4D.crop), np.stack(resized))


def test_unknown_labels_are_ignored_ones_in_clips(whole):
    labels = np.full_like(whole.labels, 9)
    labels[:, 1] = 1
    (clip, *_) = ScoringClips([replace(whole, labels=labels)], 16, CROP)
    assert (clip.labels[:, 1] == 1).all()
    assert (np.delete(clip.labels, 1, axis=1) == -1).all()


def test_a_training_clip_depends_on_seed_epoch_and_index_alone(whole):
    clips = TrainingClips([whole, whole], seed=1)
    clips.set_epoch(3)
    clip = clips[1]
    assert clip.frames.shape == (16, 224, 224, 3)
    again = TrainingClips([whole, whole], seed=1)
    again.set_epoch(3)
    np.testing.assert_array_equal(again[1].frames, clip.frames)
    differing = [again[0], TrainingClips([whole, whole], seed=2)[1]]
    again.set_epoch(4)
    assert not any(np.array_equal(other.frames, clip.frames) for other in [*differing, again[1]])


def test_a_training_clip_is_a_stretch_of_its_recording(whole):
    clips = TrainingClips([whole])
    for epoch in range(5):
        clips.set_epoch(epoch)
        first = int(clips.describe(0).removeprefix("F001/T1 from frame "))
        np.testing.assert_array_equal(clips[0].labels, whole.labels[first - 1 : first + 15])


def test_every_start_within_a_run_is_drawn_and_none_across_a_gap(whole):
    broken = part(whole, slice(0, 5), slice(10, 28), slice(30, 40))
    clips = TrainingClips([broken])
    seen = set()
    for epoch in range(60):
        clips.set_epoch(epoch)
        seen.add(clips.describe(0))
    assert seen == {f"F001/T1 from frame {number}" for number in (11, 12, 13)}


def test_a_recording_without_a_long_run_gives_its_longest_one_padded(whole):
    clip = TrainingClips([part(whole, slice(0, 3), slice(10, 15))])[0]
    assert (clip.frames[5:] == clip.frames[4]).all()
    assert (clip.labels[:5] >= 0).all()
    assert (clip.labels[5:] == -1).all()


def drawn_with_context(of, epochs):
    """Of the clips of some epochs, 4 frames and 3 on either side: numbers of what is shown, and of what counts."""
    clips = TrainingClips([of], frames=4, context=3)
    for epoch in range(epochs):
        clips.set_epoch(epoch)
        first = int(clips.describe(0).removeprefix("F001/T1 from frame "))
        frames, labels, _ = clips[0]
        assert frames.shape == (10, 224, 224, 3)
        counted = np.flatnonzero((labels >= 0).all(axis=1))
        assert (labels[counted] == of.labels[first - 1 + counted]).all()
        yield first, (first + counted).tolist()


def test_with_context_only_frames_count_that_see_what_they_see_in_a_stream(whole):
    seen = dict(drawn_with_context(part(whole, slice(0, 14)), 150))
    assert seen == {  # at the edges of the recording a stream sees no more either
        1: [*range(1, 8)],
        2: [*range(5, 9)],
        3: [*range(6, 10)],
        4: [*range(7, 11)],
        5: [*range(8, 15)],
    }


def test_with_context_every_frame_is_as_likely_as_without(whole):
    counts = np.zeros(15, int)
    starts = []
    for first, counted in drawn_with_context(part(whole, slice(0, 14)), 300):
        counts[counted] += 1
        starts.append(first)
    # Of 11 places of the 4 frames, four show the beginning and four the end.
    assert 60 < starts.count(1) < 160 < starts.count(1) + starts.count(5)
    assert counts[1:].min() > 20


def test_a_recording_that_is_too_short_for_context_counts_as_a_whole(whole):
    (_, labels, _) = TrainingClips([part(whole, slice(0, 8))], frames=4, context=3)[0]
    assert ((labels >= 0).all(axis=1) == ([True] * 8 + [False] * 2)).all()


def test_soft_labels_stay_what_they_are_in_clips(whole):
    labels = np.linspace(-1, 1, whole.labels.size, dtype=np.float32).reshape(whole.labels.shape)
    clip = ScoringClips([replace(whole, labels=labels)], 40, CROP)[0]
    assert clip.labels.dtype == np.float32
    np.testing.assert_array_equal(clip.labels, np.where(labels >= 0, labels, -1))


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
@pytest.mark.parametrize("damage", ["cut off", "empty", "text", "missing", "small"])
def test_a_damaged_image_is_named(tmp_path, dataset, damage):
    one = recording(tmp_path, dataset.parts[0][0], numbers=range(3), dataset=dataset)
    path, content = one.paths[1], one.paths[1].read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "small":
        cv2.imwrite(str(path), np.zeros((224, 224, 3), np.uint8))
    else:
        path.write_bytes({"cut off": content[: len(content) // 2], "empty": b"", "text": b"no picture"}[damage])
    with pytest.raises(DataError) as error:
        ScoringClips([one], 16, CROP)[0]
    assert str(path) in error.value.what


def test_crops_have_room_to_wander():
    assert MARGIN == 32


PLAIN = Augmentation((16, 16), False, 1.0, 1.0, 1.0)


@pytest.fixture
def crops():
    """Two crops of middling colours that stay within range when they are changed."""
    return np.random.default_rng(0).integers(100, 140, (2, 256, 256, 3), np.uint8)


def test_no_change_is_the_centre(crops):
    np.testing.assert_array_equal(PLAIN.apply(crops), crops[:, 16:240, 16:240])


def test_corner_and_flip_are_those_of_all_frames(crops):
    changed = Augmentation((3, 30), True, 1.0, 1.0, 1.0).apply(crops)
    np.testing.assert_array_equal(changed, crops[:, 3:227, 30:254][:, :, ::-1])


@pytest.mark.parametrize("colours", [(1.3, 1, 1), (1, 0.6, 1), (1, 1.4, 1), (1, 1, 0.6), (1, 1, 1.4), (0.9, 1.2, 0.7)])
def test_colours_change_as_torchvision_changes_them(crops, colours):
    brightness, contrast, saturation = colours
    changed = Augmentation((16, 16), False, *colours).apply(crops)
    # One picture, so that its mean grey is the clip's.
    images = torch.from_numpy(PLAIN.apply(crops).reshape(1, -1, 224, 3)).permute(0, 3, 1, 2)
    images = functional.adjust_contrast(functional.adjust_brightness(images, brightness), contrast)
    expected = functional.adjust_saturation(images, saturation).permute(0, 2, 3, 1).reshape(changed.shape)
    assert np.abs(changed.astype(int) - expected.numpy()).max() <= 3  # they round three times


def test_drawn_augmentations_cover_their_ranges():
    rng = np.random.default_rng(0)
    drawn = [Augmentation.random(rng) for _ in range(300)]
    corners = np.array([one.corner for one in drawn])
    assert corners.min() == 0
    assert corners.max() == 32
    assert 100 < sum(one.flip for one in drawn) < 200
    for name in ("brightness", "contrast", "saturation"):
        values = [getattr(one, name) for one in drawn]
        assert 0.6 <= min(values) < 0.65 < 1.35 < max(values) <= 1.4
