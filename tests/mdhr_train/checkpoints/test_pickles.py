"""What pickles ask for, by name, without running any of it."""

import pickle

import pytest
import torch
from tiny_checkpoint import members, saved, zipped

from mdhr_runtime.errors import CheckpointError
from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.checkpoints.pickles import imports


class Payload:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.path}",)


def from_memo(path):
    """A pickle that takes both parts of the name from the memo."""
    text = [pickle.SHORT_BINUNICODE + bytes([len(each)]) + each for each in (b"posix", b"system")]
    names = text[0] + pickle.MEMOIZE + pickle.POP + text[1] + pickle.MEMOIZE + pickle.POP
    call = pickle.BINGET + b"\0" + pickle.BINGET + b"\1" + pickle.STACK_GLOBAL
    return b"\x80\x04" + names + call + b"(S'touch %s'\ntR." % bytes(path)


HOSTILE = {
    "after many numbers": lambda path: pickle.dumps([list(range(100_000)), Payload(path)], 2),
    **{f"protocol {number}": lambda path, number=number: pickle.dumps(Payload(path), number) for number in range(6)},
    "a list around it": lambda path: pickle.dumps([{"state_dict": Payload(path)}], 4),
    "memo": from_memo,
    "INST": lambda path: b"(S'touch %s'\niposix\nsystem\n." % bytes(path),
    "without an end": lambda path: pickle.dumps(Payload(path), 2)[:-1],
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", ["bare", "zip", "legacy"])
def test_a_hostile_pickle_is_refused_by_name_and_never_runs(tmp_path, name, form):
    marker, path = tmp_path / "ran", tmp_path / "x.pt"
    hostile = HOSTILE[name](marker)
    if form == "bare":
        content = hostile
    elif form == "zip":
        content = zipped(members(saved({})) | {"archive/data.pkl": hostile})
    else:
        number, version, machine = (pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, {}))
        content = number + version + machine + hostile
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)
    assert "asks for posix.system" in error.value.why
    assert not marker.exists()


def test_other_ways_to_code_are_named():
    assert imports(b"c__builtin__\neval\n(S'1'\ntR.") == ["__builtin__.eval"]
    assert imports(b"\x80\x02\x82\x07.") == ["extension 7 of copyreg"]
    # A name of the allowed ones does not hide another.
    assert imports(b"\x80\x02ccollections\nOrderedDict\ncbuiltins\nexec\n\x85R.") == ["builtins.exec"]
    inner = pickle.dumps({"weights": pickle.dumps(Payload("x"))})
    assert imports(inner) == []  # bytes that nobody unpickles
    hidden = b"\x80\x04\x8c\x05posix\x8c\x06system\x8c\x0bcollections\x8c\x0bOrderedDict00\x93."
    assert imports(hidden) == ["(made up as it goes).(made up as it goes)"]


def test_tensors_ask_for_nothing_else():
    content = {
        "half": torch.zeros(2, dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.zeros(2)),
        "quantised": torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8),
        "modules": torch.nn.Linear(1, 1).state_dict(),
    }
    assert imports(members(saved(content))["archive/data.pkl"]) == []


def test_what_is_no_pickle_is_an_error():
    for data in (b"", b"be.", b"cats\ndogs\n", b"\x80\x02", b"hello, world", bytes(range(256))):
        with pytest.raises(ValueError, match="not complete"):
            imports(data)


def test_a_harmless_bare_pickle_is_called_one(tmp_path):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"epoch": 3}, protocol)
        (tmp_path / "x.pt").write_bytes(data)
        with pytest.raises(CheckpointError, match="cannot be read") as error:
            load_checkpoint(tmp_path / "x.pt")
        assert "It is a pickle that torch.save did not write" in error.value.why
