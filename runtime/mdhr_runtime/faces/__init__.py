"""Finding faces and cutting them out as the model expects them."""

from .base import Aligner, FaceDetector, FaceProvider, FoundFace, LandmarkRefiner, View

__all__ = ["Aligner", "FaceDetector", "FaceProvider", "FoundFace", "LandmarkRefiner", "View"]
