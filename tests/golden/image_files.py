#!/usr/bin/env python3
"""Writes image_files.safetensors: small PNG and JPEG files, and the pixels that they must give.

Two tensors of type U8 for each case: file/NAME, the bytes of the file, and pixels/NAME, [H,W,3].
The pixels are Pillow's, after these rules of data/image_io.hpp: transparent pixels are blended over
black, CMYK goes through Pillow's convert("RGB"), and EXIF orientations are applied by Pillow's
ImageOps.exif_transpose. Pillow keeps grey PNGs of 16 bits as numbers: their high byte is taken here.

Pillow 9.4 is wrong where a grey PNG of fewer than 8 bits has a transparent colour, and takes only the low
byte of a transparent colour of 16 bits. For PNG files the script therefore computes the pixels from
the samples that it wrote, too, and stops where Pillow differs in any other case.

It needs Pillow (python3-pil) and cjpeg (libjpeg-turbo-progs), for samplings that Pillow can't write.

usage: tests/golden/image_files.py
"""
import io
import json
import pathlib
import random
import struct
import subprocess
import zlib

from PIL import Image, ImageOps

random.seed(14)
cases = {}


def add(name, data, pixels):
    """pixels: an RGB image of Pillow."""
    assert pixels.mode == "RGB" and name not in cases, name
    cases[name] = (data, pixels)


# --- PNG: written here, since Pillow writes few of the kinds --------------------------------------

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
KIND = {GREY: "grey", RGB: "rgb", PALETTE: "palette", GREY_ALPHA: "grey-alpha", RGBA: "rgba"}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def filtered(row, above, step, kind):
    """One row behind its filter byte (PNG specification, section 9)."""
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - step] if i >= step else 0
        b = above[i] if above else 0
        c = above[i - step] if above and i >= step else 0
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        out.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
    return bytes(out)


def packed(values, depth):
    bits = "".join(format(value, f"0{depth}b") for value in values)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def png(samples, kind, depth, interlaced, before=b"", after=b""):
    """samples: rows of pixels of channels. before, after: chunks around the pixel data."""
    height, width = len(samples), len(samples[0])
    step = max(1, CHANNELS[kind] * depth // 8)
    data = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else ((0, 0, 1, 1),):
        above = None
        for y in range(y0, height, dy):
            values = [v for x in range(x0, width, dx) for v in samples[y][x]]
            if values:
                row = packed(values, depth)
                data += filtered(row, above, step, random.randrange(5))
                above = row
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(data, 9))
            + after + chunk(b"IEND", b""))


def blended(c, alpha):
    return (c * alpha + 127) // 255


def from_samples(samples, kind, depth, palette, transparent):
    """The rules of the PNG specification, written apart from any library."""
    def eight(value):
        return value >> 8 if depth == 16 else value * 255 // (2**depth - 1)

    def pixel(s):
        if kind == PALETTE:
            alpha = transparent[s[0]] if transparent and s[0] < len(transparent) else 255
            return tuple(blended(c, alpha) for c in palette[s[0]])
        colour = s[:3] if kind in (RGB, RGBA) else s[:1] * 3
        if kind in (GREY_ALPHA, RGBA):
            alpha = eight(s[-1])
        else:
            alpha = 0 if transparent is not None and tuple(s) == tuple(transparent) else 255
        return tuple(blended(eight(c), alpha) for c in colour)

    image = Image.new("RGB", (len(samples[0]), len(samples)))
    image.putdata([pixel(s) for row in samples for s in row])
    return image


def by_pillow(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode in ("I", "I;16"):
        return Image.frombytes("L", image.size, bytes(v >> 8 for v in image.getdata())).convert("RGB")
    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        black = Image.new("RGB", image.size)
        black.paste(image.convert("RGB"), mask=image.getchannel("A"))
        return black
    return image.convert("RGB")


def random_samples(width, height, kind, depth, palette):
    most = len(palette) if kind == PALETTE else 2**depth
    return [[tuple(random.randrange(most) for _ in range(CHANNELS[kind])) for _ in range(width)] for _ in range(height)]


def png_cases():
    for kind, depths in DEPTHS.items():
        for depth in depths:
            palette = [tuple(random.randrange(256) for _ in range(3)) for _ in range(min(200, 2**depth))]
            for interlaced in (0, 1):
                for with_colour in (False, True):
                    if with_colour and kind in (GREY_ALPHA, RGBA):
                        continue
                    width, height = random.choice(((1, 1), (5, 3), (13, 11), (9, 17)) if with_colour else ((13, 11), (11, 13)))
                    samples = random_samples(width, height, kind, depth, palette)
                    before, transparent = b"", None
                    if kind == PALETTE:
                        before = chunk(b"PLTE", b"".join(bytes(c) for c in palette))
                    if with_colour:
                        transparent = samples[0][0]
                        stored = b"".join(struct.pack(">H", v) for v in transparent)
                        if kind == PALETTE:
                            transparent = [random.randrange(256) for _ in palette[:-1]]
                            stored = bytes(transparent)
                        before += chunk(b"tRNS", stored)
                    data = png(samples, kind, depth, interlaced, before)
                    name = f"{KIND[kind]}-{depth}{'-interlaced' if interlaced else ''}{'-transparent' if with_colour else ''}.png"
                    expected = from_samples(samples, kind, depth, palette, transparent)
                    known_fault = with_colour and (depth == 16 or kind == GREY and depth < 8)
                    if by_pillow(data).tobytes() != expected.tobytes():
                        assert known_fault, f"{name}: Pillow differs"
                        print(f"{name}: Pillow differs, as is known")
                    add(name, data, expected)

    # What must not change the pixels: the gamma of the file, a colour profile that is none.
    samples = random_samples(7, 5, RGB, 8, [])
    extra = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"iCCP", b"x\0\0" + zlib.compress(b"none"))
    data = png(samples, RGB, 8, 0, extra)
    add("gamma.png", data, from_samples(samples, RGB, 8, [], None))


