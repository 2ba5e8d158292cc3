"""From decoded pictures to what a player shows, one picture at a time."""

from fractions import Fraction

import av
import encoded
import numpy as np
import pytest

from mdhr_runtime.sources.conversion import ConversionError, Converter
from mdhr_runtime.sources.decoding import Decoder

BT709, BT601, BT2020 = 1, 6, 9
LIMITED, FULL = 1, 2
PQ, HLG = 16, 18


@pytest.fixture(scope="module")
def picture(photo):
    """uint8 (128, 160, 3) RGB, smooth: formats keep colours for 4×4 pixels at the coarsest."""
    import cv2

    return cv2.GaussianBlur(photo[60:188, 120:280], (0, 0), 4)


def frame_of(image, pixels="yuv420p", matrix=BT601, values=LIMITED):
    """A decoded picture in a format, with colours by a matrix and in a range, which it also says."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    frame = frame.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=values)
    frame.colorspace, frame.color_range = matrix, values
    return frame


def greys(lumas):
    """Squares of 16×16 pixels side by side, greys in ten bits."""
    frame = av.VideoFrame(64, 16, "yuv420p10le")
    for number, plane in enumerate(frame.planes):
        values = np.full((plane.height, plane.line_size // 2), 512, np.uint16)
        for place, luma in enumerate(lumas if number == 0 else ()):
            values[:, 16 * place : 16 * place + 16] = luma
        plane.update(values.tobytes())
    return frame


def converted(*frames, aspect=None):
    converter = Converter()
    found = [image for number, frame in enumerate(frames) for _, image in converter.push(frame, aspect, number)]
    return [*found, *(image for _, image in converter.flush())]


@pytest.mark.parametrize("matrix", [BT601, BT709])
@pytest.mark.parametrize("values", [LIMITED, FULL])
def test_colours_are_those_of_the_matrix_and_the_range_that_the_picture_states(picture, matrix, values):
    (found,) = converted(frame_of(picture, matrix=matrix, values=values))
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - picture).mean() < 2


def test_every_format_that_ffmpeg_can_write_is_read_or_refused(picture):
    read, refused = [], []
    grey = picture.mean(axis=2, keepdims=True)
    for name in sorted(av.video.format.names):
        try:
            frame = frame_of(picture, name)
        except (ValueError, av.FFmpegError):
            continue  # such as formats of hardware
        try:
            (found,) = converted(frame)
        except ConversionError:
            refused.append(name)
            continue
        read.append(name)
        assert found.shape == picture.shape, name
        # Of formats with few colours little comes back, so what FFmpeg itself gives back is right as well.
        wanted = (picture, grey, frame.to_ndarray(format="rgb24"))
        assert min(np.abs(found - each.astype(float)).mean() for each in wanted) < 12, name
    assert len(read) > 120
    assert len(refused) < 10, refused


@pytest.mark.parametrize(
    ("aspect", "width"),
    [(None, 160), (Fraction(1), 160), (Fraction(64, 45), 228), (Fraction(100, 99), 160), (Fraction(1000), 160)],
)
def test_pixels_become_square(picture, aspect, width):
    (found,) = converted(frame_of(picture), aspect=aspect)
    assert found.shape == (128, width, 3)


def test_fields_of_two_moments_do_not_comb(tmp_path):
    across = np.arange(160)
    fields = [np.uint8(255 * ((across + 6 * moment) // 20 % 2)) for moment in range(16)]  # stripes that move
    frames = []
    for top, bottom in zip(fields[::2], fields[1::2], strict=True):
        image = np.empty((128, 160, 3), np.uint8)
        image[::2], image[1::2] = top[:, None], bottom[:, None]
        frames.append(image)
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1", "crf": "10", "preset": "ultrafast"}
    with Decoder(str(encoded.write(tmp_path / "a.mp4", frames, options=options))) as decoder:
        found = [picture.image for picture in decoder.pictures()]
    assert len(found) == len(frames)
    for image, comb in zip(found, frames, strict=True):
        uneven, before = (np.abs(np.diff(each.astype(int), axis=0)).mean() for each in (image, comb))
        assert uneven < 0.2 * before


@pytest.mark.slow  # tables of colours take seconds
@pytest.mark.parametrize(
    ("transfer", "signals", "shown"),
    # The light of white on an ordinary screen (203 of PQ's nits, 75 % of HLG's signal) is white, 18 % of it is sRGB's
    # 118, and brighter light is white, too.
    [(PQ, (0, 0.4109, 0.5807, 0.75), (0, 118, 255, 255)), (HLG, (0, 0, 0.75, 1), (0, 0, 255, 255))],
)
def test_high_dynamic_range_is_mapped_to_the_ordinary_one(transfer, signals, shown):
    frame = greys([round(64 + 876 * signal) for signal in signals])
    frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range = BT2020, BT2020, transfer, LIMITED
    (found,) = converted(frame)
    assert np.abs(found[8, 8::16].astype(int) - np.array(shown)[:, None]).max() <= 6


def test_size_and_format_may_change(picture):
    found = converted(frame_of(picture), frame_of(picture[:64, :96], "yuv444p"), frame_of(picture))
    assert [image.shape for image in found] == [(128, 160, 3), (64, 96, 3), (128, 160, 3)]
