"""Videos in a pipeline of Ray Data."""

import os
import pickle

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archiving import settings_of, task_of

from mdhr_runtime.archive.labelling import TABLE, Labeller
from mdhr_runtime.archive.ray_actors import QUIET, STORE_BYTES
from mdhr_runtime.errors import BundleError, DataError
from mdhr_runtime.ray import LabelVideo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip(media):
    return str(media / "single_face.mp4")


@pytest.fixture(scope="module")
def label(tiny_bundle):
    return LabelVideo(str(tiny_bundle), provider="cpu", every=16)


def test_videos_become_the_rows_of_their_tables(tiny_bundle, clip, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    videos = {
        "path": [clip, str(tmp_path / "bad.mp4"), str(tmp_path / "gone.mp4")],
        "id": ["a", None, "c"],
        "start": [0.1, None, None],
        "end": [0.3, None, None],
        "subject": ["x", "y", None],
    }
    pq.write_table(pa.table(videos), tmp_path / "videos.parquet")
    os.environ.update(QUIET)
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=STORE_BYTES, log_to_driver=False)
    try:
        rows = ray.data.read_parquet(str(tmp_path / "videos.parquet")).map_batches(
            LabelVideo,
            fn_constructor_kwargs={"bundle": str(tiny_bundle), "provider": "cpu"},
            batch_size=1,
            num_cpus=1,
            concurrency=(1, 2),
        )
        found = rows.to_pandas()
    finally:
        ray.shutdown()
    settings = settings_of(tiny_bundle, tmp_path)
    with Labeller(settings) as labeller:
        labeller.produce(task_of(settings, clip, "a", start=0.1, end=0.3), tmp_path)
    expected = pq.read_table(tmp_path / TABLE).to_pandas()
    assert list(found) == [*expected, "subject", "error"]
    whole = found[found["id"] == "a"].reset_index(drop=True)
    assert set(whole["subject"]) == {"x"}
    assert whole["error"].isna().all()
    assert len(whole) > 3
    pd.testing.assert_frame_equal(whole[list(expected)], expected, check_dtype=False)
    faulty = found[found["id"] != "a"].set_index("id")
    assert list(faulty.index) == [str(tmp_path / "bad.mp4"), "c"]
    assert "no source" in faulty["error"].iloc[0]
    assert faulty.loc["c", "error"].startswith(f"{tmp_path}/gone.mp4 cannot be read. No such file or directory.")
    assert faulty["frame"].isna().all()
    assert list(faulty["subject"].fillna("-")) == ["y", "-"]


def test_a_video_that_breaks_off_keeps_its_rows(label, media, tmp_path):
    whole = (media / "WolfgangLanger_Pexels.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    table = pa.concat_tables(label(pa.table({"path": [str(path)], "age": [7]})), promote_options="default")
    *rows, last = table.to_pylist()
    assert len(rows) > 3
    assert {row["error"] for row in rows} == {None}
    assert "breaks off after 9.5 seconds" in last["error"]
    assert last["frame"] is None
    assert {row["age"] for row in (*rows, last)} == {7}
    assert table.schema.field("age").type == pa.int64()


@pytest.mark.parametrize(
    ("columns", "why"), [({"name": ["a"]}, "no column path"), ({"path": ["a"], "frame": [1]}, "a column frame")]
)
@pytest.mark.parametrize("kind", [dict, pd.DataFrame, pa.table])
def test_columns_that_cannot_be_are_refused_in_words(label, columns, why, kind):
    with pytest.raises(DataError, match=why):
        next(label(kind(columns)))


def test_a_bundle_that_is_none_is_refused_and_the_refusal_travels(tmp_path):
    with pytest.raises(BundleError) as caught:
        LabelVideo(str(tmp_path))
    assert pickle.loads(pickle.dumps(caught.value)).what == caught.value.what
