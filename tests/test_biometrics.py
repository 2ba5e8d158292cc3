"""Face embeddings are nowhere to be seen: every path that writes, sends, logs or prints is tried, and memory after."""

import base64
import gc
import io
import pickle
import re
import struct
import threading
import urllib.request
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_server import free_port
from click.testing import CliRunner
from skimage import data

import mdhr_runtime
from mdhr_runtime import analyze
from mdhr_runtime.backends.onnx_runtime import OrtGraph
from mdhr_runtime.cli.run import main
from mdhr_runtime.contract import EMBEDDINGS
from mdhr_runtime.faces.association import Observation, Track
from mdhr_runtime.faces.identity import Embedder, People

csv = pytest.importorskip("pyarrow.csv", reason="needs the extra 'parquet'")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'parquet'")
client = pytest.importorskip("websockets.sync.client", reason="needs the extra 'ws'")

PART = 6
"""Numbers in a row by which an embedding is recognised."""
FORMS = [
    (kind, form) for kind in ("<f4", ">f4", "<f8", ">f8", "<f2") for form in (bytes, lambda data: data.hex().encode())
]
OBSERVED = [field.name for field in fields(Observation) if field.default is MISSING]
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?")
BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}")


def holds(content, embeddings):
    """Whether bytes hold a good part of an embedding: as text of three decimals and more, or as floats of any size and
    order, also in hexadecimal or Base64."""
    parts = np.concatenate([one[: len(one) // PART * PART].reshape(-1, PART) for one in embeddings])
    numbers = np.array([float(each) for each in NUMBER.findall(content)])
    windows = np.lib.stride_tricks.sliding_window_view(numbers, PART) if len(numbers) >= PART else np.empty((0, PART))
    if any((np.abs(windows - part) < 6e-4).all(axis=1).any() for part in parts):
        return True
    texts = [each[start:] for each in BASE64.findall(content) for start in range(4)]
    content = b"|".join((content, *(base64.b64decode(each[: len(each) // 4 * 4]) for each in texts)))
    return any(
        all(each in content for each in _pieces(part.astype(kind), form)) for part in parts for kind, form in FORMS
    )


def _pieces(part, form):
    """What of a part is looked for: single numbers if each is long enough to be known again."""
    return [form(each.tobytes()) for each in (part[:, None] if part.itemsize == 8 else [part])]


def both(outputs):
    """Embeddings as the graph gives them, and of unit length."""
    return [one * factor for one in outputs for factor in (1, 1 / np.linalg.norm(one))]


@pytest.fixture
def embeddings(monkeypatch):
    """The embeddings that the graph computes during the test, (128,) each."""
    outputs, run = [], OrtGraph.__call__

    def watched(graph, inputs):
        found = run(graph, inputs)
        outputs.extend(each.copy() for each in found.get(EMBEDDINGS, ()))
        return found

    monkeypatch.setattr(OrtGraph, "__call__", watched)
    return outputs


@pytest.fixture
def film(tmp_path):
    """A video of a face, 24 frames; in the middle it is away."""
    portrait = data.astronaut()[:240, 100:340, ::-1]
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (240, 240))
    for step in range(24):
        away = 8 <= step < 12
        writer.write(np.zeros((240, 240, 3), np.uint8) if away else np.roll(portrait, step % 4, axis=1))
    writer.release()
    return path


@pytest.mark.parametrize(
    "form",
    [
        lambda vector: vector.tobytes(),
        lambda vector: vector.astype(">f8").tobytes(),
        lambda vector: vector.astype(np.float16).tobytes(),
        lambda vector: vector.tobytes().hex().encode(),
        lambda vector: b'{"x":"' + base64.b64encode(b"ab" + vector.tobytes()) + b'"}',
        lambda vector: repr(vector).encode(),
        lambda vector: repr(vector.tolist()).encode(),
        lambda vector: ",".join(f"{each:.3f}" for each in vector).encode(),
        lambda vector: pickle.dumps(vector),
        lambda vector: pickle.dumps(vector.tolist()),
    ],
)
def test_an_embedding_would_be_found(form):
    vector = np.random.default_rng(0).normal(0, 0.1, 128).astype(np.float32)
    before, after = b"1,0.25,a\n" * 20, struct.pack("<8f", *range(8))
    assert holds(before + form(vector) + after, [vector])
    assert not holds(before + form(-vector) + after, [vector])


@pytest.mark.slow
def test_all_outputs_and_the_log(tiny_bundle, tmp_path, monkeypatch, capfd, film, embeddings):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    rows, page, received = free_port(), free_port(), {}
    addresses = f"ws://127.0.0.1:{rows}/au", f"ws://127.0.0.1:{rows}/au/events", f"http://127.0.0.1:{page}/events"
    listeners = [threading.Thread(target=_listen, args=(address, received)) for address in addresses]
    for listener in listeners:
        listener.start()
    out = [word for name in ("a.csv", "a.jsonl", "a.parquet", "b/", "-") for word in ("--out", name)]
    events = ("--events", "e.csv", "--events", "e.eaf", "--summary", "s.csv", "--co-occurrence", "--landmarks")
    send = ("--overlay", "a.mp4", "--publish", f"ws://127.0.0.1:{rows}/au", "--serve", str(page))
    arguments = [
        str(tiny_bundle),
        str(film),
        "--provider",
        "cpu",
        *out,
        *events,
        *send,
        "--provisional",
        "--event-thresholds",
        "0",
        "0",
    ]
    done = CliRunner().invoke(main, [*arguments, "--log-level", "debug"])
    assert done.exit_code == 0, done.output
    for listener in listeners:
        listener.join(30)
    assert len(received) == len(listeners)
    assert all(received.values())
    assert len(embeddings) >= 2
    said = done.stdout_bytes + done.stderr_bytes + "".join(capfd.readouterr()).encode()
    files = {path.name: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert {"a.csv", "a.jsonl", "a.parquet", "a.mp4", "e.csv", "e.eaf", "s.csv"} < files.keys()
    files["columns"] = _as_text(work / "a.parquet")
    for name, content in {**files, **received, "said": said}.items():
        assert content, name
        assert not holds(content, both(embeddings)), name


def _listen(address, received):
    """Take all that an address sends, from when it is there."""
    for _ in range(3000):
        with suppress(OSError):
            if address.startswith("ws"):
                with client.connect(address, proxy=None) as messages:
                    received[address] = b"\n".join(str(message).encode() for message in messages)
            else:
                with urllib.request.urlopen(address, timeout=30) as reply:
                    received[address] = reply.read()
            return
        threading.Event().wait(0.01)


def _as_text(path: Path) -> bytes:
    text = io.BytesIO()
    csv.write_csv(parquet.read_table(path), text)
    return text.getvalue()


@pytest.mark.slow
def test_results_and_what_objects_say_of_themselves(tiny_bundle, film, embeddings):
    results, said = [], []
    for result in analyze(film, mdhr_runtime.load(tiny_bundle, "cpu")):
        results.append(result)
        if len(results) in (6, 20):
            said += map(repr, _living())
    assert len(embeddings) >= 2
    assert any(each.startswith("People(") for each in said)
    assert any(each.startswith("Track(") for each in said)
    assert not holds("\n".join(said).encode(), both(embeddings))
    assert not holds(pickle.dumps(results), both(embeddings))
    assert not holds(repr(results).encode(), both(embeddings))


def _living():
    """The objects of the classes that find, follow and recognise faces."""
    return [each for each in gc.get_objects() if str(type(each).__module__).startswith("mdhr_runtime.faces.")]


@pytest.mark.slow
def test_they_end_with_the_run(tiny_bundle, film, embeddings):
    before = _living()
    results = list(analyze(film, tiny_bundle, provider="cpu"))
    gc.collect()
    left = {type(each) for each in _living() if not any(each is other for other in before)}
    assert embeddings
    assert results
    assert not left & {People, Embedder, Observation, Track}


def test_what_holds_one_does_not_tell_it():
    vector = np.random.default_rng(0).normal(0, 128**-0.5, 128).astype(np.float32)
    people, zeros = People(), np.zeros(4)
    people.remember(0, vector)
    track = Track(0, zeros, zeros)
    track.observation = Observation(**dict.fromkeys(OBSERVED, zeros), embedding=vector)
    assert not holds(f"{people!r} {track!r}".encode(), both([vector]))
    with pytest.raises(TypeError):
        pickle.dumps(people)
