"""Reads the tensors that scimix_bench wrote for a comparison with PyTorch."""
import json
import struct


def load_safetensors(path, torch):
    """Name -> tensor; these types are all that a reference file holds."""
    dtypes = {"F64": torch.float64, "F32": torch.float32, "I32": torch.int32}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=dtypes[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors
