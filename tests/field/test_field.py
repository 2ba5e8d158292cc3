"""What users and attackers do, as the field trial did it: nothing wrong without a word, no traceback, no hang.

Every kind is a file in `kinds/` with a list of cases. At the end pytest prints a table of kinds and verdicts.
"""

import shutil
from importlib import import_module
from pathlib import Path

import pytest

KINDS = {
    path.stem: import_module(f".kinds.{path.stem}", __package__).CASES
    for path in sorted((Path(__file__).parent / "kinds").glob("*.py"))
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "case"),
    [pytest.param(kind, case, id=f"{kind}-{case.name}") for kind, cases in KINDS.items() for case in cases],
)
def test_field(kind, case, try_out):
    absent = [name for name in case.needs if shutil.which(name) is None]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}")
    problem = try_out(kind, case)
    assert not problem, problem


def test_names_tell_cases_apart():
    for kind, cases in KINDS.items():
        names = [case.name for case in cases]
        assert len(set(names)) == len(names), kind
