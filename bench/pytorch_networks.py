"""The networks that bench/compare_pytorch.py times, as a good PyTorch user writes them.

Parameters bear the names of ours, so that a file of ours can be loaded. Generator and discriminator
modulate activations instead of making weights for every sample (the form in which StyleGAN2 trains);
bench/compare_pytorch_gan.py has the other, plain form, and checks ours with it.
"""
import copy

import torch
from torch import nn
from torch.nn import functional

SQRT2 = 2 ** 0.5


class Norm(nn.BatchNorm2d):
    """Normalises by the statistics of the batch in training, and by running statistics after eval().

    `track` updates the running statistics. Does not count batches: with a momentum nobody reads that.
    """

    def __init__(self, channels):
        super().__init__(channels, eps=1e-3, momentum=1e-3)

    def forward(self, x, track):  # pylint: disable=arguments-differ
        if not self.training:
            return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                                         False, self.momentum, self.eps)
        mean, variance = (self.running_mean, self.running_var) if track else (None, None)
        return functional.batch_norm(x, mean, variance, self.weight, self.bias, True, self.momentum,
                                     self.eps)


class Block(nn.Module):
    def __init__(self, inside, out, stride, first):
        super().__init__()
        self.bn1, self.bn2 = Norm(inside), Norm(out)
        self.conv1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.shortcut = None
        if inside != out:
            self.shortcut = nn.Conv2d(inside, out, 1, stride, bias=False)
        self.first = first

    def forward(self, x, track):
        a = functional.leaky_relu(self.bn1(x, track), 0.1, inplace=True)
        shortcut = a if self.first else x
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        h = self.conv1(a)
        h = self.conv2(functional.leaky_relu(self.bn2(h, track), 0.1, inplace=True))
        return h.add_(shortcut)


class WideResNet(nn.Module):
    """Returns the map after the last activation, its average, and logits (None without classes)."""

    def __init__(self, depth=28, width=2, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        blocks, channels = [], 16
        for stage in range(3):
            out = (16 << stage) * width
            for i in range((depth - 4) // 6):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(Block(channels, out, stride, not blocks))
                channels = out
        self.blocks = nn.ModuleList(blocks)
        self.bn = Norm(channels)
        self.fc = nn.Linear(channels, classes) if classes > 0 else None
        self.features = channels

    def forward(self, x, track=True):
        x = self.conv1(x)
        for block in self.blocks:
            x = block(x, track)
        x = functional.leaky_relu(self.bn(x, track), 0.1, inplace=True)
        pooled = x.mean((2, 3))
        return x, pooled, None if self.fc is None else self.fc(pooled)


def unit_rms(x):
    """Over channels, as codes are."""
    wide = x.float() if x.dtype == torch.bfloat16 else x
    return (wide * (wide.square().mean(1, keepdim=True) + 1e-8).rsqrt()).to(x.dtype)


class Fir(nn.Module):
    """StyleGAN2's filter [1,3,3,1] x [1,3,3,1] / 64, after padding."""

    def __init__(self):
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, x, pad, gain=1.0):
        # On a GPU, shifted sums are many kernels, of which a compiler makes one. On a CPU the
        # depthwise convolution of oneDNN is faster than those sums, in eager mode five times.
        if torch.compiler.is_compiling() and x.is_cuda:
            return self.shifted(functional.pad(x, (pad[0], pad[1], pad[0], pad[1])), gain)
        if pad[0] == pad[1]:
            return self.depthwise(x, gain, pad[0])
        return self.depthwise(functional.pad(x, (pad[0], pad[1], pad[0], pad[1])), gain)

    def depthwise(self, x, gain, padding=0):
        channels = x.shape[1]
        kernel = (self.kernel * gain).to(x.dtype).expand(channels, 1, 4, 4)
        return functional.conv2d(x, kernel, padding=padding, groups=channels)

    def shifted(self, x, gain):
        height, width = x.shape[2] - 3, x.shape[3] - 3
        rows = (x[:, :, :height] + x[:, :, 3:]
                + 3 * (x[:, :, 1:height + 1] + x[:, :, 2:height + 2]))
        both = rows[..., :width] + rows[..., 3:] + 3 * (rows[..., 1:width + 1] + rows[..., 2:width + 2])
        return both * (gain / 64)


class EqualizedLinear(nn.Module):
    def __init__(self, inside, out, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out, inside))
        self.bias = nn.Parameter(torch.full((out,), bias))
        self.gain = inside ** -0.5

    def forward(self, x):
        return functional.linear(x, self.weight * self.gain, self.bias)


