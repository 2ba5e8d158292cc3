"""Running a case, and saying what came of it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .case import PARTS, Case, Start, Verdict
from .processes import Ended, Process, Server, start_afresh
from .stock import Stock

SECRET = "S3CR3T"
"""Stands for every password and token in the cases, and must appear nowhere."""

CRASHES = {128 + number for number in (4, 6, 7, 8, 11)}
"""Exit statuses of SIGILL, SIGABRT, SIGBUS, SIGFPE and SIGSEGV."""

TRACEBACK = "Traceback (most recent call last)"
FIRST = re.compile(r"import mdhr_runtime\.cli\.program.*\n[ ^]*\n?KeyboardInterrupt")
"""The end of one that came while the first line of a program was about to run."""

FOREIGN = re.compile(
    r"^\[ ?(?:WARN|ERROR|INFO|DEBUG)|^OpenCV|\[\w+(?:,\w+)* @ 0x|^\s*File \"|\wWarning:|terminate called"
    r"|Exception ignored|^\S.*onnxruntime::|^\x1b|libpng|Corrupt JPEG|^objc|^\[E:|^\[W:",
    re.MULTILINE,
)
"""Lines of other libraries between ours."""

WHOLE = 2**21
"""Bytes up to which files are compared by what they hold. Larger ones are compared by their number and times."""

Snapshot = dict[str, tuple[object, ...]]


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        verdict: In one word.
        why: What was wrong, or nothing.
        words: What the program said.
    """

    verdict: Verdict
    why: str
    words: str


class Judge:
    """Runs cases.

    Args:
        lean: Forks the runtime's programs.
        heavy: Forks those that need PyTorch.
        stock: What the cases use.
    """

    def __init__(self, lean: Server, heavy: Server, stock: Stock) -> None:
        self._servers = {"run": lean, "plot": lean, "export": heavy, "train": heavy, "bench": heavy}
        self.stock = stock

    def try_out(self, case: Case, folder: Path) -> Outcome:
        """Run a case in an empty folder."""
        for make in case.made:
            make(folder, self.stock)
        for arguments in case.first:
            with tempfile.TemporaryDirectory() as kept:
                first = self.start(case.program, arguments, folder, Start(), Path(kept))
                ended = first.wait(case.start.seconds)
                first.kill()
                if ended is None or ended.code:
                    return Outcome(Verdict.WORDS, f"what ran first ended with {ended}", _read(Path(kept)))
        before = snapshot(folder) | snapshot(self.stock.folder)
        neighbour = self._start_neighbour(case, folder) if case.beside else None
        with tempfile.TemporaryDirectory() as kept:
            process = self.start(case.program, case.arguments, folder, case.start, Path(kept))
            try:
                if case.during is not None:
                    case.during(process, folder)
                ended = process.wait(case.start.seconds)
            finally:
                process.kill()
            words = _read(Path(kept))
        if neighbour is not None:
            other = neighbour.wait(case.start.seconds)
            neighbour.kill()
            if other is None or other.code:
                return Outcome(Verdict.SILENT, f"the program beside it ended with {other}", words)
        after = snapshot(folder) | snapshot(self.stock.folder)
        verdict, why = judge(case, ended, process.memory, words, folder, before, after)
        return Outcome(verdict, why, words)

    def start(self, program: str, arguments: tuple[str, ...], folder: Path, start: Start, kept: Path) -> Process:
        """Start a program, its words going to files in `kept`."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        environment["HOME"] = str(self.stock.folder.parent / "home")
        for key, value in start.environment.items():
            environment.pop(key, None)
            if value is not None:
                environment[key] = value.format(folder=folder)
        settings = {
            "folder": str(folder),
            "environment": environment,
            "stdin": str(folder / start.stdin) if start.stdin else os.devnull,
            "stdout": start.stdout or str(kept / "stdout"),
            "stderr": str(kept / "stderr"),
            "file_size": start.file_size,
            "memory": start.memory,
            "powerless": start.powerless,
            "ignored": [int(number) for number in start.ignored],
        }
        names = self.stock.names
        filled = tuple(re.sub(r"{(\w+)}", lambda found: names.get(found[1], found[0]), each) for each in arguments)
        if start.fresh:
            return start_afresh(program, filled, settings)
        return self._servers[program].start(program, filled, settings)

    def _start_neighbour(self, case: Case, folder: Path) -> Process:
        """Start the program beside, and wait until it has begun to write."""
        kept = Path(tempfile.mkdtemp(dir=self.stock.folder.parent))
        before = set(os.listdir(folder))
        neighbour = self.start(case.program, case.beside, folder, Start(), kept)
        for _ in range(600):
            if set(os.listdir(folder)) - before or neighbour.wait(0.05):
                break
        return neighbour


def judge(
    case: Case, ended: Ended | None, memory: float, words: str, folder: Path, before: Snapshot, after: Snapshot
) -> tuple[Verdict, str]:
    """Compare what happened with what is right; the gravest fault is told."""
    right = case.right
    if ended is None:
        return Verdict.HUNG, f"still running after {case.start.seconds:g} s"
    # A signal may come before a line of ours has run: then Python answers, and it is not for us to mend.
    if ended.code in CRASHES or (TRACEBACK in words and not (case.start.fresh and _came_before_ours(words))):
        return Verdict.CRASHED, f"exit status {ended.code}"
    if SECRET in words or any(map(_holds_secret, folder.rglob("*"))):
        return Verdict.LEAKED, "the secret is in the words or in a file"
    changed = [name for name in before if before[name] != after.get(name) and not _fits(name, right.replaced)]
    if changed:
        return Verdict.HARMED, f"destroyed or changed: {', '.join(map(repr, changed[:3]))}"
    if right.memory is not None and ended.memory - memory > right.memory:
        return Verdict.MEMORY, f"{ended.memory - memory:.0f} MiB instead of {right.memory}"
    if ended.code not in right.codes:
        verdict = Verdict.SILENT if ended.code == 0 else Verdict.WORDS
        return verdict, f"exit status {ended.code}, not {right.codes}"
    appeared = [name for name in after if name not in before]
    if stray := [name for name in appeared if not _fits(name, (*right.new, *right.maybe))]:
        return Verdict.HARMED, f"left behind: {', '.join(map(repr, stray[:3]))}"
    if missing := [pattern for pattern in right.new if not any(_fits(name, (pattern,)) for name in appeared)]:
        return Verdict.SILENT, f"not written: {', '.join(missing)}"
    for name, count in right.rows.items():
        try:
            found: int | str = rows(folder / name)
        except (ValueError, KeyError, OSError) as error:
            found = f"no ({error})"
        if found != count:
            return Verdict.SILENT, f"{found} rows in {name}, not {count}"
    wrong = right.seen(folder) if right.seen else None
    if wrong:
        return Verdict.SILENT, wrong
    return _judge_words(case, ended.code, words)


def _came_before_ours(words: str) -> bool:
    """Whether a traceback is Python's answer to a signal before the first line of ours that has an effect."""
    return (
        "mdhr_" not in words
        or re.search(r"import mdhr_runtime\.cli\.program.*\n[ ^]*\n?KeyboardInterrupt", words) is not None
    )


