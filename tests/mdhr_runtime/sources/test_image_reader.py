import io
import os
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from mdhr_runtime.errors import VideoError
from mdhr_runtime.file_types import IMAGE, file_type
from mdhr_runtime.sources.image_reader import ImageReader, look

EXACT = {"PNG": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}}
NEARLY = {"JPEG": {"quality": 100, "subsampling": 0}, "AVIF": {"quality": 100, "subsampling": "4:4:4"}}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""By EXIF orientation: how a picture is turned to be stored in it."""


def soft(height=24, width=32):
    """uint8 (H, W, 3): a picture without edges, that coders keep, and no turn or mirror of itself."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


SOFT = soft()


def read(path):
    told = []
    pages = [image for image, _ in ImageReader(told).pages(path)]
    return pages, told


def only(path):
    (image,), told = read(path)
    assert not told
    return image


def apart(image, other):
    """By how much two images differ at most."""
    assert image.shape == other.shape
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.flags.writeable
    return np.abs(image.astype(int) - other).max()


@pytest.mark.parametrize("kind", [*EXACT, *NEARLY])
def test_content_decides_and_not_the_suffix(tmp_path, kind):
    Image.fromarray(SOFT).save(tmp_path / "a.png", kind, **(EXACT | NEARLY)[kind])
    assert file_type(tmp_path / "a.png") == IMAGE
    assert apart(only(tmp_path / "a.png"), SOFT) <= (4 if kind in NEARLY else 0)


def test_a_jpeg_has_the_pixels_that_opencv_decodes(tmp_path):
    for flags in ([], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x411111]):
        data = cv2.imencode(".jpg", soft(37, 53), flags)[1]
        (tmp_path / "a.jpg").write_bytes(data.tobytes())
        assert apart(only(tmp_path / "a.jpg"), cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]) <= 1


def _turned(orientation, image=SOFT):
    stored = Image.fromarray(image)
    return stored.transpose(TURNS[orientation]) if orientation in TURNS else stored


def _exif(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_pictures_stand_upright(tmp_path, kind):
    for orientation in range(1, 9):
        _turned(orientation).save(tmp_path / "a", kind, exif=_exif(orientation), **(EXACT | NEARLY)[kind])
        assert apart(only(tmp_path / "a"), SOFT) <= 4, orientation


def test_deep_pictures_stand_upright(tmp_path):
    for orientation in range(1, 9):
        deep = np.asarray(_turned(orientation)).astype(np.uint16) * 257
        data = cv2.imencode(".png", deep[:, :, ::-1])[1].tobytes()
        chunk = b"eXIf" + _exif(orientation).tobytes().removeprefix(b"Exif\0\0")
        at = data.index(b"IDAT") - 4
        length, checksum = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
        (tmp_path / "a.png").write_bytes(data[:at] + length + chunk + checksum + data[at:])
        _write_deep_tiff(tmp_path / "a.tif", deep, orientation)
        for name in ("a.png", "a.tif"):
            assert apart(only(tmp_path / name), SOFT) == 0, (name, orientation)


def _write_deep_tiff(path, deep, orientation):
    """Write a TIFF of 16 bits and three colours, which Pillow does not write and OpenCV writes upright only."""
    (height, width), size = deep.shape[:2], deep.nbytes
    depths = 8 + 2 + 10 * 12 + 4  # where what follows the table begins
    tags = {
        256: width,
        257: height,
        258: depths,
        259: 1,
        262: 2,
        273: depths + 6,
        274: orientation,
        277: 3,
        278: height,
    }
    table = b"".join(
        struct.pack("<HHIHxx", tag, 3, 1, value) if tag != 258 else struct.pack("<HHII", tag, 3, 3, value)
        for tag, value in {**tags, 279: size}.items()
    )
    path.write_bytes(
        b"II*\0" + struct.pack("<IH", 8, 10) + table + bytes(4) + struct.pack("<3H", 16, 16, 16) + deep.tobytes()
    )


@pytest.mark.parametrize("mode", ["CMYK", "P", "L", "1"])
def test_other_colours(tmp_path, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = Image.fromarray(SOFT).convert(mode)
    picture.save(tmp_path / "a", kind, **NEARLY.get(kind, {}))
    assert apart(only(tmp_path / "a"), np.asarray(picture.convert("RGB"))) <= 2


def test_what_is_transparent_is_black(tmp_path):
    alpha = np.zeros(SOFT.shape[:2], np.uint8)
    alpha[:, :10], alpha[:, 10:20] = 255, 128
    expected = np.round(SOFT * (alpha[:, :, None] / 255.0))
    for kind in ("PNG", "TIFF", "WEBP"):
        Image.fromarray(np.dstack([SOFT, alpha])).save(tmp_path / "a", kind, **EXACT[kind])
        assert apart(only(tmp_path / "a"), expected) <= 1
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([SOFT[:, :, ::-1], alpha]).astype(np.uint16) * 257)
    assert apart(only(tmp_path / "a.png"), expected) <= 1
    for kind in ("PNG", "GIF"):  # one colour of a palette
        palette = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4), "P")
        palette.putpalette([200, 100, 50] * 256)
        palette.save(tmp_path / "a", kind, transparency=5)
        assert np.flatnonzero(~only(tmp_path / "a").any(2)).tolist() == [5]


