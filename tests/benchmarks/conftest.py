"""A stand-in for the program that we compare with: no torch, and no hours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

STAND_IN = """\
import argparse, pathlib, sys
from PIL import Image
parser = argparse.ArgumentParser()
for name in ("content", "output"): parser.add_argument(f"--{name}", required=True)
parser.add_argument("--styles", nargs="+", required=True)
for name, default in (("size", 0), ("num-steps", 1000), ("info-step", 100)):
    parser.add_argument(f"--{name}", type=int, default=default)
said = parser.parse_args()
notes = pathlib.Path(__file__).with_suffix(".log")
with notes.open("a") as log: log.write(f"{said.num_steps} {said.size} {said.styles[0]}\\n")
print("step elapsed loss")
print("---- ------- ----")
for step in range(0, said.num_steps + 1, said.info_step):
    print(f"{step: <4} {1 + step / 2: <7.1f} {9.5:.2f}")
if (pathlib.Path(__file__).parent / "broken").exists(): sys.exit(1)
Image.open(said.content).resize((said.size, said.size)).save(said.output, "png")
"""


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, str]:
    """Its command; each run adds its steps, its size and its style to `stand_in.log`."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    return sys.executable, str(script)
