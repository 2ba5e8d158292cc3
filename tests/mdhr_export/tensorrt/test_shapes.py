"""Sizes that engines are built for."""

import pytest

from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import ConfigError


@pytest.fixture(scope="module")
def manifest(tiny_bundle):
    return open_bundle(tiny_bundle).manifest


def sizes(profile, name):
    """Sizes of the leading, dynamic dimensions of an input: least, likeliest, largest."""
    count = {"frames": 1, "motion": 2, "state_motion": 1}[name]
    return [shape[:count] for shape in profile[name]]


def test_one_camera_has_a_profile_of_fixed_shapes(manifest):
    one, _ = profiles_of("encoder", manifest, 8, 16)
    assert sizes(one, "frames") == [(1,)] * 3
    one, _ = profiles_of("temporal", manifest, 8, 16)
    assert sizes(one, "motion") == [(1, 1)] * 3
    assert sizes(one, "state_motion") == [(1,)] * 3


def test_many_cameras_have_a_profile_up_to_the_largest_batch(manifest):
    _, many = profiles_of("encoder", manifest, 32, 16)
    assert sizes(many, "frames") == [(1,), (32,), (32,)]
    _, many = profiles_of("temporal", manifest, 32, 16)
    assert sizes(many, "motion") == [(1, 1), (32, 1), (32, 16)]


def test_one_video_is_likeliest_to_come_in_large_steps(manifest):
    _, many = profiles_of("temporal", manifest, 1, 16)
    assert sizes(many, "motion") == [(1, 1), (1, 16), (1, 16)]


def test_every_dynamic_input_has_a_shape(manifest):
    for name in ("encoder", "temporal", "clip"):
        for profile in profiles_of(name, manifest, 2, 9):
            assert set(profile) == set(manifest.graphs[name].inputs)


def test_the_end_of_a_stream_must_fit(manifest):
    profiles_of("temporal", manifest, 1, 7)
    with pytest.raises(ConfigError, match="--max-frames 6 is too small"):
        profiles_of("temporal", manifest, 1, 6)
