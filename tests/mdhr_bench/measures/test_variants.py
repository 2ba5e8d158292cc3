import bench_result
import pytest

import mdhr_runtime
from mdhr_bench.measures import timing, variants
from mdhr_bench.measures.variants import measure_variants
from mdhr_runtime.backends import openvino
from mdhr_runtime.errors import ProviderError

pytest.importorskip("openvino")


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Few calls of each, and what was tried is forgotten."""
    monkeypatch.setattr(timing, "TURN", 0.0)
    monkeypatch.setattr(timing, "WINDOW", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def measured(bundle):
    """The result with its variants, and what is missing."""
    result = bench_result.complete()
    result.variants = []
    missing = list(measure_variants(mdhr_runtime.load(bundle, "cpu"), result, 5))
    return result.variants, missing


def test_all_that_is_right_here_is_timed_beside_the_first_in_every_size(tiny_bundle):
    found, missing = measured(tiny_bundle)
    names = [each.timing.id for each in found]
    assert [name for name in names if name.endswith("cpu float32")] == [
        f"{part} × {frames}, cpu float32" for part in ("encoder", "step") for frames in (1, 16)
    ]
    able = [("cpu", "float32")] + [("openvino", each) for each in openvino.precisions()]
    told = [each.what for each in missing]
    for provider, precision in able:
        assert (f"step × 1, {provider} {precision}" in names) != (f"precisions, {provider} {precision}" in told)
    assert "encoder × 16, openvino float32" in names
    for each in found:
        part, first = each.timing.id.partition(",")[0], each.ratio.to
        assert first == f"{part}, cpu float32"
        assert each.ratio.of == each.timing.id
        assert len(each.timing.rounds) == 5
        assert bool(each.layers) == (part.startswith("encoder") and "openvino" in each.timing.id)
        has_ceiling = not each.timing.id.endswith("float16") or each.timing.id.endswith("bfloat16")
        assert (each.floor is not None) == (part.startswith("encoder") and has_ceiling)
        assert each.timing.frames == int(part.rpartition(" ")[2])
    floors = {each.timing.id: each.floor.compute for each in found if each.floor}
    assert floors["encoder × 16, cpu float32"] == pytest.approx(16 * floors["encoder × 1, cpu float32"])


def test_of_one_alone_there_is_no_table_and_what_is_wrong_is_told(tiny_bundle, monkeypatch):
    def refused(path, provider, precision):
        if provider == "openvino":
            raise ProviderError("It is blue.", "It was painted.", "Wash it.")
        return mdhr_runtime.load(path, provider, precision=precision)

    monkeypatch.setattr(variants, "load", refused)
    found, missing = measured(tiny_bundle)
    assert found == []
    assert ("precisions, openvino float32", "It is blue. It was painted.") in {
        (each.what, each.why) for each in missing
    }
