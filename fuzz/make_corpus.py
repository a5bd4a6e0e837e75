#!/usr/bin/env python3
"""Writes the first inputs of the fuzzing programs into FOLDER/TARGET/: small valid files of each kind.

The images are those of tests/golden/image_files.safetensors. fuzz/corpus/TARGET/ holds, besides, the
inputs that have led to a fault once.

usage: fuzz/make_corpus.py FOLDER
"""
import json
import pathlib
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(sys.argv[1])


def save(target, name, data):
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        yield name, data[8 + length + begin : 8 + length + end]


def images():
    for name, data in tensors(ROOT / "tests/golden/image_files.safetensors"):
        kind, _, file = name.partition("/")
        if kind == "file":
            save("png" if file.endswith(".png") else "jpeg", file, data)
            if b"Exif\0\0" in data:
                at = data.index(b"Exif\0\0") + 6
                save("exif", file, data[at : at + 40])


def safetensors():
    def file(header, data, pad=0):
        text = (header if isinstance(header, str) else json.dumps(header)).encode() + b" " * pad
        return struct.pack("<Q", len(text)) + text + data

    def entry(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    save("safetensors", "empty", file({}, b""))
    save("safetensors", "one", file({"a.weight": entry("F32", [2, 3], 0, 24)}, bytes(24), 5))
    save("safetensors", "many", file({"__metadata__": {"step": "7", "names": "[\"\u00e4\"]"}, "a": entry("F64", [], 0, 8),
                                      "b": entry("BF16", [3, 0], 8, 8), "c": entry("BOOL", [4], 8, 12),
                                      "d": entry("F4", [2], 12, 13)}, bytes(range(13))))
    save("safetensors", "escapes", file('{"\\u00e9\\ud83d\\ude00":{"shape":[1],"dtype":"U8","data_offsets":[0,1]}}', b"x"))


def matrix(name, class_type, data_type, shape, data):
    """An element of a MATLAB file of version 5."""
    def element(kind, content):
        return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)

    body = (element(6, struct.pack("<II", class_type, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
            + element(1, name) + element(data_type, data))
    return struct.pack("<II", 14, len(body)) + body


def svhn():
    def file(*elements):
        return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49) + b"".join(elements)

    def packed(element):
        data = zlib.compress(element, 9)
        return struct.pack("<II", 15, len(data)) + data

    x = matrix(b"X", 9, 2, (32, 32, 3, 1), bytes(i * 7 % 256 for i in range(3072)))
    plain = matrix(b"X", 9, 2, (32, 32, 3, 2), bytes(6144))
    y = matrix(b"y", 6, 9, (1, 1), struct.pack("<d", 10))
    small = matrix(b"y", 9, 2, (2, 1), bytes([3, 10]))
    save("svhn", "plain", file(x, y))
    save("svhn", "packed", file(packed(plain), packed(small)))
    save("svhn", "order", file(packed(y), packed(x)))


def others():
    record = bytes([7]) + bytes(3072)
    save("cifar10", "none", b"\0")
    save("cifar10", "one", b"\1" + record)
    save("cifar10", "label", b"\1" + b"\xff" + record[1:])
    for name, hash_ in (("right", TEN_IMAGES), ("other", "0" * 16)):
        split = {"format": "scimix-split-1", "dataset": "folder", "train_hash": hash_, "seed": 3, "labeled": [0, 1, 8, 9]}
        save("split", name, json.dumps(split).encode())
    line = '{"step": %d, "time": 1.5, "loss": 0.25, "test_accuracy": %s}\n'
    save("metrics", "two", (line % (1, 0.5) + line % (2, "null")).encode())
    save("metrics", "cut", (line % (1, 1e300) + line % (2, 1))[:-30].encode())
    save("npy", "fields", bytes(range(40)))
    for name, text in (("ascii", b"wren"), ("utf8", "Zaunk\u00f6nig \U0001f426".encode()), ("latin1", b"caf\xe9\\x"), ("lines", b"a\nb\t\x7f")):
        save("names", name, text)


def labels():
    texts = {"plain": "1.png,auk\n2.jpg,wren\n", "heading": "file,class\r\nb/3.png,wren\r\n\r\n1.png,\r\n2.jpg, auk \r\n",
             "columns": 'Class,guess,File\nauk,x,1.png\n"a, ""b""",y,"/pictures/b/3.png"\n', "mark": "\ufeff1.png,Auk\n2.jpg,auk\n",
             "wrong": "1.png\n9.png,auk\n1.png,auk\n./1.png,wren\n../x.png,auk\n", "quote": '1.png,"auk\n', "one": "1.png,auk\n"}
    for name, text in texts.items():
        save("labels", name, text.encode())


def settings():
    texts = {"plain": 'dataset = "digits"\nsteps = 100\nlearning-rate = 0.03\nscale = "cpu"\nflip = "off"\n',
             "paths": 'out = "runs/a#b \\"c\\""\ndata-dir = { percent-encoded = "caf%E9" }\nseed = "18446744073709551615"\n',
             "extends": 'extends = ["a.toml", "b.toml"]\nlabels = 40\n', "mark": '\ufeffsteps = 1_000\n[training]\n',
             "first": '# scimix_train classifier\n# made by: x\n\nsteps=100\nout="runs/x"\nema-decay=0.999\n',
             "second": '# scimix_train generator\n# format: 2\n\nsteps=0x10\nflip="on"\nlearning-rate=1e-3\n'}
    for name, text in texts.items():
        for kind in b"ab":
            save("settings", f"{name}-{kind}", bytes([kind]) + text.encode())


def content_hash(numbers, pixels, labels):
    """As data/dataset.cpp computes it."""
    state = 0x9E3779B97F4A7C15
    words = [int.from_bytes(pixels[i : i + 8], "little") for i in range(0, len(pixels), 8)]
    for word in numbers + words + labels:
        state = (state ^ word) * 0xFF51AFD7ED558CCD % 2**64
        state ^= state >> 32
    return f"{state:016x}"


# The hash of the images in fuzz_split.cpp.
TEN_IMAGES = content_hash([10, 1, 1, 3], bytes([7]) * 30, [i % 2 for i in range(10)])

images()
safetensors()
svhn()
labels()
settings()
others()
print(", ".join(f"{folder.name} {len(list(folder.iterdir()))}" for folder in sorted(OUT.iterdir())))
