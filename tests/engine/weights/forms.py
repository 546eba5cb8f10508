"""Files of weights in every form that people have, written the way their makers write them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from engine.mx import nd
from engine.weights.conventions import Layers

TORCH = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
Arrays = dict[str, NDArray[Any]]
Name = Callable[[str, int], str]


def flat(layers: Layers, kernel: Name, bias: Name) -> Arrays:
    """One dictionary of all arrays; names are made of the convolution and its number."""
    arrays: Arrays = {}
    for number, (layer, pair) in enumerate(layers.items()):
        arrays[kernel(layer, number)], arrays[bias(layer, number)] = pair
    return arrays


def block(layer: str) -> str:
    """Keras's name of a convolution."""
    return f"block{layer[4]}_conv{layer[6]}"


def hwio(layers: Layers) -> Layers:
    return {name: (kernel.transpose(2, 3, 1, 0), bias) for name, (kernel, bias) in layers.items()}


def write_keras(path: Path, arrays: Mapping[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input_1"]
        file.create_group("block1_pool")
        for name, array in arrays.items():
            file[name] = array


def keras_1(path: Path, layers: Layers) -> None:
    named = flat(
        hwio(layers),
        lambda n, _: f"{block(n)}/{block(n)}_W_1:0",
        lambda n, _: f"{block(n)}/{block(n)}_b_1:0",
    )
    write_keras(path, named)


def keras_2_with_top(path: Path, layers: Layers) -> None:
    named = flat(
        hwio(layers),
        lambda n, _: f"{block(n)}/{block(n)}/kernel:0",
        lambda n, _: f"{block(n)}/{block(n)}/bias:0",
    )
    top = {"fc1/fc1/kernel:0": np.ones((8, 4), np.float32), "fc1/fc1/bias:0": np.ones(4)}
    write_keras(path, named | top)


def keras_2_model(path: Path, layers: Layers) -> None:
    named = flat(
        hwio(layers),
        lambda n, _: f"model_weights/{block(n)}/kernel:0",
        lambda n, _: f"model_weights/{block(n)}/bias:0",
    )
    write_keras(path, named)


def keras_3(path: Path, layers: Layers) -> None:
    def at(number: int) -> str:
        return f"layers/conv2d{f'_{number}' if number else ''}/vars"

    top = {"layers/dense/vars/0": np.ones((8, 4), np.float32)}
    named = flat(hwio(layers), lambda _, i: f"{at(i)}/0", lambda _, i: f"{at(i)}/1")
    write_keras(path, named | top)


def write_mxnet(path: Path, arrays: Arrays) -> None:
    nd.save(str(path), {name: nd.array(array) for name, array in arrays.items()})


def mxnet_classic(path: Path, layers: Layers) -> None:
    named = flat(layers, lambda n, _: f"arg:{n}_weight", lambda n, _: f"arg:{n}_bias")
    write_mxnet(path, named | {"arg:fc6_weight": np.ones((4, 8), np.float32)})


def mxnet_zoo(path: Path, layers: Layers) -> None:
    named = flat(layers, lambda _, i: f"vgg0_conv{i}_weight", lambda _, i: f"vgg0_conv{i}_bias")
    write_mxnet(path, named | {"vgg0_dense0_weight": np.ones((4, 8), np.float32)})


def mxnet_structural(path: Path, layers: Layers) -> None:
    write_mxnet(path, torch_names(layers))


def numpy_archive(path: Path, layers: Layers) -> None:
    np.savez(path, **flat(layers, lambda n, _: f"{n}_weight", lambda n, _: f"{n}_bias"))


def numpy_hwio(path: Path, layers: Layers) -> None:
    np.savez_compressed(path, **flat(hwio(layers), lambda n, _: f"{n}_W", lambda n, _: f"{n}_b"))


def safetensors_torchvision(path: Path, layers: Layers) -> None:
    save_file(torch_names(layers), path)


def safetensors_by_name(path: Path, layers: Layers) -> None:
    save_file(flat(layers, lambda n, _: f"{n}.weight", lambda n, _: f"{n}.bias"), path)


def torch_names(layers: Layers) -> Arrays:
    named = flat(
        layers,
        lambda _, i: f"features.{TORCH[i]}.weight",
        lambda _, i: f"features.{TORCH[i]}.bias",
    )
    return named | {"classifier.0.weight": np.ones((4, 8), np.float32)}


FORMS = {
    keras_1: "vgg19.h5",
    keras_2_with_top: "vgg19.h5",
    keras_2_model: "vgg19.hdf5",
    keras_3: "vgg19.weights.h5",
    mxnet_classic: "vgg19-0000.params",
    mxnet_zoo: "vgg19-ad2f660d.params",
    mxnet_structural: "mine.params",
    numpy_archive: "vgg19.npz",
    numpy_hwio: "vgg19.npz",
    safetensors_torchvision: "model.safetensors",
    safetensors_by_name: "vgg19.safetensors",
}
"""How to write each form, and the name that such a file has."""

STORAGES = {"u1": "ByteStorage", "<f4": "FloatStorage"}


def write_torch(path: Path, arrays: Arrays) -> None:
    """PyTorch's older format, written opcode by opcode: there is no PyTorch here to do it."""
    body = b"".join(_text(name) + _tensor(key, array) for key, (name, array) in _keyed(arrays))
    keys = b"".join(_text(key) for key, _ in _keyed(arrays))
    path.write_bytes(
        torch_head()
        + (b"\x80\x02}(" + body + b"u.")
        + (b"\x80\x02](" + keys + b"e.")
        + b"".join(struct.pack("<q", array.size) + array.tobytes() for array in arrays.values())
    )


def torch_head() -> bytes:
    """What stands before the object itself."""
    return b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."


def _keyed(arrays: Arrays) -> list[tuple[str, tuple[str, NDArray[Any]]]]:
    return [(str(1000 + number), item) for number, item in enumerate(arrays.items())]


def _tensor(key: str, array: NDArray[Any]) -> bytes:
    storage = f"ctorch\n{STORAGES[array.dtype.str.replace('|', '')]}\n".encode()
    pid = b"(" + _text("storage") + storage + _text(key) + _text("cpu") + _int(array.size) + b"Nt"
    steps = [step // array.itemsize for step in array.strides]
    layout = _tuple(array.shape) + _tuple(steps)
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid + b"QK\x00" + layout + b"\x89" + hooks + b"tR"
    )


def _tuple(numbers: Any) -> bytes:
    return b"(" + b"".join(map(_int, numbers)) + b"t"


def _int(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()
