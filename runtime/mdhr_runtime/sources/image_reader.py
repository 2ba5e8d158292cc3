"""Reading the images of files of all kinds, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageSequence

from ..defaults import MOST_PIXELS
from ..errors import MdhrError, VideoError, not_imported
from ..file_types import HEIC, IMAGE, file_type
from ..files import open_regular
from .orientation import upright

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Pillow's names of what is read. It knows others, whose readers are old and little used."""
TIMED = frozenset({"AVIF", "GIF", "PNG", "WEBP"})
"""Those whose pages are an animation, each shown for a time that the file says."""
SUBFILE_TYPE, REDUCED, MASK = 254, 1, 4
"""TIFF's tag and its bits of pages that are none: a smaller copy of another one, and what of it is transparent."""
DEPTHS = (8, 10, 12, 14, 16, 32)
"""Bits of a colour that cameras, microscopes and programs use."""


class Page(NamedTuple):
    """One of the images of a file.

    Attributes:
        image: uint8 (H, W, 3), RGB, upright.
        seconds: How long an animation shows it; None where the file does not say.
    """

    image: np.ndarray
    seconds: float | None


class ImageReader:
    """Reads the image files of one sequence.

    Pillow decodes them, and OpenCV the colours of more than 8 bits that Pillow would cut.

    Args:
        warnings: Where sentences go that the user should read.
    """

    def __init__(self, warnings: list[str]) -> None:
        self._warnings = warnings
        self._depth = 0

    def pages(self, path: Path) -> Iterator[Page]:
        """Read a file's pages, one at a time: the images of an animation or a TIFF; of other files, the only one.

        What is transparent is laid over black. Colours of more than 8 bits are scaled by the range that is used, the
        same for a whole sequence as far as it is known.

        Raises:
            ValueError: The file, or its next page, cannot be read; says why.
            VideoError: What reads it is not installed.
        """
        with _opened(path) as (image, descriptor):
            timed = _timed(image)
            # The further images in a JPEG are previews, and the views of a stereo camera.
            pages = islice(ImageSequence.Iterator(image), 1 if image.format == "MPO" else None)
            for index, _ in enumerate(pages):
                if index and getattr(image, "tag_v2", {}).get(SUBFILE_TYPE, 0) & (REDUCED | MASK):
                    continue
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError(f"{image.width * image.height} pixels")
                pixels = self._pixels(image, f"/proc/self/fd/{descriptor}", index, path)
                yield Page(pixels, image.info.get("duration", 0) / 1000 or None if timed else None)

    def _pixels(self, image: ImageFile.ImageFile, name: str, index: int, path: Path) -> np.ndarray:
        cut = image.mode in ("RGB", "RGBA") and any(";16" in str(tile.args) for tile in image.tile)
        image.load()
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
        flat: Image.Image = image
        if cut:
            _, pages = cv2.imreadmulti(name, index, 1, flags=cv2.IMREAD_UNCHANGED)
            order = [2, 1, 0, 3][: len(image.getbands())]
            flat = Image.fromarray(self._eight_bits(pages[0][:, :, order], path))
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


def look(path: Path) -> tuple[int, bool]:
    """How many pages a file has, and whether they are an animation with times of its own. See `ImageReader.pages`."""
    with _opened(path) as (image, _):
        return 1 if image.format == "MPO" else getattr(image, "n_frames", 1), _timed(image)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[ImageFile.ImageFile, int]]:
    """Open an image, not yet decoded, with its file's descriptor. What Pillow raises is told as `pages` says."""
    kind = file_type(path)
    formats = FORMATS
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
            yield image, file.fileno()
    except (MemoryError, MdhrError):
        raise
    except Image.DecompressionBombError as error:  # ours, or Pillow's, whose bound is higher and comes first
        pixels = int(re.findall(r"\d+", str(error))[0])
        raise ValueError(
            f"it has {pixels / 1e6:.0f} megapixels, and up to {MOST_PIXELS / 1e6:.0f} are decoded"
        ) from error
    except Exception as error:  # of damaged data Pillow raises all kinds
        known = "it is damaged, or no image that is understood" if kind in (IMAGE, HEIC, None) else f"it is {kind.noun}"
        raise ValueError(getattr(error, "strerror", None) or known) from error


def _timed(image: Image.Image) -> bool:
    return image.format in TIMED and getattr(image, "is_animated", False)
