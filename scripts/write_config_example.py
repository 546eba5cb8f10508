"""Write config.example.toml and the table of docs/configuration.md from the settings' model.

python scripts/write_config_example.py           write both
python scripts/write_config_example.py --check   write nothing; fail if one is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from daemon.catalogue import Setting, catalogue
from daemon.config_file import toml_value, write_text
from daemon.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "config.example.toml"
DOCUMENT = ROOT / "docs" / "configuration.md"
BEGIN = "<!-- settings: written by scripts/write_config_example.py -->\n"
END = "<!-- end of settings -->\n"


def table() -> str:
    """Every setting as a row of a Markdown table."""
    head = ["| setting | default | what it is | values |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *map(_row, catalogue().values())]) + "\n"


def _row(setting: Setting) -> str:
    default = "unset" if setting.default is None else f"`{toml_value(setting.default)}`"
    cells = (f"`{setting.key}`", default, setting.description, setting.values)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def wanted() -> dict[Path, str]:
    """What each file has to hold."""
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return {EXAMPLE: write_text(Settings()), DOCUMENT: f"{before}{BEGIN}{table()}{END}{after}"}


def main() -> int:
    """Write, or check."""
    stale = [
        path
        for path, text in wanted().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is not up to date: run scripts/write_config_example.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted()[path], "utf-8")
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
