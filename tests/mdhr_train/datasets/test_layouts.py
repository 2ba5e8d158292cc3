import re

import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.records import from_yaml
from mdhr_train.datasets import BP4D, DISFA, LAYOUTS
from mdhr_train.datasets.layouts import FACE, LARGEST_REGION, derive_layout, layout_from, layout_text, read_layout

EVERY_AU = [au for _, aus in FACE.values() for au in aus]


@pytest.mark.parametrize("published", LAYOUTS.values(), ids=LAYOUTS)
def test_the_published_regions_are_what_is_derived_for_their_aus(published):
    assert derive_layout("mine", published.aus).regions == published.regions


def test_published_faces_are_tested_on_as_a_whole_and_derived_ones_as_large_as_in_training():
    assert BP4D.crop.view == DISFA.crop.view == "resize"
    assert derive_layout("mine", [12]).crop.view == "centre"


def test_every_au_of_the_face_has_one_place_and_no_region_is_too_large_to_learn():
    assert len(EVERY_AU) == len(set(EVERY_AU))
    layout = derive_layout("all", EVERY_AU)
    assert max(len(region.aus) for region in layout.regions) == LARGEST_REGION
    for first in range(0, len(EVERY_AU), 7):
        sizes = [len(region.aus) for region in derive_layout("part", EVERY_AU[first : first + 7]).regions]
        assert max(sizes) <= LARGEST_REGION


@pytest.mark.parametrize("aus", [[12], [1, 45], EVERY_AU])
def test_a_layout_s_text_is_the_layout(tmp_path, aus):
    layout = derive_layout("my videos: 1", aus)
    (tmp_path / "layout.yaml").write_text(layout_text(layout))
    assert read_layout(tmp_path / "layout.yaml") == layout


@pytest.mark.parametrize(("aus", "why"), [([], "There are none"), ([12, 99, 51], "AU51, AU99")])
def test_aus_without_a_place_are_refused(aus, why):
    with pytest.raises(ConfigError) as error:
        derive_layout("mine", aus)
    assert why in error.value.why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("aus: [12]", "aus: [12, 12]"), "the regions hold AUs"),
        (("aus: [12], rows", "aus: [12, 12], rows"), "the regions hold AUs"),
        (("aus: [12], rows", "aus: [15], rows"), "the regions hold AUs"),
        (("rows: [4, 7]", "rows: [4, 4]"), "has no rows"),
        (("view: centre", "view: corner"), "none of centre, resize"),
        (("mouth: [0.51, 0.7]", "mouth: [0.51, 0.1]"), "not those of an upright face"),
        (("name: mine", "name: [mine]"), "Expected `str`"),
        (("region_projection: true", "region_projection: {"), "It is no YAML"),
        (("regions:", "region:"), "missing required field `regions`"),
    ],
)
def test_a_file_that_is_no_layout_is_refused_in_three_parts(tmp_path, change, why):
    text = layout_text(derive_layout("mine", [12]))
    assert change[0] in text
    path = tmp_path / "layout.yaml"
    path.write_text(text.replace(*change))
    with pytest.raises(ConfigError, match=re.escape(str(path))) as error:
        read_layout(path)
    assert why in error.value.why
    assert "--dry-run" in error.value.fix


def test_a_missing_layout_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no layout"):
        read_layout(tmp_path / "layout.yaml")


def test_layouts_that_name_fewer_things_have_defaults():
    value = from_yaml(dict, layout_text(derive_layout("mine", [12])))
    del value["crop"]["view"], value["crop"]["reference_size"]
    assert layout_from(value) == derive_layout("mine", [12])
