from mdhr_train.commands.run_options import DEFAULTS, SECTIONS
from mdhr_train.datasets import BP4D
from mdhr_train.training.config import build_config


def test_what_the_help_says_is_what_the_code_has():
    config = build_config({}, BP4D).to_dict()
    for settings in SECTIONS.values():
        for key in settings:
            section, _, name = key.rpartition(".")
            value = (config[section] if section else config)[name]
            assert DEFAULTS.get(key) == value, key
