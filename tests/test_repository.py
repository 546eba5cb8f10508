"""The house rules that no single module can show: who imports what, how long, what is named."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400
MAY_IMPORT_THE_ENGINE_LATE = {
    # Each runs in a child process; the daemon's own process never calls these functions.
    "daemon/runners/worker.py",
    "daemon/checkup.py",
    "daemon/checkup_places.py",
}
HOMES = re.compile(r"(?<![\w./$~{}<>-])/(?:home/\w|Users/\w|root/[\w.]|work/\w)")
MADE_UP = re.compile(r"/home/(?:ann|ada)\b")  # nobody, for tests and examples
DAEMON = re.compile(r"\b[Dd]aemons?\b(?![./]\w)")
HOSTS = re.compile(r"https?:|--(?:extra-)?index-url|--find-links|--trusted-host|\.org\b|\.io\b")


@cache
def tracked() -> tuple[Path, ...]:
    """The files that git keeps, and those that it would if they were added."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules(*folders: str) -> list[Path]:
    found = [path for path in tracked() if path.suffix == ".py"]
    return [path for path in found if named(path).split("/")[0] in folders]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that are named in imports, dotted; also by `import_module` and `__import__`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            if called in {"import_module", "__import__"}:
                yield str(node.args[0].value)


def early(tree: ast.Module) -> Iterator[str]:
    """The imports that happen when the module itself is imported."""

    def without_functions(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                yield child
                yield from without_functions(child)

    for node in without_functions(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from imports(node)


def dotted(path: Path) -> str:
    return named(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def heavy() -> frozenset[str]:
    """The engine's modules that bring MXNet along when they are imported."""
    needs = {dotted(path): set(early(ast.parse(text_of(path)))) for path in modules("engine")}
    found = {"engine.mx"}
    while more := {name for name, used in needs.items() if used & found} - found:
        found |= more
    return frozenset(found)


def test_one_module_imports_mxnet() -> None:
    importing = {
        named(path)
        for path in modules("engine", "daemon", "scripts")
        if any(name.split(".")[0] == "mxnet" for name in imports(ast.parse(text_of(path))))
    }
    assert importing == {"engine/mx.py"}


def test_scipy_is_imported_where_photographs_are_asked_for_and_not_before() -> None:
    importing = set()
    for path in modules("engine", "daemon", "scripts"):
        tree = ast.parse(text_of(path))
        if any(name.split(".")[0] == "scipy" for name in imports(tree)):
            importing.add(named(path))
        assert not any(name.split(".")[0] == "scipy" for name in early(tree)), named(path)
    assert importing == {"engine/matting.py", "engine/windows.py"}


def test_the_engine_knows_nothing_of_the_daemon() -> None:
    for path in modules("engine"):
        used = {name.split(".")[0] for name in imports(ast.parse(text_of(path)))}
        assert "daemon" not in used, named(path)


def test_the_daemon_imports_nothing_that_brings_mxnet_along() -> None:
    assert "engine.painter" in heavy()
    for path in modules("daemon"):
        tree = ast.parse(text_of(path))
        assert not set(early(tree)) & heavy(), named(path)
        if named(path) not in MAY_IMPORT_THE_ENGINE_LATE:
            assert not set(imports(tree)) & heavy(), named(path)


def test_importing_all_of_the_daemon_leaves_mxnet_out() -> None:
    names = [dotted(path) for path in modules("daemon") if path.name != "__main__.py"]
    code = f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
    code += "import engine\nprint([name for name in sys.modules if name.split('.')[0] == 'mxnet'])"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]"


def test_the_service_has_neither_arrays_nor_decoders_in_it() -> None:
    """They are for its children: a third of its memory, and what strangers' pictures may break."""
    code = "import sys, daemon.cli.run\n"
    code += "print([name for name in ('numpy', 'PIL', 'h5py') if name in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]"


def test_the_engine_s_process_has_nothing_of_the_service_in_it() -> None:
    """What it does not need takes memory, and time at each start."""
    code = "import sys, daemon.runners.worker, daemon.runners.entry\n"
    code += "names = ('structlog', 'rich', 'jinja2', 'watchdog', 'sqlite3', 'urllib.request', "
    code += "'daemon.share', 'daemon.page.board')\n"
    code += "print([name for name in names if name in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]"


def sentences(tree: ast.Module) -> Iterator[str]:
    """The texts in a module that are more than a name, but for what explains the code itself."""
    explaining = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or node in explaining:
            continue
        if isinstance(node.value, str) and " " in node.value:
            yield node.value


def test_people_are_told_of_a_service_and_of_no_daemon() -> None:
    for path in modules("engine", "daemon", "scripts"):
        told = sentences(ast.parse(text_of(path)))
        assert not [text for text in told if DAEMON.search(text)], named(path)
    helps = re.findall("^[a-z-]+:.*## (.*)", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert helps
    assert not [text for text in helps if DAEMON.search(text)]


def test_the_rule_about_words_can_fail() -> None:
    code = '"""The daemon."""\nsay(f"Another daemon ({process}) is there")\nopen("daemon")\n'
    assert [bool(DAEMON.search(text)) for text in sentences(ast.parse(code))] == [True, False]
    assert not DAEMON.search("see daemon.lock, or daemon/cli")


@pytest.mark.parametrize("path", modules("engine", "daemon", "scripts"), ids=named)
def test_no_module_is_too_long(path: Path) -> None:
    assert len(text_of(path).splitlines()) <= LONGEST


@pytest.mark.parametrize("path", tracked(), ids=named)
def test_no_file_names_a_folder_of_one_machine(path: Path) -> None:
    try:
        text = text_of(path)
    except UnicodeDecodeError:
        return  # a picture
    found = HOMES.search(MADE_UP.sub("", text))
    assert found is None, text[max(found.start() - 30, 0) : found.end() + 30]


@pytest.mark.parametrize(("top", "below"), [("home", "eve"), ("root", ".cache"), ("work", "x")])
def test_the_rule_about_machines_can_fail(top: str, below: str) -> None:
    assert HOMES.search(f"see /{top}/{below}")
    assert not HOMES.search(f"share/{top}/{below}")


def test_locks_name_hashes_and_no_host() -> None:
    locks = [path for path in tracked() if named(path).startswith("requirements/")]
    assert locks
    for path in locks:
        text = text_of(path)
        assert not HOSTS.search(text), named(path)
        for entry in re.split(r"\n(?=\S)", text.strip()):
            if not entry.startswith("#"):
                assert "--hash=sha256:" in entry, f"{named(path)}: {entry}"


def test_every_supported_python_has_its_locks() -> None:
    there = {named(path) for path in tracked()}
    for version in ("3.10", "3.11", "3.12", "3.13"):
        for kind in ("cpu", "dev"):
            assert f"requirements/{kind}-py{version}.txt" in there


def test_hooks_are_local() -> None:
    text = text_of(ROOT / ".pre-commit-config.yaml")
    assert re.findall(r"repo: *(\S+)", text) == ["local"]
    assert not HOSTS.search(text)


def test_the_changelog_is_kept() -> None:
    lines = text_of(ROOT / "CHANGELOG.md").splitlines()
    assert lines[0] == "# Changelog"
    titles = [line[3:] for line in lines if line.startswith("## ")]
    assert titles[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", one) for one in titles[1:]]
    assert all(released)
    dates = [date.fromisoformat(one[2]) for one in released if one]
    assert dates == sorted(dates, reverse=True)
    kinds = {line[4:] for line in lines if line.startswith("### ")}
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "CONTRIBUTING.md"])
def test_what_the_documents_name_is_there(name: str) -> None:
    text = text_of(ROOT / name)
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    asked = set(re.findall(r"`make ([a-z-]+)", text)) | set(
        re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    )
    assert asked
    assert asked <= targets
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("name", ["usage.md", "running.md"])
def test_what_people_are_pointed_to_is_there(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text_of(ROOT / "docs" / name))
    assert links
    for link in links:
        assert (ROOT / "docs" / link).exists(), link


def commands(text: str) -> list[list[str]]:
    """Each block of code, without the remarks: those are in the language of the page."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [[line.partition("#")[0].rstrip() for line in one.splitlines()] for one in blocks]


def outline(text: str) -> list[tuple[int, int]]:
    """How many rows of tables and pictures stand below each heading."""
    parts = re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]
    return [(len(re.findall(r"^\|", one, re.MULTILINE)), one.count("![")) for one in parts]


def names(text: str) -> set[str]:
    """What stands as code in lines: commands, files, settings."""
    blocks = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", blocks.sub("", text)))


def test_the_readme_says_the_same_in_both_languages() -> None:
    english, chinese = text_of(ROOT / "README.md"), text_of(ROOT / "README.zh.md")
    assert commands(english)
    assert commands(chinese) == commands(english)
    assert outline(chinese) == outline(english)
    assert names(chinese) == names(english)
    assert "](README.zh.md)" in english.split("##")[0]
    assert "](README.md)" in chinese.split("##")[0]


def test_the_rule_about_languages_can_fail() -> None:
    text = "# A\n```sh\nmake run  # go\n```\n`make`\n| a |\n"
    assert commands(text) == [["make run"]]
    assert commands(text) != commands(text.replace("run", "demo"))
    assert outline(text) != outline(text + "| b |\n")
    assert names(text) != names(text + "`make all`\n")


@pytest.mark.parametrize("name", [".ci/run", "scripts/find-python", "scripts/check-install"])
def test_what_is_run_by_name_may_be_run(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111
    assert text_of(ROOT / name).startswith("#!")
