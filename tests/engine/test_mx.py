"""The one import of MXNet, in fresh processes where warnings are errors."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from engine.cores import usable_cores
from engine.mx import autograd, mx, nd, threads

ROOT = Path(__file__).resolve().parents[2]

EVERYTHING = """
import logging, tempfile, warnings
import numpy as np
import engine
before = list(warnings.filters)
from engine.mx import autograd, mx, nd
assert list(warnings.filters) == before, "the process's own filters were changed"
assert not logging.getLogger().handlers

image = nd.array(np.arange(48.0).reshape(1, 3, 4, 4), dtype="float32")
weight, buffer = nd.ones((2, 3, 3, 3)), nd.zeros(image.shape)
autograd.mark_variables([image], [buffer])
with autograd.record():
    maps = nd.Convolution(image, weight, kernel=(3, 3), pad=(1, 1), num_filter=2, no_bias=True)
    maps = nd.Activation(maps, act_type="relu")
    maps = nd.Pooling(maps, kernel=(2, 2), stride=(2, 2), pool_type="avg")
maps.backward(nd.ones(maps.shape))
# Each of the 2 maps hands down a quarter for each of the 4 windows that a corner lies in.
assert buffer.asnumpy()[0, 0, 0, 0] == 2 * 4 / 4
assert buffer.asnumpy()[0, 2, 1, 1] == 2 * 9 / 4

with tempfile.TemporaryDirectory() as folder:
    nd.save(folder + "/some.params", {"arg:w": image})
    assert (nd.load(folder + "/some.params")["arg:w"].asnumpy() == image.asnumpy()).all()

mx.random.seed(7)
first = nd.random.normal(shape=(5,)).asnumpy()
mx.random.seed(7)
assert (nd.random.normal(shape=(5,)).asnumpy() == first).all()
assert mx.np.array([True, False]).asnumpy().tolist() == [True, False]
nd.waitall()
print("all of it")
"""

WITHOUT = """
import sys
sys.modules["mxnet"] = None
from engine.errors import DeviceError
try:
    import engine.mx
except DeviceError as error:
    print(error)
"""


def run(program: str, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_all_that_the_engine_needs_works_without_a_warning(tmp_path: Path) -> None:
    # An empty cache makes Python compile MXNet's sources anew, with all that it says about them.
    done = run(EVERYTHING, "-W", "error", PYTHONPYCACHEPREFIX=str(tmp_path))
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "all of it", "")


def test_without_mxnet_an_error_says_what_to_do() -> None:
    done = run(WITHOUT)
    assert done.returncode == 0
    assert "new virtual environment" in done.stdout


def test_the_words_for_it_need_no_mxnet() -> None:
    # The daemon's own process uses these, and must never load MXNet.
    words = "import sys, engine, engine.builds, engine.cores, engine.cuda, engine.numpy_names"
    assert run(f"{words}; print('mxnet' in sys.modules)").stdout.strip() == "False"


def test_threads_are_set_before_the_import() -> None:
    show = "import os; from engine.mx import threads; print(threads, os.environ['OMP_NUM_THREADS'])"
    cores = str(usable_cores())
    assert run(show, OMP_NUM_THREADS="").stdout.split() == [cores, cores]
    assert run(show, OMP_NUM_THREADS="1").stdout.split() == ["1", "1"]


def test_what_is_kept_for_other_shapes_is_bounded() -> None:
    show = "import os; import engine.mx; print(os.environ['MXNET_MKLDNN_CACHE_NUM'])"
    assert run(show, MXNET_MKLDNN_CACHE_NUM="7").stdout.strip() == "7"
    wished = "import os; del os.environ['MXNET_MKLDNN_CACHE_NUM']; "
    assert 0 < int(run(wished + show, MXNET_MKLDNN_CACHE_NUM="7").stdout) < 1000


def convolve(size: int) -> float:
    """Run in a spawned child: paint's own operators, then an orderly end."""
    image = nd.ones((1, 3, size, size))
    kernel, buffer = nd.ones((1, 3, 3, 3)), nd.zeros(image.shape)
    autograd.mark_variables([image], [buffer])
    with autograd.record():
        maps = nd.Convolution(image, kernel, kernel=(3, 3), num_filter=1, no_bias=True)
    maps.backward()
    return float(buffer.sum().asscalar())


def child(size: int, pipe: multiprocessing.connection.Connection) -> None:
    pipe.send(convolve(size))
    pipe.close()


def test_a_spawned_child_of_a_process_that_uses_mxnet_ends_in_order() -> None:
    here = convolve(8)
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(8, sending))
    process.start()
    sending.close()
    there = receiving.recv()
    receiving.close()
    process.join(60)
    assert there == here == 36 * 27
    assert process.exitcode == 0
    process.close()


def test_this_process() -> None:
    assert threads >= 1
    assert np.array_equal((nd.ones((2,)) + 1).asnumpy(), [2, 2])
    assert mx.cpu().device_type == "cpu"


def test_mxnet_does_not_ask_for_scipy_by_names_that_have_gone():
    code = "from scipy import sparse; from engine.mx import nd; nd.array([1.0]); sparse.eye(2)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)