@pytest.mark.parametrize(("factor", "most"), [(1, 255), (4, 1023), (16, 4095), (64, 16383)])
def test_deep_pictures_are_as_light_as_their_source(tmp_path, factor, most):
    deep = SOFT.astype(np.uint16) * factor
    for name, stored in (("a.png", deep[:, :, ::-1]), ("a.tif", deep[:, :, ::-1]), ("b.png", deep[:, :, 0])):
        cv2.imwrite(str(tmp_path / name), stored)
        (image,), told = read(tmp_path / name)
        assert apart(image, SOFT if stored.ndim == 3 else np.repeat(SOFT[:, :, :1], 3, 2)) == 0
        assert told == [
            f"{tmp_path / name} has more than 8 bits per colour, and its lightest is {stored.max()}: from here on, "
            f"colours are taken to go up to {most}."
        ]


def test_what_uses_all_16_bits_needs_no_word(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), SOFT[:, :, ::-1].astype(np.uint16) * 257)
    assert apart(only(tmp_path / "a.png"), SOFT) == 0


@pytest.mark.parametrize("factor", [1, 1 / 255])
def test_floats(tmp_path, factor):
    floats = SOFT[:, :, 0].astype(np.float32) * np.float32(factor)
    floats[0, 0] = np.nan
    Image.fromarray(floats).save(tmp_path / "a.tif")
    (image,), told = read(tmp_path / "a.tif")
    assert apart(image[1:], np.repeat(SOFT[1:, :, :1], 3, 2)) == 0
    assert len(told) == (factor == 1)


def test_a_sequence_has_one_range_that_only_grows(tmp_path):
    told = []
    reader = ImageReader(told)
    means = []
    for most in (4000, 900, 60_000, 4000):
        cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4), most, np.uint16))
        means.append(next(reader.pages(tmp_path / "a.png"))[0].mean())
    assert means == [250, 56, 234, 15]
    assert [text.rpartition(" ")[2] for text in told] == ["4095.", "65535."]


PAGES = [Image.fromarray(np.roll(SOFT, 7 * step, 1)) for step in range(3)]


@pytest.mark.parametrize(("kind", "near"), [("TIFF", 0), ("PNG", 0), ("WEBP", 0), ("GIF", 40), ("AVIF", 25)])
def test_every_page_is_an_image(tmp_path, kind, near):
    own = {} if kind == "TIFF" else {"duration": [100, 40, 200]}
    (tmp_path / "a").write_bytes(_saved(kind, 3, **own, **(EXACT | NEARLY).get(kind, {})))
    pages = list(ImageReader([]).pages(tmp_path / "a"))
    assert all(apart(image, np.asarray(page)) <= near for (image, _), page in zip(pages, PAGES, strict=True))
    assert [seconds for _, seconds in pages] == ([0, 0, 0] if kind == "TIFF" else [0.1, 0.04, 0.2])
    assert look(tmp_path / "a") == (3, kind != "TIFF")


def test_pages_of_deep_pictures(tmp_path):
    cv2.imwritemulti(str(tmp_path / "a.tif"), [np.asarray(page)[:, :, ::-1].astype(np.uint16) * 16 for page in PAGES])
    pages, told = read(tmp_path / "a.tif")
    assert [apart(image, np.asarray(page)) for image, page in zip(pages, PAGES, strict=True)] == [0, 0, 0]
    assert len(told) == 1


def test_previews_in_a_jpeg_are_no_pages(tmp_path):
    (tmp_path / "a.jpg").write_bytes(_saved("MPO", 3, **NEARLY["JPEG"]))
    assert apart(only(tmp_path / "a.jpg"), SOFT) <= 4
    assert look(tmp_path / "a.jpg") == (1, False)


