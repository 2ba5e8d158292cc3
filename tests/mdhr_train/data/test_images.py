import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from mdhr_train.data.images import Augmentation, cut

PLAIN = Augmentation((16, 16), False, 1.0, 1.0, 1.0)


@pytest.fixture
def crops():
    """Two crops of middling colours that stay within range when they are changed."""
    return np.random.default_rng(0).integers(100, 140, (2, 256, 256, 3), np.uint8)


def test_no_change_is_the_centre(crops):
    np.testing.assert_array_equal(PLAIN.apply(crops), cut(crops))


def test_corner_and_flip_are_those_of_all_frames(crops):
    changed = Augmentation((3, 30), True, 1.0, 1.0, 1.0).apply(crops)
    np.testing.assert_array_equal(changed, crops[:, 3:227, 30:254][:, :, ::-1])


@pytest.mark.parametrize("colours", [(1.3, 1, 1), (1, 0.6, 1), (1, 1.4, 1), (1, 1, 0.6), (1, 1, 1.4), (0.9, 1.2, 0.7)])
def test_colours_change_as_torchvision_changes_them(crops, colours):
    brightness, contrast, saturation = colours
    changed = Augmentation((16, 16), False, *colours).apply(crops)
    # One picture, so that its mean grey is the clip's.
    images = torch.from_numpy(cut(crops).reshape(1, -1, 224, 3)).permute(0, 3, 1, 2)
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
