#!/usr/bin/env python3
"""Compares generator and discriminators with a plain PyTorch implementation, in f64.

  pip install torch numpy
  bench/compare_pytorch_gan.py --bench build/cpu/bin/scimix_bench

scimix_bench writes small networks, inputs, outputs, gradients and the gradients of an R1 penalty
(second derivatives); PyTorch computes the same from parameters and inputs. The networks here are
written from the papers' definitions: a modulated convolution makes the weights of every sample and
convolves that sample with them; resampling inserts zeros and convolves. Exits with 0 when all agree to
a relative error of 1e-9.
"""
import argparse
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # no folder of compiled scripts among the sources
from contender import require_bench
from reference_file import load_safetensors

TOLERANCE = 1e-9


def make_networks(torch):
    functional = torch.nn.functional

    def lrelu(x, gain=2 ** 0.5):
        return functional.leaky_relu(x, 0.2) * gain

    def fir(x, pad, gain=1.0):
        """pad: left, right, top, bottom; then the filter [1,3,3,1] x [1,3,3,1] / 64."""
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)
        kernel = (taps[:, None] * taps[None, :] / 64 * gain)[None, None]
        channels = x.shape[1]
        return functional.conv2d(functional.pad(x, pad), kernel.repeat(channels, 1, 1, 1),
                                 groups=channels)

    def upsample(x):
        n, c, h, w = x.shape
        zeros = x.new_zeros(n, c, h, 2, w, 2)
        zeros[:, :, :, 0, :, 0] = x
        return fir(zeros.reshape(n, c, 2 * h, 2 * w), (2, 1, 2, 1), gain=4.0)

    def equalized(p, name, gain=1.0):
        weight = p[name + ".weight"]
        return weight * (gain / weight[0].numel() ** 0.5)

    def dense(p, name, x):
        return x @ equalized(p, name).T + p[name + ".bias"]

    def bias(p, name):
        return p[name + ".bias"][None, :, None, None]

    def modulated(p, name, x, code, up=False, rgb=False):
        style = dense(p, name + ".affine", code)
        weight = p[name + ".weight"]
        if rgb:
            style = style / weight.shape[1] ** 0.5
        rows = []
        for row, s in zip(x, style):
            if up:  # [in, out, 3, 3]
                w = weight * s[:, None, None, None]
                w = w * (w.square().sum((0, 2, 3), keepdim=True) + 1e-8).rsqrt()
                y = functional.conv_transpose2d(row[None], w, stride=2)
                y = fir(y, (1, 1, 1, 1), gain=4.0)
            else:
                w = weight * s[None, :, None, None]
                if not rgb:
                    w = w * (w.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()
                y = functional.conv2d(row[None], w, padding=w.shape[2] // 2)
            rows.append(y)
        y = torch.cat(rows) + bias(p, name)
        return y if rgb else lrelu(y)

    def generator(p, inputs):
        code = inputs["style"]
        x = functional.conv2d(inputs["z_r"], equalized(p, "input")) + bias(p, "input")
        image = None
        for i in range(3):
            block = f"blocks.{i}."
            if i > 0:
                x = modulated(p, block + "conv0", x, code, up=True)
            x = modulated(p, block + "conv1", x, code)
            rgb = modulated(p, block + "torgb", x, code, rgb=True)
            image = rgb if image is None else upsample(image) + rgb
        return image

    def minibatch_deviation(x, group):
        n, _, h, w = x.shape
        groups = n // group
        channel = x.new_zeros(n, 1, h, w)
        for m in range(groups):
            rows = [m + k * groups for k in range(group)]
            deviation = (x[rows].var(0, unbiased=False) + 1e-8).sqrt().mean()
            for row in rows:
                channel = torch.cat([channel[:row], deviation.expand(1, 1, h, w), channel[row + 1:]])
        return torch.cat([x, channel], 1)

    def discriminator(p, inputs, resnet, group):
        gain = 0.5 ** 0.5 if resnet else 1.0
        x = inputs["image"]
        x = lrelu(functional.conv2d(x, equalized(p, "fromrgb")) + bias(p, "fromrgb"))
        i = 0
        while f"blocks.{i}.conv0.weight" in p:
            conv0, conv1 = f"blocks.{i}.conv0", f"blocks.{i}.conv1"
            y = lrelu(functional.conv2d(x, equalized(p, conv0), padding=1) + bias(p, conv0))
            y = functional.conv2d(fir(y, (2, 2, 2, 2)), equalized(p, conv1), stride=2)
            y = lrelu(y + bias(p, conv1)) * gain
            if resnet:
                skip = fir(x, (1, 1, 1, 1))[:, :, ::2, ::2]
                y = y + functional.conv2d(skip, equalized(p, f"blocks.{i}.skip")) * gain
            x, i = y, i + 1
        if group > 0:
            x = minibatch_deviation(x, group)
        name = "epilogue.conv"
        x = lrelu(functional.conv2d(x, equalized(p, name), padding=1) + bias(p, name))
        x = lrelu(dense(p, "epilogue.fc", x.permute(0, 2, 3, 1).flatten(1)))
        return dense(p, "epilogue.out", x)[:, 0]

    return {"generator": generator,
            "orig": lambda p, inputs: discriminator(p, inputs, resnet=False, group=0),
            "resnet": lambda p, inputs: discriminator(p, inputs, resnet=True, group=2)}


def part_of(reference, prefix):
    return {name[len(prefix):]: t for name, t in reference.items() if name.startswith(prefix)}


def relative_error(found, expected):
    """Over all tensors together: |found - expected| / |expected|."""
    difference = sum(float((found[name] - expected[name]).square().sum()) for name in expected)
    norm = sum(float(expected[name].square().sum()) for name in expected)
    return (difference / norm) ** 0.5


def worst_gradient(ours, loss, leaves, torch):
    """Error of the tensor that agrees least, relative to its own size; its name."""
    theirs = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    worst = (0.0, "-")
    for name, gradient in zip(leaves, theirs):
        found = ours.get(name)
        # No gradient and a gradient of zeros are the same.
        gradient = torch.zeros_like(leaves[name]) if gradient is None else gradient
        found = torch.zeros_like(gradient) if found is None else found
        size = max(float(gradient.norm()), 1e-12)
        worst = max(worst, (float((found - gradient).norm()) / size, name))
    return worst


def compare(name, network, reference, torch):
    parameters = part_of(reference, name + ".parameter.")
    inputs = part_of(reference, name + ".input.")
    leaves = {**parameters, **inputs}
    for leaf in leaves.values():
        leaf.requires_grad_()
    output = network(parameters, inputs)
    errors = {"output": (relative_error({"": reference[name + ".output"]}, {"": output.detach()}),
                         "-")}
    loss = (output * reference[name + ".seed"]).sum()
    errors["gradients"] = worst_gradient(part_of(reference, name + ".gradient."), loss, leaves, torch)
    if name + ".penalty" in reference:
        (slope,) = torch.autograd.grad(network(parameters, inputs).sum(), inputs["image"],
                                       create_graph=True)
        penalty = slope.square().sum()
        ours = reference[name + ".penalty"]
        errors["penalty"] = (abs(float(ours) / float(penalty.detach()) - 1), "-")
        errors["penalty gradients"] = worst_gradient(
            part_of(reference, name + ".penalty_gradient."), penalty, leaves, torch)
    for what, (error, where) in errors.items():
        verdict = "" if error <= TOLERANCE else "  DIFFERS"
        print(f"{name}: {what}: {error:.1e}" + (f" ({where})" if where != "-" else "") + verdict)
    return all(error <= TOLERANCE for error, _ in errors.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bench", default="build/cpu/bin/scimix_bench", help="our program")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("compare_pytorch_gan.py: no PyTorch here, expected `pip install torch numpy`")
    require_bench(arguments.bench)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "reference.safetensors")
        subprocess.run([arguments.bench, "--gan-reference", path], check=True)
        reference = load_safetensors(path, torch)
    print(f"PyTorch {torch.__version__}, f64; gradients: the parameter or input that agrees least")
    good = all([compare(name, network, reference, torch)
                for name, network in make_networks(torch).items()])
    print("the numbers agree" if good else "the numbers DIFFER")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
