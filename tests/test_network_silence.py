"""Nothing leaves the machine unasked, and nothing is written but where it was asked for: seen by the kernel's calls."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
CALLS = "%network,open,openat,openat2,creat,mkdir,mkdirat,link,linkat,symlink,symlinkat,rename,renameat,renameat2"
RETURNED = re.compile(r" = \d+<(?P<path>/.*)>$")
MADE = re.compile(r"^(?:mkdir|link|symlink|rename)\w*\((?P<arguments>.*)\) = 0$")
WRITES = re.compile(r"\bO_(?:WRONLY|RDWR|CREAT)\b|\bcreat\(")
PROBED = re.compile(r"socket\(AF_INET6, .*\) = (\d+)<.*\nbind\(\1<.*sin6_port=htons\(0\),.*\"::1\".*\) = 0")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Not files: devices, and semaphores that are taken out of their folder as soon as they are made.
NOWHERE = ("/dev/", "/proc/self/")

PROGRAMS = {
    "mdhr-run": "from mdhr_runtime.cli.run import main; main()",
    "mdhr-archive": "from mdhr_runtime.cli.archive import main; main()",
    "mdhr-plot": "from mdhr_runtime.cli.plot import main; main()",
    "mdhr-export": "from mdhr_export.cli import main; main()",
    "mdhr-train": "from mdhr_train.cli import main; main()",
    # All of a run, with fewer and smaller calls.
    "mdhr-bench": """
