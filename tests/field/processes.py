"""Starting programs: as forks of a server that has imported everything, or afresh.

To import PyTorch takes seconds, to fork a process that has done so takes hundredths. A fork is a process like any
other, with its own signals, limits and exit. The server has one thread and has run nothing: forking it is safe.

As a program, this file is that server: it listens on a socket, and forks for every request a keeper, which forks the
program, tells its number, waits for it, and tells its end.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

PROGRAMS = {
    "run": "mdhr_runtime.cli.run",
    "plot": "mdhr_runtime.cli.plot",
    "export": "mdhr_export.cli",
    "train": "mdhr_train.cli",
    "bench": "mdhr_bench.cli",
}
LEAN = (
    "mdhr_runtime.cli.run",  # first, as it tells libraries what they ask once, when they are imported
    "av",
    "cv2",
    "onnxruntime",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "mdhr_runtime.cli.plot",
    "mdhr_runtime.live.page",
    "mdhr_runtime.pipeline.label",
    "mdhr_runtime.plotting.timeline",
    "mdhr_runtime.streaming.model",
)
HEAVY = ("torchvision", "timm", "onnxscript", "mdhr_export.exporter", "mdhr_train.training.loop", "mdhr_bench.run")
"""What a server imports: for the runtime's programs, and for those with PyTorch. None of it starts a thread."""

QUIET = {"OMP_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
"""Environment of a server. The programs themselves are responsible for that of theirs."""


class Ended(NamedTuple):
    """The end of a process: its exit status as a shell counts it, and its largest memory in MiB."""

    code: int
    memory: float


class Process:
    """A program that runs.

    Args:
        pid: Its number.
        memory: MiB that it had when it started.
    """

    def __init__(self, pid: int, memory: float = 0.0) -> None:
        self.pid, self.memory = pid, memory

    def send(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> Ended | None:
        """Wait for its end."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(10)


class _Fork(Process):
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self._ended: Ended | None = None
        started = self._line(60)
        assert started is not None, "the server of forks does not answer"
        super().__init__(*started)

    def wait(self, seconds: float) -> Ended | None:
        if self._ended is None and (line := self._line(seconds)):
            self._ended = Ended(*line)
            self._connection.close()
        return self._ended

    def _line(self, seconds: float) -> list[float] | None:
        """The next line of what the keeper tells, or None if it does not come in time."""
        self._connection.settimeout(max(seconds, 1e-3))
        while b"\n" not in self._received:
            try:
                self._received += self._connection.recv(1000)
            except TimeoutError:
                return None
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)


class _Fresh(Process):
    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        super().__init__(popen.pid)
        self._popen = popen
        self._ended: Ended | None = None

    def wait(self, seconds: float) -> Ended | None:
        end = time.monotonic() + seconds
        while self._ended is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._popen.returncode = 0  # it is waited for
                self._ended = Ended(_code(status), usage.ru_maxrss / 1024)
            elif time.monotonic() > end:
                return None
            else:
                time.sleep(0.005)
        return self._ended


class Server:
    """A server of forks, which is started at its first use.

    Args:
        modules: What it imports.
        folder: A folder for its socket.
    """

    def __init__(self, modules: tuple[str, ...], folder: Path) -> None:
        self._modules, self._path = modules, str(folder / f"{len(modules)}.socket")
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self, program: str, arguments: tuple[str, ...], settings: Mapping[str, object]) -> Process:
        """Start a program; see `_become` for the settings."""
        if self._popen is None:
            command = [sys.executable, __file__, self._path, *self._modules]
            self._popen = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | QUIET)
            assert self._popen.stdout is not None
            assert self._popen.stdout.readline() == b"ready\n", "the server of forks did not start"
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._path)
        request = {"module": PROGRAMS[program], "arguments": arguments, **settings}
        connection.sendall(json.dumps(request).encode() + b"\n")
        return _Fork(connection)

    def close(self) -> None:
        """End it."""
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()


def start_afresh(program: str, arguments: tuple[str, ...], settings: Mapping[str, object]) -> Process:
    """Start a program as a process of its own, and wait until Python runs; see `_become` for the settings."""
    ready, descriptor = os.pipe()
    code = f"import os; os.close({descriptor}); from {PROGRAMS[program]} import main; main()"
    environment = settings["environment"]
    assert isinstance(environment, dict)
    popen = subprocess.Popen(
        [sys.executable, "-c", code, *map(os.fsencode, arguments)],
        env=environment,
        preexec_fn=lambda: _become(dict(settings)),
        pass_fds=(descriptor,),
    )
    os.close(descriptor)
    os.read(ready, 1)  # its end: the program has closed the other one
    os.close(ready)
    return _Fresh(popen)


def _become(settings: Mapping[str, object]) -> None:
    """Turn this process into the one that was asked for, up to its program.

    Settings are `folder`, `environment`, `stdin`, `stdout`, `stderr`, `file_size`, `memory`, `powerless` and `ignored`.
    """
    os.setsid()
    os.chdir(str(settings["folder"]))
    for descriptor, (name, flags) in enumerate(
        (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY | os.O_CREAT), ("stderr", os.O_WRONLY | os.O_CREAT))
    ):
        os.dup2(os.open(str(settings[name]), flags | os.O_APPEND, 0o644), descriptor)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in settings["ignored"]:  # type: ignore[attr-defined]
        signal.signal(number, signal.SIG_IGN)
    if settings["file_size"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (settings["file_size"],) * 2)  # type: ignore[arg-type]
    if settings["memory"]:
        limit = _status("VmSize") * 1024 + int(settings["memory"]) * 2**20  # type: ignore[call-overload]
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if settings["powerless"] and os.geteuid() == 0:
        _drop_power()


def _drop_power() -> None:
    """Give up root's right to read and write what the modes of files forbid, now and after an exec."""
    override, search = 1, 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    library = ctypes.CDLL(None, use_errno=True)
    for capability in (override, search):
        library.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; low and high
    library.capget(header, sets)
    for index in (0, 1, 2):
        sets[index] &= ~(1 << override | 1 << search)
    if library.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def _status(field: str) -> int:
    """A line of this process's status, in KiB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def _code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _serve(path: str) -> dict[str, object]:
    """Serve; returns, in every fork, what it shall be."""
    gc.collect()
    gc.freeze()  # or the collector would look at all of it in every fork, and copy it with that
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are not waited for
    os.write(1, b"ready\n")
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request: dict[str, object] = json.loads(connection.makefile().readline())
        pid = os.fork()
        if pid == 0:
            connection.close()
            return request
        connection.sendall(json.dumps((pid, _status("VmRSS") / 1024)).encode() + b"\n")
        _, status, usage = os.wait4(pid, 0)
        with suppress(BrokenPipeError):
            connection.sendall(json.dumps((_code(status), usage.ru_maxrss / 1024)).encode() + b"\n")
        os._exit(0)


if __name__ == "__main__":
    own_folder = sys.path.pop(0)  # of this file; it is no part of the programs' path
    for module in sys.argv[2:]:
        import_module(module)
    wanted = _serve(sys.argv[1])
    _become(wanted)
    os.environ.clear()
    os.environ.update(wanted["environment"])  # type: ignore[call-overload]
    sys.argv = ["mdhr", *wanted["arguments"]]  # type: ignore[misc]
    import_module(str(wanted["module"])).main()
