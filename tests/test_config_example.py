"""What is written about the settings is true: each with its default and meaning, everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from daemon.configuration import load
from daemon.settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = (ROOT / "config.example.toml").read_text("utf-8")
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text("utf-8")
UNCOMMENTED = re.sub(r"^#(?=\w+ = )", "", EXAMPLE, flags=re.MULTILINE)


def leaves(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Default and description of every setting, read from the model itself."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= leaves(field.annotation, f"{prefix}{name}.")
        else:
            found[prefix + name] = (field.default, field.description)
    return found


LEAVES = leaves(Settings)


def test_as_it_is_it_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(EXAMPLE, "utf-8")
    resolved = load(path, {}, {})
    assert resolved.settings == Settings()
    assert set(resolved.sources.values()) == {"default"}


def test_uncommented_it_is_exactly_the_defaults() -> None:
    tree = tomllib.loads(UNCOMMENTED)
    assert Settings.model_validate(tree) == Settings()
    written = {key for key, (default, _) in LEAVES.items() if default is not None}
    assert {
        f"{section}.{name}" if isinstance(value, dict) else section
        for section, value in tree.items()
        for name in (value if isinstance(value, dict) else [""])
    } == written


@pytest.mark.parametrize("key", LEAVES)
def test_every_setting_stands_there_once_with_its_meaning(key: str) -> None:
    section, _, name = key.rpartition(".")
    part = EXAMPLE.partition(f"\n[{section}]")[2] if section else EXAMPLE
    part = part.partition("\n[")[0]
    lines = part.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith((f"#{name} =", f"{name} ="))]
    above: list[str] = []
    while lines[at - 1].startswith("# "):
        at -= 1
        above.insert(0, lines[at][2:])
    description = LEAVES[key][1]
    assert description[1:] in " ".join(above)


@pytest.mark.parametrize("key", LEAVES)
def test_the_document_has_every_setting_with_its_meaning(key: str) -> None:
    (row,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{key}` |")]
    default, description = LEAVES[key]
    assert description in row
    shown = str(default).lower() if isinstance(default, bool) else f"{default}"
    assert ("| unset |" if default is None else shown) in row


def test_no_line_of_them_is_left_over_from_an_older_model() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/write_config_example.py", "--check"],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
