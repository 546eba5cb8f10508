"""Which MXNet is installed, and what is said when none can be loaded."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from engine.builds import explain, installed_builds


def distributions(folder: Path, *names: str) -> list[metadata.Distribution]:
    for name in names:
        info = folder / f"{name.replace('-', '_')}-1.9.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.9.1\n")
    return list(metadata.distributions(path=[str(folder)]))


@pytest.mark.parametrize(
    ("installed", "builds"),
    [
        (("numpy", "gluonnlp", "mxnet-model-server"), []),
        (("numpy", "mxnet"), ["mxnet"]),
        (("MXNet_cu117", "numpy"), ["mxnet-cu117"]),
        (("mxnet-cu112", "mxnet"), ["mxnet", "mxnet-cu112"]),
    ],
)
def test_builds_are_told_from_other_packages(
    tmp_path: Path, installed: tuple[str, ...], builds: list[str]
) -> None:
    assert installed_builds(distributions(tmp_path, *installed)) == builds


def test_a_damaged_installation_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "half-1.0.dist-info").mkdir()
    (tmp_path / "half-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\n")
    assert installed_builds(distributions(tmp_path, "mxnet")) == ["mxnet"]


def test_this_environment_has_exactly_one() -> None:
    assert len(installed_builds()) == 1


@pytest.mark.parametrize(
    ("error", "builds", "words"),
    [
        (ImportError("No module named 'mxnet'"), [], ["not installed", "`cpu`", "`gpu`"]),
        (
            AttributeError("partly"),
            ["mxnet", "mxnet-cu117"],
            ["mxnet and mxnet-cu117", "new virtual environment", "not with both"],
        ),
        (
            OSError("libcuda.so.1: cannot open shared object file"),
            ["mxnet-cu117"],
            ["NVIDIA's driver", "`cpu`"],
        ),
        (
            OSError("libcudnn.so.8: cannot open shared object file"),
            ["mxnet-cu117"],
            ["libcudnn.so.8", "`gpu`"],
        ),
        (
            OSError("libmxnet.so: undefined symbol: cuGraphKernelNodeGetParams"),
            ["mxnet-cu117"],
            ["newer NVIDIA driver", "CUDA 11.7"],
        ),
        (ImportError("No module named 'requests'"), ["mxnet"], ["requests", "`cpu`"]),
    ],
)
def test_the_message_says_what_to_do(error: Exception, builds: list[str], words: list[str]) -> None:
    message = explain(error, builds)
    assert all(word in message for word in words)