@pytest.mark.parametrize("kind", [*EXACT, *NEARLY, "GIF"])
def test_a_cut_file_is_unreadable_and_not_half_grey(tmp_path, kind):
    data = io.BytesIO()
    Image.fromarray(soft(200, 300)).save(data, kind)
    for kept in (0.1, 0.5, 0.97):
        (tmp_path / "a").write_bytes(data.getvalue()[: int(kept * len(data.getvalue()))])
        with pytest.raises(ValueError, match="damaged"):
            read(tmp_path / "a")


@pytest.mark.parametrize(("kind", "end"), [("PNG", b""), ("GIF", b""), ("GIF", b"\0!\xf9\4\0")])
def test_pages_before_a_damaged_one_are_good(tmp_path, kind, end):
    (tmp_path / "a").write_bytes(_saved(kind, 3)[:-200] + end)
    pages = ImageReader([]).pages(tmp_path / "a")
    assert apart(next(pages)[0], SOFT) <= 40
    with pytest.raises(ValueError, match="damaged"):
        list(pages)


def _gif(width, height):
    data = bytearray(_saved("GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def _webp(width, height):
    data = bytearray(_saved("WEBP", 3))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return bytes(data)


def _png(width, height):
    data = bytearray(_saved("PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def _saved(kind, pages=1, **options):
    data = io.BytesIO()
    first, *others = (page.copy() for page in PAGES[:pages])  # copies, as Pillow notes on them how they were saved
    if others:
        options |= {"save_all": True, "append_images": others}
    first.save(data, kind, **options)
    return data.getvalue()


@pytest.mark.slow
def test_large_pictures_are_told_before_they_are_decoded_and_nobody_else_says_a_word(tmp_path):
    wanted = []
    for make in (_gif, _webp, _png):
        for width, height in ((9000, 8000), (10_000, 10_000), (16_000, 16_000)):
            (tmp_path / f"{len(wanted)}").write_bytes(make(width, height))
            wanted.append(f"it has {width * height >> 20} megapixels, and up to 64 are decoded")
    data = bytearray(_saved("TIFF", compression="tiff_lzw"))
    data[300:600] = bytes(300)
    (tmp_path / f"{len(wanted)}").write_bytes(data)
    wanted.append("it is damaged, or no image that is understood")
    code = """
import resource, sys
from pathlib import Path
from mdhr_runtime.sources.image_reader import ImageReader
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number in range(int(sys.argv[1])):
    try:
        list(ImageReader([]).pages(Path(str(number))))
    except ValueError as error:
        print(error)
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 50_000
"""
    command = [sys.executable, "-c", code, str(len(wanted))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == wanted
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Pillow's, which only pytest shows
def test_damaged_data_ends_in_words_or_images(tmp_path):
    rng = np.random.default_rng(5)
    whole = [_saved(kind, 3) for kind in ("GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO")]
    whole += [_saved("BMP"), cv2.imencode(".tif", SOFT.astype(np.uint16))[1].tobytes()]
    for data in whole:
        for _ in range(20):
            torn = bytearray(data[: int(rng.integers(len(data) // 2, len(data) + 1))])
            for at in rng.integers(0, min(len(torn), 400), 3):
                torn[at] = rng.integers(256)
            (tmp_path / "a").write_bytes(torn)
            try:
                pages, _ = read(tmp_path / "a")
            except ValueError:
                continue
            assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in pages)


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = _turned(6)
    picture.info["exif"] = _exif(6).tobytes()
    pillow_heif.register_heif_opener()
    picture.save(tmp_path / "a.jpg", "HEIF", quality=100, chroma=444)
    assert apart(only(tmp_path / "a.jpg"), SOFT) <= 6
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-200])
    with pytest.raises(ValueError, match="damaged"):
        read(tmp_path / "a.jpg")


def test_heic_without_its_reader(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(VideoError, match=r"pip install 'mdhr-edge\[heic\]'"):
        look(tmp_path / "a.heic")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "it is a web page"),
        (b"", "it is an empty file"),
        (b"\xff\0noise", "it is damaged, or no image that is understood"),
        (b"\x89PNG\r\n\x1a\n", "it is damaged, or no image that is understood"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_picture_is_told(tmp_path, content, why):
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=why):
        read(tmp_path / "a.png")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ValueError, match="It is a pipe"):
        read(tmp_path / "a.png")
