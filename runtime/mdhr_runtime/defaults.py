"""Default values that command lines show and libraries use. Nothing is imported, so that `--help` is instant."""

MIN_FACE = 48
"""Side of the smallest face in pixels.

The model's crop enlarges a smaller face more than four times, and wrinkles do not come back by that. Looking for faces
of 20 pixels, MTCNN's usual limit, takes the detector three times as long.
"""

DETECT_EVERY = 10
"""Frames from one detection to the next: what a new face waits at most. Landmarks do not suffer."""

MAX_GAP = 30
"""Frames that a face may be away and keep its id: about a second."""

IMAGES_PER_SECOND = 25.0
"""Rate of images, and of what else does not state its own: that of BP4D, which the model was trained on."""

TIMEOUT = 10.0
"""Seconds in which a camera must deliver, at first and ever after."""

MOST_PIXELS = 2**26
"""Pixels of the largest picture that is decoded, 64 megapixels: twice a frame of 8K."""
