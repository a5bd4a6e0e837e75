#!/usr/bin/env python3
"""Compares two checkpoints tensor by tensor: names, types, shapes, bytes, and the metadata.

usage: scripts/compare_checkpoints.py A.safetensors B.safetensors
Prints one line; exits with 1 where a tensor differs.
"""
import json
import struct
import sys


def read(path):
    """Returns the metadata, and (type, shape, bytes) of each tensor by its name."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    body = data[8 + length :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], body[begin:end])
    return metadata, tensors


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    (metadata_a, a), (metadata_b, b) = read(sys.argv[1]), read(sys.argv[2])
    differ = sorted(name for name in set(a) | set(b) if a.get(name) != b.get(name))
    keys = set(metadata_a) | set(metadata_b)
    other = sorted(key for key in keys if metadata_a.get(key) != metadata_b.get(key))
    size = sum(len(content) for _, _, content in a.values())
    print(
        f"{len(a)} tensors of {size} bytes, {len(differ)} differ {differ[:5]}, metadata differ {other}"
    )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
