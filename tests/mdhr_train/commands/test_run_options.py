import pytest

from mdhr_train.commands.run_options import SECTIONS
from mdhr_train.datasets import BP4D
from mdhr_train.training.config import build_config, default_values


@pytest.mark.parametrize("key", [key for settings in SECTIONS.values() for key in settings])
def test_every_option_has_a_setting_whose_default_its_help_says(key):
    config = build_config({}, BP4D).to_dict()
    section, _, name = key.rpartition(".")
    follows = {"pretrained": False, "data.test_view": "centre"}  # from the data, and there are none
    default = follows.get(key, default_values()[key])
    assert default == (config[section] if section else config)[name]
