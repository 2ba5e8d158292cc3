"""The form of the Dockerfiles, which nothing here can build."""

import re
import subprocess
from pathlib import Path

from deployment import ROOT, extras, unknown_extras

DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
INSTRUCTIONS = {"ARG", "FROM", "RUN", "ENV", "COPY", "WORKDIR"}


def instructions(path):
    """Instructions of a Dockerfile, as pairs of a word and its arguments on one line."""
    code = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    return [line.split(None, 1) for line in re.sub(r"\\\n", " ", code).splitlines() if line.strip()]


def pytest_generate_tests(metafunc):
    metafunc.parametrize("path", DOCKERFILES, ids=lambda path: path.name)


def test_only_known_instructions_follow_a_base_image(path):
    words = [word for word, _ in instructions(path)]
    assert set(words) <= INSTRUCTIONS
    assert words[0] in ("ARG", "FROM")
    assert "FROM" in words


def test_base_images_have_a_version(path):
    stages = set()
    for word, arguments in instructions(path):
        if word == "FROM":
            image, *alias = arguments.split(" AS ")
            assert image in stages or re.search(r":(?!latest)[\w.{}$-]+$", image), image
            stages.update(alias)


def test_copied_sources_exist_and_are_not_ignored(path):
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = [arguments.split() for word, arguments in instructions(path) if word == "COPY"]
    sources = {source for copy in copies if not copy[0].startswith("--from=") for source in copy[:-1]}
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)


def test_stages_that_files_come_from_exist(path):
    parsed = instructions(path)
    stages = {arguments.split(" AS ")[1] for word, arguments in parsed if word == "FROM" and " AS " in arguments}
    taken = {match for _, arguments in parsed for match in re.findall(r"--from=(\w+)", arguments)}
    assert taken <= stages


def test_extras_exist(path):
    named = extras(path.read_text())
    assert named
    assert not unknown_extras(named)


def test_commands_are_valid_shell(path):
    for word, arguments in instructions(path):
        if word == "RUN":
            result = subprocess.run(["sh", "-n", "-c", arguments], capture_output=True, text=True)
            assert result.returncode == 0, result.stderr


def test_build_arguments_are_declared_where_they_are_used(path):
    # A stage sees its own ARGs, and FROM those before the first stage.
    known, stages = set(), 0
    for word, arguments in instructions(path):
        used = set(re.findall(r"\$\{(\w+)\}", arguments))
        assert used <= known, arguments
        if word == "FROM":
            known, stages = set(), stages + 1
        if word == "ARG":
            known.add(arguments.split("=")[0])
    assert stages


def test_the_file_says_how_to_build_it(path):
    assert f"docker build -f docker/{path.name} -t mdhr-edge:{path.stem} ." in path.read_text()


def test_the_table_names_the_file(path):
    assert f"`{path.name}`" in Path(ROOT / "docker" / "README.md").read_text()
