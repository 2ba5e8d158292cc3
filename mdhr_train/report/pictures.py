"""Images inside the page."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from .markup import Markup, element

COLOURS = cv2.COLORMAP_INFERNO
QUALITY = 85


def data_uri(image: np.ndarray) -> str:
    """Write uint8 (H, W, 3), RGB, as a JPEG in a `data:` address."""
    _, content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def heat(face: np.ndarray, values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Lay a map over a face.

    Args:
        face: uint8 (H, W, 3), RGB.
        values: float (h, w) that covers the face.
        low: The value that has the first colour of the scale.
        high: The value that has the last.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    height, width = face.shape[:2]
    smooth = cv2.resize(values.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    level = (255 * np.clip((smooth - low) / max(high - low, 1e-6), 0, 1)).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(level, COLOURS), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(colours, 0.62, grey, 0.38, 0)


def colour_scale(low: str, high: str) -> Markup:
    """The colours of `heat`, with what stands at their ends."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)[None]
    blue_green_red = cv2.applyColorMap(levels, COLOURS)[0].tolist()
    stops = ", ".join(f"rgb({red} {green} {blue})" for blue, green, red in blue_green_red)
    bar = element("span", class_="ramp", style=f"background: linear-gradient(to right, {stops})")
    return element("p", low, bar, high, class_="scale")
