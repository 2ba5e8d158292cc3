"""What an address holds besides scheme, host, port and path is nowhere to be seen: every path that prints is tried."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_server import HttpCamera, free_port, wait_for
from click.testing import CliRunner

from mdhr_runtime.cli.run import main

pytestmark = pytest.mark.slow

MARK = "XyZZy"
"""The secret: it is given as user, password, token and fragment, and looked for."""
LOGIN = f"{MARK}u:{MARK}p"
QUERY = f"token={MARK}t"
RUN = [sys.executable, "-c", "from mdhr_runtime.cli.run import main; main()"]
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@pytest.fixture
def run(tmp_path, tiny_bundle):
    """Start `mdhr-run` in a folder of its own."""
    started = []

    def start(*arguments):
        out, error = (open(tmp_path / name, "w") for name in ("stdout", "stderr"))  # noqa: SIM115
        command = [*RUN, tiny_bundle, *map(str, arguments)]
        (tmp_path / "work").mkdir(exist_ok=True)
        started.append(subprocess.Popen(command, stdout=out, stderr=error, cwd=tmp_path / "work"))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def told(tmp_path):
    """All that programs printed, and made sure that no secret is in it, nor in a file or its name."""

    def read():
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        for path in files:
            assert MARK.lower() not in str(path.relative_to(tmp_path)).lower()
            assert MARK.lower().encode() not in path.read_bytes().lower(), path.name
        return "".join((tmp_path / name).read_text() for name in ("stdout", "stderr"))

    return read


@pytest.fixture
def camera():
    """A camera with a moving square; it takes any path, query and login."""
    pictures = [np.roll(np.full((64, 96, 3), 40, np.uint8), shift, axis=1) for shift in range(4)]
    server = HttpCamera(pictures, free_port())
    yield f"http://{LOGIN}@127.0.0.1:{server.port}/live/cam;{QUERY}?{QUERY}#{MARK}f"
    server.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_camera_to_every_kind_of_output_until_it_is_stopped(run, told, camera, tmp_path, number):
    rows, page = free_port(), free_port()
    files = ("a.csv", "a.jsonl", "a.parquet")
    out = [argument for file in files for argument in ("--out", file)]
    events = ("--events", "events.csv", "--events", "events.eaf", "--summary", "summary.csv")
    publish = ("--publish", f"ws://{LOGIN}@127.0.0.1:{rows}/rows")
    process = run(camera, *out, *events, "--overlay", "a.mp4", *publish, "--serve", page)
    work = tmp_path / "work"
    wait_for(lambda: process.poll() is not None or _lines(work / "a.jsonl") > 2, 120)
    assert process.poll() is None, told()
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/", timeout=30) as reply:
        assert MARK not in reply.read().decode()
    assert MARK not in _first_events(page)
    for path in Path(f"/proc/{process.pid}/task").glob("*/comm"):
        with suppress(OSError):  # threads come and go
            assert MARK not in path.read_text()
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    text = told()
    assert "stopped" in text
    assert all((work / name).stat().st_size for name in events[1::2])
    assert {json.loads(line)["source"] for line in (work / "a.jsonl").read_text().splitlines()} == {
        f"{camera.partition('@')[2].partition('/')[0]}/live/cam"
    }


def _lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def _first_events(port):
    """What the live page is told at first."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        connection.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        text = b""
        while b"event: stats" not in text:
            text += connection.recv(65536)
        assert b"live/cam" in text
        return text.decode()


