"""Reading the images of files of all kinds, page by page."""

from __future__ import annotations

import ctypes
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageSequence

from ..defaults import MOST_PIXELS
from ..errors import VideoError, not_imported
from ..file_types import HEIC, IMAGE, file_type
from ..files import open_regular
from ..orientation import upright

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Pillow's names of what is read. It knows others, whose readers are old and little used."""
DEPTHS = (8, 10, 12, 14, 16, 32)
"""Bits of a colour that cameras, microscopes and programs use."""

# What Pillow, and libtiff within it, would print about damaged or large images is told in our words.
warnings.filterwarnings("ignore", module=r"PIL\b")
logging.getLogger("PIL").addHandler(logging.NullHandler())
with suppress(AttributeError, OSError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)  # type: ignore[attr-defined]


class ImageReader:
    """Reads the image files of one sequence.

    Pillow decodes them, and OpenCV the colours of more than 8 bits that Pillow would cut. What is transparent is laid
    over black. Colours of more than 8 bits are scaled by the range that the sequence has used so far.

    Args:
        warnings: Where sentences go that the user should read.
    """

    def __init__(self, warnings: list[str]) -> None:
        self._warnings = warnings
        self._depth = 0

    def pages(self, path: Path) -> Iterator[tuple[np.ndarray, float]]:
        """Read the images of an animation or of a file with pages, one at a time, or the only one of another file.

        Yields:
            An image, uint8 (H, W, 3), RGB, upright; and for how many seconds an animation shows it, otherwise 0.

        Raises:
            ValueError: The file, or its next page, cannot be read; says why.
            VideoError: What reads it is not installed.
        """
        with _opened(path) as (image, name):
            count, timed = _extent(image)
            for page, _ in enumerate(islice(ImageSequence.Iterator(image), count)):
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError(f"{image.width * image.height} pixels")
                pixels = self._pixels(image, name, page, path)
                yield pixels, image.info.get("duration", 0) / 1000 if timed else 0.0
            if count is None:
                raise EOFError

    def _pixels(self, image: ImageFile.ImageFile, name: str, page: int, path: Path) -> np.ndarray:
        cut = image.mode in ("RGB", "RGBA") and any(";16" in str(tile.args) for tile in image.tile)
        image.load()
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)  # Pillow and OpenCV have turned TIFF and HEIC already
        flat: Image.Image = image
        if cut:
            with Image.open(name, formats=(image.format or "",)) as same:
                same.verify()  # checksums that Pillow passes over, and OpenCV complains of on the terminal
            _, deep = cv2.imreadmulti(name, page, 1, flags=cv2.IMREAD_UNCHANGED)
            order = [2, 1, 0, 3][: len(image.getbands())]
            flat = Image.fromarray(self._eight_bits(deep[0][:, :, order], path))
        elif image.mode[0] in "IF":
            flat = Image.fromarray(self._eight_bits(np.asarray(image), path))
        if flat.has_transparency_data:
            layer = flat.convert("RGBA")
            flat = Image.new("RGB", layer.size)
            flat.paste(layer, mask=layer)
        return upright(np.array(flat if flat.mode == "RGB" else flat.convert("RGB")), turn)

    def _eight_bits(self, colours: np.ndarray, path: Path) -> np.ndarray:
        """Scale whole numbers or floats (H, W) or (H, W, 3 or 4) to uint8, by the lightest that came so far."""
        floats = colours.dtype.kind == "f"
        if floats:
            colours = np.nan_to_num(colours, posinf=0, neginf=0)
        lightest = (colours if colours.ndim == 2 else colours[:, :, :3]).max()
        depth = 0 if floats and lightest < 2 else next((bits for bits in DEPTHS if lightest < 2**bits), DEPTHS[-1])
        if depth > self._depth:
            if self._depth or depth != 16:
                self._warnings.append(
                    f"{path} has more than 8 bits per colour, and its lightest is {lightest:g}: from here on, colours "
                    f"are taken to go up to {2**depth - 1}."
                )
            self._depth = depth
        scaled = colours * (256 / 2**self._depth) if floats else colours >> (self._depth - 8)
        return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def look(path: Path) -> tuple[int | None, bool]:
    """See how many pages a file has, None where data between them is damaged; and whether each has a time of its own.

    Raises:
        ValueError: The file cannot be read; says why.
        VideoError: What reads it is not installed.
    """
    with _opened(path) as (image, _):
        return _extent(image)


def _extent(image: Image.Image) -> tuple[int | None, bool]:
    count: int | None = 1  # of a JPEG, too: further images in it are previews, and the views of a stereo camera
    if image.format != "MPO":
        count = None
        with suppress(Exception):
            count = getattr(image, "n_frames", 1)
    return count, count != 1 and image.format in ("AVIF", "GIF", "PNG", "WEBP")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[ImageFile.ImageFile, str]]:
    """Open an image before it is decoded; gives a name of ASCII with it. Errors in the block are those of `pages`."""
    kind = file_type(path)
    formats: tuple[str, ...] = FORMATS
    if kind == HEIC:
        try:
            import pillow_heif
        except ImportError as error:
            what = f"What reads HEIC images, such as {path},"
            raise VideoError(*not_imported(what, error, "Run `pip install 'mdhr-edge[heic]'`.")) from error
        pillow_heif.register_heif_opener()
        formats = ("HEIF",)
    try:
        with open_regular(path) as file, Image.open(file, formats=formats) as image:
            yield image, f"/proc/self/fd/{file.fileno()}"
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:  # ours, or Pillow's, whose bound is higher and comes first
        pixels = int(re.findall(r"\d+", str(error))[0])
        most = f"up to {MOST_PIXELS >> 20} are decoded"
        raise ValueError(f"it has {pixels >> 20} megapixels, and {most}") from error
    except Exception as error:  # of damaged data Pillow raises all kinds
        known = "it is damaged, or no image that is understood" if kind in (IMAGE, HEIC, None) else f"it is {kind.noun}"
        raise ValueError(getattr(error, "strerror", None) or known) from error
