"""Write the hash-locked requirement files, one a supported Python, with pip-compile.

Run by `make lock`. For each Python X that is found it writes `requirements/cpu-pyX.txt` (what the
daemon needs, with the CPU build of MXNet), `requirements/cluster-pyX.txt` (that and what painters
on other machines need) and `requirements/dev-pyX.txt` (all of that and the tools).

Python 3.13 has no wheel of a numpy that MXNet's metadata admits (numpy < 2), so there is no
solution for a resolver to find. Its lock is made without MXNet, and MXNet's own pinned entry is
added from the lock of Python 3.12 (so name that one first); the Makefile installs every lock with
`--no-deps`, so nothing is resolved again.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP_TOOLS = "pip-tools==7.6.2"
MXNET_NEEDS = "requests\ngraphviz<0.9\n"
"""What MXNet's metadata asks for beside numpy."""

COMPILE = (
    "--generate-hashes",
    "--allow-unsafe",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--strip-extras",
    "--quiet",
    "--no-header",
    "--annotation-style=line",
)


def tool_environment(python: str, folder: Path) -> Path:
    """Make a virtual environment with pip-tools under that Python and return its interpreter."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    interpreter = folder / "bin" / "python"
    subprocess.run([str(interpreter), "-m", "pip", "install", "-q", PIP_TOOLS], check=True)
    return interpreter


def compile_lock(interpreter: Path, sources: list[str], output: Path, *arguments: str) -> None:
    """Run pip-compile on `sources` (files below the root) into `output`."""
    command = [str(interpreter), "-m", "piptools", "compile", *COMPILE, *arguments]
    subprocess.run([*command, "-o", str(output), *sources], check=True, cwd=ROOT)


def entry(name: str) -> str:
    """Return the block of one package, its hashes included, out of the lock of Python 3.12.

    Asking the resolver for MXNet under Python 3.13 would have it build an old numpy from source.
    """
    lock = ROOT / "requirements" / "cpu-py3.12.txt"
    found = re.search(rf"^{name}==.*?(?=^\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        sys.exit(f"{lock} has no entry for {name}")
    return found.group()


def tidy(lock: Path, command: str) -> None:
    """Put a header on a lock that names no machine, index or host."""
    body = lock.read_text().replace(f"{ROOT}/", "")
    lock.write_text(f"# Made by `make lock` ({command}); do not edit.\n{body}")


def lock_one(python: str, version: str) -> None:
    """Write all locks of one Python."""
    with tempfile.TemporaryDirectory() as scratch:
        interpreter = tool_environment(python, Path(scratch) / "venv")
        resolvable = version != "3.13"
        usual = ROOT / "requirements" / f"cpu-py{version}.txt"
        for name, extras in (("cpu", []), ("cluster", ["cluster"]), ("dev", ["cluster", "dev"])):
            output = ROOT / "requirements" / f"{name}-py{version}.txt"
            if not output.exists():  # the compiler keeps the versions that it finds there
                shutil.copy(usual, output)
            wanted = [*extras, "cpu"] if resolvable else extras
            flags = [f"--extra={extra}" for extra in wanted]
            needs = Path(scratch) / "mxnet-needs.in"
            needs.write_text(MXNET_NEEDS)
            sources = ["pyproject.toml"] if resolvable else ["pyproject.toml", str(needs)]
            compile_lock(interpreter, sources, output, *flags)
            if not resolvable:
                mxnet = re.sub(
                    r"# via .*", "# via the cpu extra, past its metadata", entry("mxnet")
                )
                text = re.sub(r"-r /\S+/mxnet-needs.in", "mxnet", output.read_text())
                output.write_text(text + mxnet)
            tidy(output, f"pip-compile --generate-hashes --no-emit-index-url, Python {version}")


def main() -> None:
    """Lock for each interpreter named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", help="interpreters, such as python3.11")
    for python in parser.parse_args().pythons:
        show = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.check_output([python, "-c", show], text=True).strip()
        print(f"locking for Python {version}", flush=True)
        lock_one(python, version)


if __name__ == "__main__":
    main()