class EqualizedConv(nn.Module):
    def __init__(self, inside, out, kernel=3, fir=None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out, inside, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out))
        self.gain = (inside * kernel * kernel) ** -0.5
        self.fir = fir  # halves the image

    def forward(self, x, act=True):
        # The activation's gain is moved before it, into the small tensors: no pass over the images.
        gain = SQRT2 if act else 1.0
        weight, bias = self.weight * (self.gain * gain), self.bias * gain
        if self.fir is None:
            x = functional.conv2d(x, weight, bias, padding=weight.shape[2] // 2)
        else:
            x = functional.conv2d(self.fir(x, (2, 2)), weight, bias, stride=2)
        return functional.leaky_relu(x, 0.2, inplace=True) if act else x


class ModulatedConv(nn.Module):
    """The style scales the input, demodulation the output: no weights per sample."""

    def __init__(self, inside, out, style, kernel=3, fir=None, rgb=False):
        super().__init__()
        self.affine = EqualizedLinear(style, inside, bias=1.0)
        shape = (inside, out, kernel, kernel) if fir else (out, inside, kernel, kernel)
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(out))
        self.fir, self.rgb = fir, rgb  # fir: doubles the image
        self.style_gain = inside ** -0.5 if rgb else 1.0

    def forward(self, x, code):
        style = self.affine(code) * self.style_gain
        style = style.float() if style.dtype == torch.bfloat16 else style
        y = x * style.to(x.dtype)[:, :, None, None]
        if self.fir is None:
            y = functional.conv2d(y, self.weight, padding=self.weight.shape[2] // 2)
        else:
            y = functional.conv_transpose2d(y, self.weight, stride=2)
            y = self.fir(y, (1, 1), gain=4.0)
        if self.rgb:
            return y + self.bias.to(y.dtype)[:, None, None]
        energy = self.weight.square().sum((2, 3))
        if self.fir is None:
            energy = energy.t()
        # In f32, as ours: a product of squares wants the digits.
        with torch.autocast(x.device.type, enabled=False):
            demodulation = (style.square() @ energy + 1e-8).rsqrt() * SQRT2
        y = torch.addcmul((self.bias * SQRT2).to(y.dtype)[None, :, None, None], y,
                          demodulation.to(y.dtype)[:, :, None, None])
        return functional.leaky_relu(y, 0.2, inplace=True)


class Generator(nn.Module):
    def __init__(self, codes=128, base=128, most=256, style=None):
        super().__init__()
        self.fir = Fir()
        channels = [min(base << (2 - i), most) for i in range(3)]
        style = codes if style is None else style
        self.input = EqualizedConv(codes, channels[0], 1)
        self.blocks = nn.ModuleList()
        for i, out in enumerate(channels):
            block = nn.ModuleDict()
            if i > 0:
                block["conv0"] = ModulatedConv(channels[i - 1], out, style, fir=self.fir)
            block["conv1"] = ModulatedConv(out, out, style)
            block["torgb"] = ModulatedConv(out, 3, style, 1, rgb=True)
            self.blocks.append(block)

    def upsample(self, image):
        n, c, h, w = image.shape
        zeros = functional.pad(image.reshape(n, c, h, 1, w, 1), (0, 1, 0, 0, 0, 1))
        return self.fir(zeros.reshape(n, c, 2 * h, 2 * w), (2, 1), gain=4.0)

    def forward(self, z_r, code):
        x = self.input(z_r, act=False)
        image = None
        for block in self.blocks:
            if "conv0" in block:
                x = block["conv0"](x, code)
            x = block["conv1"](x, code)
            rgb = block["torgb"](x, code)
            image = rgb if image is None else self.upsample(image) + rgb
        return image


class Discriminator(nn.Module):
    """Architecture `orig`."""

    def __init__(self, base=128, most=256, size=32):
        super().__init__()
        fir = Fir()
        self.fromrgb = EqualizedConv(3, base, 1)
        self.blocks = nn.ModuleList()
        inside = base
        while size > 7:
            out = min(inside * 2, most)
            self.blocks.append(nn.ModuleDict({"conv0": EqualizedConv(inside, inside),
                                              "conv1": EqualizedConv(inside, out, fir=fir)}))
            inside, size = out, size // 2
        self.epilogue = nn.ModuleDict({"conv": EqualizedConv(inside, inside),
                                       "fc": EqualizedLinear(inside * size * size, inside),
                                       "out": EqualizedLinear(inside, 1)})

    def forward(self, x):
        x = self.fromrgb(x)
        for block in self.blocks:
            x = block["conv1"](block["conv0"](x))
        x = self.epilogue["conv"](x)
        # Pixels before channels, which is how they lie in memory.
        x = self.epilogue["fc"](x.flatten(1))
        return self.epilogue["out"](functional.leaky_relu(x, 0.2) * SQRT2)[:, 0]


def frozen_twin(module):
    """A module whose parameters are the same memory, and constants."""
    twin = copy.deepcopy(module)
    for mine, theirs in zip(twin.parameters(), module.parameters()):
        mine.data = theirs.data
        mine.requires_grad_(False)
    return twin
