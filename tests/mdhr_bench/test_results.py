import json
from dataclasses import asdict
from pathlib import Path

import bench_result
import pytest

from mdhr_bench.results import SCHEMA, is_result, read_result, write_result
from mdhr_runtime.errors import DataError, OutputError


def written(path, data):
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def refused(path):
    """The error that a file is refused with, in its three parts."""
    with pytest.raises(DataError) as caught:
        read_result(path)
    error = caught.value
    assert str(path) in error.what
    assert error.why
    assert error.fix
    return error


@pytest.mark.parametrize("make", [bench_result.complete, bench_result.partial])
def test_a_result_is_read_as_it_was_written(tmp_path, make):
    path = tmp_path / "new" / "folder" / "a.json"
    write_result(make(), path)
    found = read_result(path)
    assert found == make()
    assert found.complete == make().complete


def test_results_of_measured_machines_are_read():
    paths = sorted((Path(__file__).parents[2] / "benchmarks" / "results").glob("*/*.json"))
    assert paths
    for path in paths:
        result = read_result(path)
        data = json.loads(path.read_text())
        assert json.loads(json.dumps(asdict(result))) == {"variants": []} | data
        assert is_result(path)
        assert result.precision == data["environment"]["provider"].get("precision", data["bundle"]["precision"])
        assert result.peak() is not None


def test_the_file_is_strict_json_and_names_its_schema(tmp_path):
    path = tmp_path / "a.json"
    write_result(bench_result.complete(), path)
    data = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no number of JSON"))
    assert data["schema"] == SCHEMA
    assert path.read_text().endswith("}\n")


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = written(tmp_path / "a.json", "what stood there before")
    write_result(bench_result.partial(), path)
    write_result(bench_result.complete(), path)
    assert read_result(path) == bench_result.complete()
    assert list(tmp_path.iterdir()) == [path]


def test_parts_are_found_by_their_ids():
    result = bench_result.complete()
    assert result.timing("clip").frames == 16
    assert result.ceiling("copy").unit == "B/s"
    assert result.peak() is result.ceiling("matmul float32")
    assert result.peak("bfloat16").value == 6e13
    assert result.peak("int8") is None
    assert result.timing("none") is result.ceiling("none") is None


def test_what_a_later_version_adds_is_passed_over(tmp_path):
    data = asdict(bench_result.partial()) | {"colour": "blue"}
    data["missing"][0]["colour"] = "blue"
    assert read_result(written(tmp_path / "a.json", data)) == bench_result.partial()


def test_a_result_of_a_newer_schema_is_refused_with_both_versions(tmp_path):
    data = asdict(bench_result.complete()) | {"schema": SCHEMA + 1}
    error = refused(written(tmp_path / "a.json", data))
    assert "newer" in error.what
    assert str(SCHEMA + 1) in error.why
    assert "Upgrade" in error.fix


@pytest.mark.parametrize("data", ["[]", "3", "null", '{"schema": "1"}', '{"name": "something else"}'])
def test_other_json_is_refused(tmp_path, data):
    error = refused(written(tmp_path / "a.json", data))
    assert "cannot be read as a benchmark's result" in error.what
    assert "--out" in error.fix


@pytest.mark.parametrize("data", ["", "no JSON", '{"schema": 1, "env'])
def test_a_file_that_is_no_json_is_refused(tmp_path, data):
    assert "cannot be read" in refused(written(tmp_path / "a.json", data)).what


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(path).what


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "none.json").why
    refused(tmp_path)


def without_its_bundle(data):
    del data["bundle"]


def with_a_timing_less(data):
    del data["timings"][0]["samples"]


def with_a_number_for_timings(data):
    data["timings"] = [3]


def with_another_summary(data):
    data["ceilings"][0]["summary"] = {"mean": 3}


def with_less_than_no_memory(data):
    data["memory"]["peak"] = -1


def with_a_time_that_is_no_number(data):
    data["timings"][0]["samples"][0] = float("nan")


def with_words_for_a_number(data):
    data["costs"][0]["flops"] = "many"


def with_a_truth_value_for_a_number(data):
    data["timings"][0]["rounds"][1] = True


def with_a_fraction_for_a_count(data):
    data["memory"]["peak"] = 0.5


def with_an_object_for_an_array(data):
    data["pipeline"][0]["stages"] = {}


def with_nothing_for_a_floor_that_is_needed(data):
    data["floor"]["times"] = None


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (without_its_bundle, "field `bundle`"),
        (with_a_timing_less, "at `timings[0]`: Object missing required field `samples`"),
        (with_a_number_for_timings, "at `timings[0]`: Expected `object`, got `int`"),
        (with_another_summary, "at `ceilings[0].summary`: Object missing required field `count`"),
        (with_less_than_no_memory, "at `memory.peak`: Expected `int` >= 0"),
        (with_a_time_that_is_no_number, "no finite number"),
        (with_words_for_a_number, "at `costs[0].flops`: Expected `int`, got `str`"),
        (with_a_truth_value_for_a_number, "at `timings[0].rounds[1]`: Expected `float`, got `bool`"),
        (with_a_fraction_for_a_count, "at `memory.peak`: Expected `int`, got `float`"),
        (with_an_object_for_an_array, "at `pipeline[0].stages`: Expected `array`, got `object`"),
        (with_nothing_for_a_floor_that_is_needed, "at `floor.times`: Expected `float`, got `null`"),
    ],
)
def test_a_damaged_result_is_refused_with_the_place(tmp_path, damage, why):
    data = json.loads(json.dumps(asdict(bench_result.complete())))
    damage(data)
    error = refused(written(tmp_path / "a.json", data))
    assert why in error.why
    assert "again" in error.fix


def test_a_result_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_result(bench_result.partial(), tmp_path / "file" / "a.json")
    assert caught.value.why
    assert "write to" in caught.value.fix
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_replaced_stays(tmp_path):
    folder = tmp_path / "a.json"
    (folder / "inside").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written"):
        write_result(bench_result.partial(), folder)
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
    assert (folder / "inside").is_dir()


def test_a_file_is_a_result_if_nothing_else_is_in_it(tmp_path):
    path = tmp_path / "a.json"
    for result in (bench_result.complete(), bench_result.partial()):
        write_result(result, path)
        assert is_result(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"note": "mine"}))
    assert not is_result(path)
    path.write_text('{"schema": 1}')
    assert not is_result(path)
