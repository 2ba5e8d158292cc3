"""The judge of the field trial's cases, and its table at the end."""

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from .case import Case, Start, Verdict
from .judge import Judge
from .processes import HEAVY, LEAN, Server
from .stock import fill

READY_MADE = (  # what programs of ours make of the stock
    ("run", "{bundle} {clip} --out table.csv --out lines.jsonl --out columns.parquet --overlay drawn.mp4"),
    ("run", "{bundle} {clip} --events occurrences.csv --summary figures.csv --event-thresholds 0 0"),
    ("plot", "table.csv --out chart.png"),
    ("plot", "table.csv --out vector.svg"),
)


@pytest.fixture(scope="session")
def judge(tiny_bundle, tiny_checkpoint):
    """The judge, with the stock that all cases use."""
    with tempfile.TemporaryDirectory(prefix="field") as name:
        folder = Path(name)
        (folder / "home").mkdir()
        servers = Server(LEAN, folder), Server((*LEAN, *HEAVY), folder)
        try:
            judge = Judge(*servers, fill(folder / "stock", tiny_bundle, tiny_checkpoint))
            for program, arguments in READY_MADE:
                (folder / "said").mkdir(exist_ok=True)
                process = judge.start(program, tuple(arguments.split()), judge.stock.folder, Start(), folder / "said")
                ended = process.wait(60)
                assert ended is not None
                assert ended.code == 0, (folder / "said/stderr").read_text()
            yield judge
        finally:
            for server in servers:
                server.close()


@pytest.fixture
def try_out(judge, request):
    """Run a case in a folder of its own, and note its verdict for the table."""

    def run(kind: str, case: Case) -> str:
        with tempfile.TemporaryDirectory(prefix="case") as folder:
            outcome = judge.try_out(case, Path(folder))
            for path in (Path(folder), *Path(folder).rglob("*")):  # or what was made unreadable could not be removed
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o755)
        request.node.user_properties.append(("field", [kind, outcome.verdict.value]))
        if outcome.verdict is Verdict.RIGHT:
            return ""
        return f"{outcome.verdict.value}: {outcome.why}\n{case.program} {' '.join(case.arguments)!r}\n{outcome.words}"

    return run


def pytest_terminal_summary(terminalreporter):
    """Print the table: kinds, and what came of their cases."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                if key == "field":
                    counts[value[0]][value[1]] += 1
    if not counts:
        return
    counts["all"] = sum(counts.values(), Counter())
    titles = ["kind", "cases", *(verdict.value for verdict in Verdict)]
    lines = [titles, ["---"] * len(titles)]
    for kind, found in counts.items():
        lines.append([kind, str(found.total()), *(str(found[verdict.value]) for verdict in Verdict)])
    terminalreporter.section("the field trial")
    for line in lines:
        terminalreporter.line(f"| {' | '.join(line)} |")
