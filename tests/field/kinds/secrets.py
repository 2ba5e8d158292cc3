"""Passwords and tokens in addresses, and what goes out to the network or to the user's folders unasked."""

from __future__ import annotations

import http.server
import signal
import threading
from functools import cache
from pathlib import Path

from ..case import Case, Right, Start, misused, refused, works
from ..stock import Stock, text

HIDDEN = "me:S3CR3T@"
QUERY = "?token=S3CR3T"
NOWHERE = "127.0.0.1:1"
"""A port of this machine at which nobody listens."""

TO = ("{bundle}", "{clip}", "--publish")

SOURCES = (
    f"rtsp://{HIDDEN}{NOWHERE}/cam",
    f"rtsp://{NOWHERE}/cam{QUERY}",
    f"http://{HIDDEN}{NOWHERE}/video{QUERY}",
    f"https://{HIDDEN}{NOWHERE}/video",
    f"rtmp://{HIDDEN}{NOWHERE}/live",
    f"tcp://{NOWHERE}/{QUERY}",
    f"rtsp://{HIDDEN}[::1/cam",
    f"rtsp://{HIDDEN}{NOWHERE}x/cam",
    "rtsp://me:S3CR3T",
    f"nothing://{HIDDEN}{NOWHERE}/",
    f"RTSP://{HIDDEN}{NOWHERE}/cam",
    f"rtsp://me:p@S3CR3T@{NOWHERE}/cam",
)
TARGETS = (
    f"mqtt://{HIDDEN}{NOWHERE}/au",
    f"mqtts://{HIDDEN}{NOWHERE}/au",
    f"mqtt://{HIDDEN}{NOWHERE}",
    f"mqtt://{HIDDEN}{NOWHERE}/au{QUERY}",
    f"mqtt://{HIDDEN}{NOWHERE}/a/+",
    f"mqtt://{HIDDEN}{NOWHERE}/a/%23",
    f"mqtt://{HIDDEN}[::1/au",
    f"mqtt://{HIDDEN}127.0.0.1:port/au",
    f"mqtt://me:p@S3CR3T@{NOWHERE}/au",
    f"mqtt://{HIDDEN}{NOWHERE}/au#S3CR3T",
    f"ws://{HIDDEN}127.0.0.1/",
    f"ws://{HIDDEN}192.0.2.1:9/",
    f"ws://{HIDDEN}127.0.0.1:99999/",
    f"ws://{HIDDEN}127.0.0.1:0/{QUERY}",
    f"wss://{HIDDEN}127.0.0.1:0/",
    f"kafka://{HIDDEN}127.0.0.1:0/",
    f"mqtt:/{HIDDEN}{NOWHERE}/au",
)
ELSEWHERE = (  # program, arguments in which an address is out of place
    ("run", ("{bundle}", "{clip}", "--out", f"ws://{HIDDEN}127.0.0.1/x.csv")),
    ("run", ("{bundle}", "{clip}", "--out", f"https://{HIDDEN}127.0.0.1/x.csv")),
    ("run", ("{bundle}", "{clip}", "--overlay", f"rtmp://{HIDDEN}127.0.0.1/x.mp4")),
    ("run", ("{bundle}", "{clip}", "--serve", f"http://{HIDDEN}127.0.0.1:1/")),
    ("run", (f"https://{HIDDEN}127.0.0.1/x.mdhr{QUERY}", "{clip}")),
    ("run", ("{bundle}", "{clip}", "--provider", f"https://{HIDDEN}127.0.0.1/")),
    ("plot", (f"https://{HIDDEN}127.0.0.1/x.csv{QUERY}",)),
    ("plot", ("{table}", "--out", f"https://{HIDDEN}127.0.0.1/x.png")),
    ("export", ("--ckpt", f"https://{HIDDEN}127.0.0.1/x.pt{QUERY}")),
    ("export", ("--bundle", f"https://{HIDDEN}127.0.0.1/x.mdhr", "--triton", "x")),
    ("export", ("--ckpt", "{checkpoint}", "--out", f"https://{HIDDEN}127.0.0.1/x")),
    ("export", ("--ckpt", "none.pt", "--verify-data", f"rtsp://{HIDDEN}127.0.0.1/x")),
    ("train", ("eval", "--ckpt", f"https://{HIDDEN}127.0.0.1/x.pt", "--data", ".")),
    ("train", ("report", f"https://{HIDDEN}127.0.0.1/run")),
    ("bench", (f"https://{HIDDEN}127.0.0.1/x.mdhr",)),
    ("bench", ("compare", f"https://{HIDDEN}127.0.0.1/a.json", "b.json")),
)

SHORT = ("--timeout", "0.5")


def _stop(number: int, after: str):
    """Send a signal when a file has lines."""

    def during(process, folder):
        for _ in range(400):
            path = folder / after
            if (path.exists() and path.stat().st_size > 2000) or process.wait(0.02):
                break
        process.send(number)

    return during