# --- EXIF -----------------------------------------------------------------------------------------

def exif(orientation, order="<"):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(order + "HHII", 0x010F, 2, 4, 0) + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(order + "IH", 8, 2) + entries + struct.pack(order + "I", 0)


def photograph(width, height, mode="RGB"):
    """Smooth, with some noise: what JPEG is made for."""
    small = Image.frombytes(mode, (4, 4), random.randbytes(16 * len(mode)))
    return small.resize((width, height), Image.BICUBIC)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def exif_cases():
    for orientation in range(0, 10):
        data = jpeg(photograph(19, 10), exif=b"Exif\0\0" + exif(orientation, "<>"[orientation % 2]))
        add(f"orientation-{orientation}.jpg", data, by_pillow(data))
    for orientation in (3, 6):
        samples = random_samples(5, 3, RGB, 8, [])
        for place in ("before", "after"):
            data = png(samples, RGB, 8, 0, **{place: chunk(b"eXIf", exif(orientation))})
            add(f"orientation-{orientation}-{place}.png", data, by_pillow(data))


# --- JPEG -----------------------------------------------------------------------------------------

def cjpeg(image, *options):
    out = io.BytesIO()
    image.save(out, "PPM")
    return subprocess.run(["cjpeg", "-quality", "90", *options], input=out.getvalue(), stdout=subprocess.PIPE,
                          check=True).stdout


def with_adobe_transform(data, transform):
    """The same data, said to be in another colour space: the last byte of the Adobe marker."""
    at = data.index(b"Adobe\0")
    return data[: at + 11] + bytes([transform]) + data[at + 12 :]


def jpeg_cases():
    samplings = ("1x1", "2x1", "2x2", "1x2", "4x1", "4x2", "1x4", "2x4")
    for sampling in samplings:
        for progressive in (False, True):
            kind = ["-progressive"] if progressive else []
            image = photograph(35, 21) if sampling in ("2x4", "4x2") else photograph(21, 19)
            data = cjpeg(image, "-sample", sampling, *kind)
            add(f"sampling-{sampling}{'-progressive' if progressive else ''}.jpg", data, by_pillow(data))
    mixed = cjpeg(photograph(21, 19), "-sample", "2x2,1x2,2x1")
    add("sampling-mixed.jpg", mixed, by_pillow(mixed))
    for progressive in (False, True):
        end = "-progressive" if progressive else ""
        grey = jpeg(photograph(17, 9, "L"), progressive=progressive)
        add(f"grey{end}.jpg", grey, by_pillow(grey))
        ink = jpeg(photograph(17, 9, "CMYK"), progressive=progressive)
        add(f"cmyk{end}.jpg", ink, by_pillow(ink))
        ycck = with_adobe_transform(ink, 2)
        add(f"ycck{end}.jpg", ycck, by_pillow(ycck))
    rgb = cjpeg(photograph(17, 9), "-rgb")
    add("rgb.jpg", rgb, by_pillow(rgb))
    restart = cjpeg(photograph(40, 24), "-restart", "2B", "-sample", "1x1")
    add("restart.jpg", restart, by_pillow(restart))
    optimised = cjpeg(photograph(21, 19), "-optimize", "-dct", "fast")
    add("optimised.jpg", optimised, by_pillow(optimised))
    arithmetic = cjpeg(photograph(21, 19), "-arithmetic")
    add("arithmetic.jpg", arithmetic, by_pillow(arithmetic))


def write(path):
    header, data = {}, b""
    for name, (file, image) in sorted(cases.items()):
        for key, shape, content in ((f"file/{name}", [len(file)], file),
                                    (f"pixels/{name}", [image.height, image.width, 3], image.tobytes())):
            header[key] = {"dtype": "U8", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
            data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name}: {len(cases)} files, {path.stat().st_size} bytes")


png_cases()
exif_cases()
jpeg_cases()
write(pathlib.Path(__file__).with_suffix(".safetensors"))