def test_the_default_table_of_a_camera(run, told, camera, tmp_path):
    process = run(camera)
    wait_for(
        lambda: process.poll() is not None or any(_lines(path) > 2 for path in (tmp_path / "work").glob("*.csv")), 120
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, told()
    (table,) = (tmp_path / "work").iterdir()
    assert table.suffix == ".csv"
    assert "cam" in table.name
    assert table.name in told()


@pytest.mark.skipif(MOSQUITTO is None, reason="needs the MQTT broker: apt-get install mosquitto")
def test_a_broker(run, told, tmp_path, camera):
    folder, port = tmp_path.parent / f"{tmp_path.name}-broker", free_port()
    folder.mkdir()
    subprocess.run([shutil.which("mosquitto_passwd"), "-c", "-b", folder / "users", *LOGIN.split(":")], check=True)
    (folder / "conf").write_text(f"listener {port} 127.0.0.1\nuser root\npassword_file {folder / 'users'}\n")
    broker = subprocess.Popen([MOSQUITTO, "-c", folder / "conf"], stdout=-3, stderr=-3)
    try:
        wait_for(lambda: not _refuses(port))
        process = run(camera, "--publish", f"mqtt://{LOGIN}@127.0.0.1:{port}/lab", "--out", "a.jsonl")
        wait_for(lambda: process.poll() is not None or _lines(tmp_path / "work" / "a.jsonl") > 2, 120)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, told()
        assert f"mqtt://127.0.0.1:{port}/lab" in told()
        process = run(camera, "--publish", f"mqtt://me:{MARK}@127.0.0.1:{port}/lab")
        assert process.wait(60) == 1
        assert "does not accept the connection" in told()
    finally:
        broker.kill()
        broker.wait()


def _refuses(port):
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) != 0


SOURCES = [
    "rtsp://{login}@127.0.0.1:1/a?{query}",
    "http://{login}@127.0.0.1:1/a?{query}",
    "http://{login}@[::1]:1/a;{query}#{mark}",
    "http://127.0.0.1:1/user={mark}&password={mark}",
    "RTMP://{login}@127.0.0.1:1/a?{query}",
    "foo://{login}@127.0.0.1/a?{query}",
    "async:http://{login}@127.0.0.1:1/a",
    "http://{login}@/a",
    "http://{login}",
    "http://{login}@127.0.0.1:x/a",
    "http://me:1/{mark}@127.0.0.1:1/a",
    "http://{login}@[bad/a",
    "http:/{login}@127.0.0.1/a",
    "{login}@127.0.0.1/a",
    "{login}@://127.0.0.1/a",
]
TARGETS = [
    "mqtt://{login}@127.0.0.1:1/a",
    "mqtt://{login}@127.0.0.1:1/a/#",
    "mqtt://{login}@127.0.0.1:1/a/+",
    "mqtt://{login}@127.0.0.1:1/a?{query}",
    "mqtt://{login}@127.0.0.1:99999/a",
    "mqtt://{login}",
    "mqtts://{login}@127.0.0.1:1/a",
    "ws://{login}@192.0.2.1:1/a",
    "ws://{login}@a..b:1/a",
    "ws://{login}@127.0.0.1",
    "ws://127.0.0.1:1?{query}",
    "kafka://{login}@127.0.0.1:1/a?{query}",
    "mqtt:/{login}@127.0.0.1:1/a",
    "{login}@127.0.0.1:1/a",
    "{login}@mqtt://127.0.0.1:1/a",
    "http://{login}@127.0.0.1/a.csv",
    "live://{login}@127.0.0.1:1",
]


def refused(tmp_path, monkeypatch, capfd, *arguments):
    """Run the program in this process: what it says when it fails, made sure that no secret is in it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    done = CliRunner().invoke(main, [argument.format(login=LOGIN, query=QUERY, mark=MARK) for argument in arguments])
    said = done.output + "".join(capfd.readouterr())
    assert done.exit_code in (1, 2), said
    assert isinstance(done.exception, SystemExit), done.exception
    names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
    assert MARK.lower() not in "\n".join([said, *names]).lower()
    return said


@pytest.mark.parametrize("url", SOURCES)
def test_sources_that_fail(tiny_bundle, tmp_path, monkeypatch, capfd, url):
    said = refused(tmp_path, monkeypatch, capfd, str(tiny_bundle), url, "--timeout", "0.1", "--out", "-")
    assert "error: " in said


@pytest.mark.parametrize("option", ["--publish", "--out", "--overlay", "--serve", "--events", "--summary"])
@pytest.mark.parametrize("url", TARGETS)
def test_targets_that_fail(tiny_bundle, tmp_path, monkeypatch, capfd, url, option):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), np.uint8))
    said = refused(tmp_path, monkeypatch, capfd, str(tiny_bundle), str(tmp_path / "a.png"), option, url)
    assert "rror: " in said


@pytest.mark.parametrize("url", SOURCES)
def test_an_address_in_place_of_the_bundle(tiny_bundle, tmp_path, monkeypatch, capfd, url):
    assert "error: " in refused(tmp_path, monkeypatch, capfd, url, str(tiny_bundle))