from mdhr_bench.measures import hardware, rates, timing
timing.TURN, timing.WINDOW = 0.02, 2
rates.SIZES, rates.LARGEST = (1, 2, 4), 4
hardware.PRODUCTS_ON_HOST, hardware.COPIED = ((256, 1),), 16 << 20
from mdhr_bench.cli import main
main()
""",
}


class Seen(NamedTuple):
    """What a program did.

    Attributes:
        sockets: System calls with an address of the internet.
        written: Places that it wrote or made outside of its working folder.
    """

    sockets: list[str]
    written: list[Path]


@pytest.fixture
def observe(tmp_path):
    """Run a program in an empty home and see what it does."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace: apt-get install strace")
    home, temporary, work = (tmp_path / name for name in ("home", "temporary", "work"))
    for folder in (home, temporary, work):
        folder.mkdir()

    def observe(code, *arguments, allowed_to_fail=False):
        traces = tmp_path / "traces"
        shutil.rmtree(traces, ignore_errors=True)
        traces.mkdir()
        # A file for every thread: in a common one, calls that overlap would be torn in two.
        command = [
            strace,
            "-ff",
            "--seccomp-bpf",
            "-y",
            "-qq",
            "-s",
            "4096",
            "-e",
            f"trace={CALLS}",
            "-o",
            traces / "t",
        ]
        done = subprocess.run(
            [*command, "-o", traces / "t", sys.executable, "-c", code, *map(str, arguments)],
            cwd=work,
            env={**_environment(), "HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        lines = [line for path in traces.iterdir() for line in path.read_text(errors="replace").splitlines()]
        if not lines and "ptrace" in done.stderr.lower():
            pytest.skip(f"strace is not allowed here: {done.stderr.splitlines()[0]}")
        assert allowed_to_fail or done.returncode == 0, done.stderr
        places = [place for line in lines for place in _places(line, work)]
        assert any(place.is_relative_to(work) for place in places) or allowed_to_fail, "its own output was not seen"
        return Seen(
            _sockets(traces),
            [one for one in places if not one.is_relative_to(work) and not str(one).startswith(NOWHERE)],
        )

    observe.home, observe.temporary, observe.work = home, temporary, work
    return observe


def _sockets(traces):
    """The calls of an analysis that concern the internet, thread by thread.

    Left out are the two by which urllib3, which TensorBoard finds where boto3 is installed, asks when it is imported
    whether there is IPv6: a socket for a port of this machine, to which nobody ever listens.
    """
    found = []
    for path in sorted(traces.iterdir()):
        calls = [line for line in path.read_text(errors="replace").splitlines() if "AF_INET" in line]
        asks = [PROBED.fullmatch("\n".join(pair)) for pair in pairwise(calls)]
        left = {index + offset for index, ask in enumerate(asks) if ask for offset in (0, 1)}
        found += [line for index, line in enumerate(calls) if index not in left]
    return found


def _environment():
    """The environment of a user who has set nothing: what the tests were started with may itself keep things quiet."""
    ours = re.compile(r"(XDG_|MPL|ORT_|HF_|TORCH|PYTEST|COV_|DO_NOT_TRACK|DISABLE_TELEMETRY|CI$)")
    return {name: value for name, value in os.environ.items() if not ours.match(name)}


def _places(line, work):
    """The paths that a system call wrote or made."""
    if WRITES.search(line) and (match := RETURNED.search(line)):
        return [Path(match["path"].removesuffix(" (deleted)"))]
    if match := MADE.match(line):
        *_, last = STRING.findall(match["arguments"])
        folder = re.findall(r"<(/[^>]*)>", match["arguments"])
        return [Path(os.path.normpath(os.path.join(folder[-1] if folder else work, last)))]
    return []


def documented(home, temporary):
    """The caches that docs/security.md lists, with `~` and the folder of temporary files as they are here."""
    text = (ROOT / "docs" / "security.md").read_text()
    table = text.partition("## What is written")[2].partition("\n## ")[0]
    places = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(places) > 3
    known = {"~": str(home), "$TMPDIR": str(temporary)}
    return [Path(re.sub(r"^(~|\$TMPDIR)", lambda match: known[match[0]], place)) for place in places]


def check(seen, observe):
    """Make sure that a program spoke to nobody, wrote to known caches only, and left no temporary files."""
    assert not seen.sockets
    caches = documented(observe.home, observe.temporary)
    assert [place for place in seen.written if not _is_known(place, caches)] == []
    kept = [cache for cache in caches if cache != observe.temporary / "*"]
    assert [place for place in observe.temporary.iterdir() if not _is_known(place, kept)] == []


def _is_known(place, caches):
    """Whether a place is a cache, in one, or a folder on the way to one."""
    return any(
        place in cache.parents or any(one.match(str(cache)) for one in (place, *place.parents)) for cache in caches
    )


@pytest.fixture(scope="module")
def clip(media, tmp_path_factory):
    """The first frames of a real video."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    capture, writer = cv2.VideoCapture(str(media / "single_face.mp4")), None
    for _ in range(6):
        image = capture.read()[1]
        writer = writer or cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, image.shape[1::-1])
        writer.write(image)
    writer.release()
    return path


def test_archive(observe, tiny_bundle, clip):
    check(observe(PROGRAMS["mdhr-archive"], tiny_bundle, clip, "--out", "results"), observe)
    assert len(list(observe.work.glob("results/tables/*.parquet"))) == 1
    check(observe(PROGRAMS["mdhr-archive"], "collect", "results", "--out", "all.parquet"), observe)


def test_run_and_plot(observe, tiny_bundle, clip):
    outputs = ("--out", "a.csv", "--out", "a.jsonl", "--out", "a.parquet", "--overlay", "a.mp4")
    check(observe(PROGRAMS["mdhr-run"], tiny_bundle, clip, *outputs), observe)
    check(observe(PROGRAMS["mdhr-plot"], observe.work / "a.csv"), observe)
    assert sorted(path.name for path in observe.work.iterdir()) == [
        "a.csv",
        "a.csv.png",
        "a.jsonl",
        "a.mp4",
        "a.parquet",
    ]


def test_run_in_openvino(observe, tiny_bundle, clip):
    """Which reports when it is imported, unless it is kept from it."""
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("needs OpenVINO: pip install '.[openvino]'")
    check(observe(PROGRAMS["mdhr-run"], tiny_bundle, clip, "--provider", "openvino", "--out", "a.csv"), observe)
    assert len((observe.work / "a.csv").read_text().splitlines()) > 1


def test_export(observe, tiny_checkpoint):
    check(observe(PROGRAMS["mdhr-export"], "--ckpt", tiny_checkpoint, "--out", "a.mdhr"), observe)
    assert [path.name for path in observe.work.iterdir()] == ["a.mdhr"]


def test_train(observe):
    small = ("--layout", "disfa", "--node-features", 16, "--dynamics-channels", 16, "--frames", 2, "--workers", 0)
    demo = ("fit", "--synthetic", "--clips", 8, "--test-clips", 8, "--epochs", 1, "--batch", 4, "--out", "a.pt")
    check(observe(PROGRAMS["mdhr-train"], *demo, *small), observe)
    assert [path.name for path in observe.work.iterdir()] == ["a.pt"]


def test_bench(observe, tiny_bundle):
    """It runs for longer than ONNX Runtime waits until it reports."""
    check(observe(PROGRAMS["mdhr-bench"], "run", tiny_bundle, "--rounds", 5, "--out", "a.json"), observe)
    assert sorted(path.name for path in observe.work.iterdir()) == ["a.html", "a.json", "a.md"]


def test_a_program_that_speaks_is_seen(observe):
    """Otherwise the tests above could not fail."""
    code = "import socket, pathlib; socket.socket(); (pathlib.Path.home() / 'x').write_text('x')"
    seen = observe(code, allowed_to_fail=True)
    assert "socket(AF_INET" in seen.sockets[0]
    assert seen.written == [observe.home / "x"]
    with pytest.raises(AssertionError):
        check(Seen([], seen.written), observe)


@pytest.mark.parametrize("name", ["http:127.0.0.1:9.mp4", "tcp:127.0.0.1:9.mp4", "12:30.mp4"])
def test_a_file_with_the_name_of_an_address_is_a_file(observe, tiny_bundle, clip, name):
    shutil.copy(clip, observe.work / name)
    check(observe(PROGRAMS["mdhr-run"], tiny_bundle, name, "--out", "a.csv", "--overlay", "http:a.mp4"), observe)
    assert (observe.work / "http:a.mp4").stat().st_size > 1000


LOCAL_PLAYLISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
    "key.m3u8": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:1,\nclip.ts\n'
    "#EXT-X-ENDLIST\n",
    "list.m3u": "{url}\n",
    "concat.ffconcat": "ffconcat version 1.0\nfile '{url}'\n",
    "concat.mp4": "ffconcat version 1.0\nfile '{url}'\n",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 59990 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("name", LOCAL_PLAYLISTS)
def test_a_playlist_in_a_file_opens_no_address(observe, tiny_bundle, name):
    (observe.work / name).write_text(LOCAL_PLAYLISTS[name].format(url="http://127.0.0.1:9/clip.ts?token=x"))
    seen = observe(PROGRAMS["mdhr-run"], tiny_bundle, name, "--out", "a.csv", allowed_to_fail=True)
    check(seen, observe)