def _judge_words(case: Case, code: int, words: str) -> tuple[Verdict, str]:
    parts = PARTS if code == 1 else (r"Error: .*\S",) if code == 2 else ()
    for pattern in (*case.right.says, *parts):
        if not re.search(pattern, words, re.IGNORECASE | re.DOTALL):
            return (Verdict.WORDS if code else Verdict.SILENT), f"says nothing of {pattern!r}"
    for pattern in case.right.never:
        if found := re.search(pattern, words, re.IGNORECASE):
            return Verdict.WORDS, f"says {found[0]!r}"
    if found := FOREIGN.search(words):
        return Verdict.WORDS, f"another library says {words[found.start() :].splitlines()[0]!r}"
    return Verdict.RIGHT, ""


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def snapshot(folder: Path) -> Snapshot:
    """All that is in a folder, by its path there, with what would tell a change."""
    found: Snapshot = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        detail: object = None
        if stat.S_ISLNK(kind):
            detail = os.readlink(path)
        elif stat.S_ISREG(kind) and status.st_size > WHOLE:
            detail = (status.st_size, status.st_mtime_ns, status.st_ino)
        elif stat.S_ISREG(kind):
            detail = hashlib.sha256(_bytes(path)).digest()
        found[str(path.relative_to(folder))] = (kind, detail)
    return found


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read()


def _holds_secret(path: Path) -> bool:
    return SECRET in str(path) or (path.is_file() and not path.is_symlink() and SECRET.encode() in _bytes(path))


def rows(path: Path) -> int:
    """Final rows of a table."""
    if path.suffix == ".csv":
        with path.open(newline="", errors="replace") as file:
            return sum(row["final"] == "1" for row in csv.DictReader(file))
    if path.suffix == ".parquet":
        import pyarrow.parquet

        return sum(pyarrow.parquet.read_table(path, columns=["final"])["final"].to_pylist())
    if path.suffix == ".mp4":
        import cv2

        capture = cv2.VideoCapture(str(path))
        return sum(1 for _ in iter(lambda: capture.read()[0], False))
    return sum(json.loads(line)["final"] for line in path.read_text().splitlines())


def _read(kept: Path) -> str:
    return "\n".join(path.read_text(errors="backslashreplace") for path in sorted(kept.iterdir()))