class _Listener:
    """An HTTP server of this machine that keeps what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


_listener = cache(_Listener)


def _playlist(name: str, content: str) -> Case:
    """A file that names an address. The address is not visited."""

    def make(folder: Path, stock: Stock) -> None:
        text(name, content.replace("ADDRESS", f"{_listener().address}/{name}"))(folder, stock)

    def seen(folder: Path) -> str | None:
        return "the address was visited" if any(name in path for path in _listener().asked) else None

    right = Right((1,), maybe=("au.csv",), seen=seen)
    return Case(f"playlist {name}", "run", ("{bundle}", name, "--out", "au.csv"), (make,), right)


AT_HOME = Start(
    fresh=True,
    environment={"HOME": "{folder}", "XDG_CACHE_HOME": None, "ORT_DISABLE_TELEMETRY": None, "MPLCONFIGDIR": None},
)
NO_HOME = Start(
    fresh=True,
    environment={"HOME": "/nonexistent", "XDG_CACHE_HOME": None, "ORT_DISABLE_TELEMETRY": None, "MPLCONFIGDIR": None},
)

CASES = [
    *(
        Case(
            f"source {index}", "run", ("{bundle}", source, *SHORT), (), refused("", maybe=("*.csv",)), Start(seconds=40)
        )
        for index, source in enumerate(SOURCES)
    ),
    *(Case(f"target {index}", "run", (*TO, target), (), misused("")) for index, target in enumerate(TARGETS)),
    *(
        Case(f"out of place {index}", program, arguments, (), misused(""))
        for index, (program, arguments) in enumerate(ELSEWHERE)
    ),
    Case(
        "a table's name is not the address",
        "run",
        ("{bundle}", f"http://{HIDDEN}{NOWHERE}/a/video.mjpg{QUERY}&x=1", *SHORT),
        (),
        refused("", maybe=("*.csv",)),
        Start(seconds=40),
    ),
    Case("rows on a socket", "run", (*TO, f"ws://{HIDDEN}127.0.0.1:0/au"), (), works()),
    Case(
        "a socket that is taken",
        "run",
        (*TO, f"ws://{HIDDEN}127.0.0.1:0/a", "--publish", "ws://127.0.0.1:99999/b"),
        (),
        misused("port"),
    ),
    *(
        Case(
            f"stopped by {number.name} while publishing",
            "run",
            ("{bundle}", "{long}", "--publish", f"ws://{HIDDEN}127.0.0.1:0/au", "--out", "a.csv"),
            (),
            Right((128 + number,), new=("a.csv",)),
            during=_stop(number, "a.csv"),
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    ),
    Case(
        "everybody may listen",
        "run",
        (*TO, "ws://0.0.0.0:0/au"),
        (),
        works(says=("everybody|everyone|whoever|anyone",)),
    ),
    Case(
        "everybody may listen, by IPv6",
        "run",
        (*TO, "ws://[::]:0/au"),
        (),
        works(says=("everybody|everyone|whoever|anyone",)),
    ),
    Case(
        "only this machine may listen",
        "run",
        (*TO, "ws://127.0.0.1:0/au"),
        (),
        works(never=("everybody|everyone|whoever|anyone",)),
    ),
    Case("a topic with #", "run", (*TO, f"mqtt://{NOWHERE}/a/#"), (), misused("#")),
    Case("a topic with a second #", "run", (*TO, f"mqtt://{NOWHERE}/a#b"), (), misused("#")),
    _playlist("x.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nADDRESS.ts\n#EXT-X-ENDLIST\n"),
    _playlist("x.ffconcat", "ffconcat version 1.0\nfile 'ADDRESS.mp4'\n"),
    _playlist("x.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nADDRESS.ts\n#EXT-X-ENDLIST\n"),
    _playlist(
        "x.sdp",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ),
    _playlist(
        "x.mpd",
        "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' mediaPresentationDuration='PT5S'><Period>"
        "<AdaptationSet mimeType='video/mp4'><Representation id='1' bandwidth='1'><BaseURL>ADDRESS.mp4</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>",
    ),
    Case(
        "nothing is left at home by a run",  # but what was tried, if there is a choice of providers
        "run",
        ("{bundle}", "{clip}", "--out", "au.csv", "--provider", "cpu"),
        (),
        works("au.csv", rows=9),
        AT_HOME,
    ),
    Case(
        "nothing is left at home by an export",
        "export",
        ("--bundle", "{bundle}", "--triton", "x"),
        (),
        works("x", "x/*"),
        AT_HOME,
    ),
    Case(
        "a run without a home", "run", ("{bundle}", "{clip}", "--out", "au.csv"), (), works("au.csv", rows=9), NO_HOME
    ),
    Case("a chart without a home", "plot", ("{table}", "--out", "x.png"), (), works("x.png"), NO_HOME),
]
