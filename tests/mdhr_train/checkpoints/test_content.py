"""What archives, streams and safetensors files are refused for, before they are unpacked."""

import io
import json
import resource
import struct
import zipfile

import pytest
import safetensors.torch
import torch
from tiny_checkpoint import content, members, network, saved, zipped

from mdhr_runtime.errors import CheckpointError
from mdhr_train.checkpoints import load_checkpoint


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture
def refused(tmp_path):
    """The error of a file with these bytes; nothing large may have been in memory for it."""

    def load(data):
        path = tmp_path / "x.pt"
        path.write_bytes(data)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(path)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
        return error.value

    return load


@pytest.fixture
def loaded(tmp_path):
    def load(data):
        (tmp_path / "x.pt").write_bytes(data)
        return load_checkpoint(tmp_path / "x.pt")

    return load


def same(one, other):
    return all(torch.equal(tensor, other.state_dict()[key]) for key, tensor in one.state_dict().items())


@pytest.mark.parametrize("legacy", [False, True])
def test_both_formats_of_pytorch_are_read(model, loaded, legacy):
    assert same(loaded(saved(content(model), legacy)).model, model)


def test_one_flipped_byte_of_the_weights_is_found(model, refused):
    data = bytearray(saved(content(model)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        weights = max(archive.infolist(), key=lambda member: member.file_size)
    data[weights.header_offset + 200] ^= 1
    assert "has another checksum" in refused(data).why


def test_an_archive_that_unpacks_to_more_than_it_has_is_refused(model, refused):
    parts = members(saved(content(model)))
    bomb = zipped(parts | {"archive/data/0": bytes(1 << 30)}, zipfile.ZIP_DEFLATED)
    assert "would unpack to 1,07" in refused(bomb).why
    assert "was refused" in refused(zipped(parts, zipfile.ZIP_DEFLATED)).what


def test_an_archive_of_very_many_files_is_refused(refused):
    many = {f"archive/data/{number}": b"" for number in range(70_000)}
    assert "in 70,001 files" in refused(zipped({"archive/data.pkl": b"\x80\x02}."} | many)).why


def test_a_description_without_end_is_refused(refused):
    endless = b"\x80\x02]" + b"}" * (9 << 20) + b"e."
    assert "8,388,608 are read" in refused(zipped({"archive/data.pkl": endless})).why
    legacy = saved({}, legacy=True)
    assert "not complete" in refused(legacy[: legacy.index(b"}q\x00.")] + endless).why


def test_a_stream_that_announces_more_than_it_holds_is_refused(refused):
    data = saved({"state_dict": {"a": torch.zeros(1000)}}, legacy=True)
    claim = data.replace(b"M\xe8\x03", b"J\x00\xca\x9a\x3b")  # 10⁹ numbers
    assert claim != data
    assert "truncated or damaged" in refused(claim).why
    assert "truncated or damaged" in refused(data[:-100]).why


def test_a_network_larger_than_the_file_is_not_built(model, refused):
    mine = content(model)
    mine["config"] = mine["config"] | {"node_features": 16_000, "extractors": True}
    assert "missing" in refused(saved(mine)).why
    assert "config.radius" in refused(saved(mine | {"config": mine["config"] | {"radius": 1 << 40}})).why
    repeated = mine["state_dict"] | {"static.linear.bias": torch.zeros(1).expand(1 << 40)}
    assert "not an MDHR checkpoint" in refused(saved(mine | {"state_dict": repeated})).what


def test_a_torn_archive_is_called_truncated(model, refused):
    data = saved(content(model))
    for length in (10, 1000, len(data) // 2, len(data) - 30):
        assert "truncated" in refused(data[:length]).why


@pytest.mark.parametrize(("value", "words"), [(float("nan"), "1 NaN of"), (float("-inf"), "1 infinite of")])
def test_weights_that_are_no_numbers_are_named(model, refused, value, words):
    mine = content(model)
    weights = {key: tensor.clone() for key, tensor in mine["state_dict"].items()}
    weights["cross.bias"].flatten()[0] = value
    error = refused(saved(mine | {"state_dict": weights}))
    assert "not all numbers" in error.what
    assert f"cross.bias ({words}" in error.why


def test_other_precisions_become_float32_and_whole_numbers_are_refused(model, loaded, refused):
    mine = content(model)

    def kept_as(dtype):
        weights = {
            key: each.to(dtype) if each.is_floating_point() else each for key, each in mine["state_dict"].items()
        }
        return saved(mine | {"state_dict": weights})

    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        found = loaded(kept_as(dtype)).model
        assert {each.dtype for each in found.parameters()} == {torch.float32}
        torch.testing.assert_close(found.cross.bias, model.cross.bias.to(dtype).float())
    error = refused(kept_as(torch.int8))
    assert "quantised" in error.what
    assert "(int8)" in error.why


def test_a_number_beyond_float32_is_not_finite(model, refused):
    mine = content(model)
    weights = mine["state_dict"] | {"cross.bias": model.cross.bias.detach().double() + 1e300}
    assert "infinite" in refused(saved(mine | {"state_dict": weights})).why


def in_safetensors(model, **described):
    mine = content(model)
    description = {"schema": 1, "config": mine["config"], **described}
    return safetensors.torch.save(mine["state_dict"], {"mdhr": json.dumps(description)})


def test_safetensors_of_our_layout_are_read(model, loaded):
    found = loaded(in_safetensors(model, metrics={"mean F1": 0.5}))
    assert (found.format, found.metrics) == ("mdhr", {"mean F1": 0.5})
    assert found.model.config == model.config
    assert same(found.model, model)


@pytest.mark.slow
def test_safetensors_of_the_published_layout_are_read(golden, loaded):
    import golden as vectors

    weights = {key: each.contiguous() for key, each in vectors.published_weights(golden, "DISFA_resnet").items()}
    found = loaded(safetensors.torch.save(weights, {"format": "pt"}))
    assert (found.format, found.model.config.backbone) == ("published", "resnet50")


def test_safetensors_that_make_no_sense_are_refused(model, refused):
    good = in_safetensors(model)
    header = int.from_bytes(good[:8], "little")
    assert "truncated" in refused(good[: 8 + header + 10]).why
    assert "longer than the file" in refused(good[:100]).why
    assert "are read" in refused(struct.pack("<Q", 9 << 20) + b"{" + bytes(10 << 20)).why
    shifted = good[:8] + good[8 : 8 + header].replace(b"[0,", b"[9,") + good[8 + header :]
    assert "truncated or damaged" in refused(shifted).why
    assert "truncated or damaged" in refused(safetensors.torch.save({}, {"mdhr": "[" * 100_000})).why
    assert "schema None" in refused(safetensors.torch.save({}, {"mdhr": "{}"})).why
    assert "unexpected: a" in refused(safetensors.torch.save({"a": torch.zeros(1)})).why
