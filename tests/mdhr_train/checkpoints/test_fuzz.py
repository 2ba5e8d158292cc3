"""Ten thousand damaged and invented files: an error of the family for each, and nothing of them is run."""

import pickle
from contextlib import suppress

import pytest
import safetensors.torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_checkpoint import content, members, network, saved, zipped

from mdhr_runtime.errors import CheckpointError
from mdhr_train.checkpoints import load_checkpoint

EACH = settings(
    max_examples=2500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
PART = "archive/data.pkl"


@pytest.fixture(scope="module")
def forms():
    """A small file of every form: its own description, and few weights of the network."""
    whole = content(network())
    few = whole | {"state_dict": dict(list(whole["state_dict"].items())[:3]), "metrics": {"epoch": 3, "f1": [0.5]}}
    tensors = {key: tensor.contiguous() for key, tensor in few["state_dict"].items()}
    return {
        "zip": saved(few),
        "legacy": saved(few, legacy=True),
        "safetensors": safetensors.torch.save(tensors, {"mdhr": '{"schema": 1, "config": {}}'}),
        "weights": saved(few["state_dict"]),
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture
def read(place, monkeypatch):
    """Read bytes as a checkpoint. Whatever is imported or called on the way to a canary shows as its file."""
    canary, path = place / "canary", place / "x.pt"

    def load(data):
        path.write_bytes(data)
        with suppress(CheckpointError):
            load_checkpoint(path)
        assert not canary.exists()

    load.canary = canary
    return load


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(("flip", "cut", "insert", "repeat", "end")),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data, mutations):
    data = bytearray(data)
    for kind, where, piece in mutations:
        at = int(where * len(data))
        if kind == "flip":
            data[at : at + 1] = bytes([(data[at] if at < len(data) else 0) ^ piece[0]])
        elif kind == "cut":
            del data[at : at + len(piece)]
        elif kind == "insert":
            data[at:at] = piece
        elif kind == "repeat":
            data[at:at] = data[at : at + 8 * len(piece)]
        else:
            del data[at:]
    return bytes(data)


@pytest.mark.slow
@EACH
@given(form=st.sampled_from(("zip", "legacy", "safetensors")), mutations=MUTATIONS)
def test_damaged_files(forms, read, form, mutations):
    read(mutated(forms[form], mutations))


@pytest.mark.slow
@EACH
@given(form=st.sampled_from(("zip", "weights")), mutations=MUTATIONS)
def test_archives_with_whole_checksums_and_a_damaged_pickle(forms, read, form, mutations):
    parts = members(forms[form])
    read(zipped(parts | {PART: mutated(parts[PART], mutations)}))


OPCODES = st.sampled_from([getattr(pickle, name) for name in pickle.__all__ if name.isupper() and len(name) > 2])
"""Opcodes, and names of the pickle module that are none and only bytes too."""


@pytest.mark.slow
@EACH
@given(
    protocol=st.sampled_from([b"", *(pickle.PROTO + bytes([number]) for number in range(7))]),
    before=st.lists(st.one_of(OPCODES.filter(lambda each: isinstance(each, bytes)), st.binary(max_size=4)), max_size=8),
    after=st.lists(st.one_of(OPCODES.filter(lambda each: isinstance(each, bytes)), st.binary(max_size=4)), max_size=8),
    form=st.sampled_from(("bare", "zip", "legacy")),
)
def test_invented_pickles_around_a_call(forms, read, protocol, before, after, form):
    call = b"cposix\nsystem\n(S'touch %s'\ntR" % bytes(read.canary)
    hostile = protocol + b"".join(before) + call + b"".join(after) + b"."
    read(
        {
            "bare": hostile,
            "zip": zipped(members(forms["zip"]) | {PART: hostile}),
            "legacy": forms["legacy"][: forms["legacy"].index(b"}q\x00(X")] + hostile,
        }[form]
    )


@pytest.mark.slow
@EACH
@given(
    start=st.sampled_from((b"", b"PK\x03\x04", b"\x80\x02", b"{", b"\x08\0\0\0\0\0\0\0{", b"<")),
    data=st.binary(max_size=300),
)
def test_random_bytes(read, start, data):
    read(start + data)
