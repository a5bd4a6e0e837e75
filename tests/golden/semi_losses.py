#!/usr/bin/env python3
"""Writes semi_losses.safetensors: the losses of semi-supervised training and of training on
hybrids, with their gradients, as PyTorch computes them in f64.

  pip install torch numpy safetensors
  tests/golden/semi_losses.py

The losses are written from the papers' formulas. Inputs are f32 numbers, which every element type
but bf16 holds exactly. tests/test_semi_losses.cpp reads the file.
"""
import pathlib

import torch
from safetensors.torch import save_file

ROWS, CLASSES = 8, 6
THRESHOLDS = (0.95, 0.5, 0.0)

functional = torch.nn.functional


def make_inputs():
    draw = torch.Generator().manual_seed(7)

    def logits(spread):
        return spread * torch.randn(ROWS, CLASSES, generator=draw)

    inputs = {name: logits(2.0) for name in ("student", "teacher", "strong", "hybrid")}
    # Some rows surely known, some likely, some not at all.
    inputs["weak"] = logits(1.0) * torch.tensor([9, 0.3, 2, 9, 0.3, 2, 9, 2]).reshape(-1, 1)
    inputs["p_c"] = functional.softmax(logits(2.0), 1)
    inputs["p_r"] = functional.softmax(logits(2.0), 1)
    inputs["alpha"] = torch.full((ROWS,), 0.9)
    inputs["lambda"] = torch.rand(ROWS, generator=draw)
    inputs["kept"] = torch.tensor([1.0, 0, 1, 1, 0, 0, 1, 1])
    inputs["labels"] = torch.randint(CLASSES, (ROWS,), generator=draw, dtype=torch.int32)
    return inputs


def consistency(student, teacher):
    difference = functional.softmax(student, 1) - functional.softmax(teacher, 1)
    return difference.pow(2).mean()


def pseudo_label(strong, weak, threshold):
    confidence, label = functional.softmax(weak, 1).max(1)
    print(f"threshold {threshold}: {int((confidence >= threshold).sum())} of {ROWS} rows count")
    assert (confidence - threshold).abs().min() > 1e-3  # no row that a rounding decides
    rows = functional.cross_entropy(strong, label, reduction="none")
    return (rows * (confidence >= threshold)).mean()


def contradict(hybrid, p_c, p_r, share, kept):
    target = share[:, None] * p_c + (1 - share[:, None]) * p_r
    rows = (functional.softmax(hybrid, 1) - target).pow(2).mean(1)
    return (rows * kept).mean()


def hybrid_label(hybrid, labels, kept):
    return (functional.cross_entropy(hybrid, labels, reduction="none") * kept).mean()


def losses(given):
    """Name of a loss -> the name of the input that it teaches, and the loss as a function of it."""
    g = {name: value.double() for name, value in given.items()}
    labels = given["labels"].long()
    everything = torch.ones(ROWS, dtype=torch.float64)
    cases = {
        "consistency": ("student", lambda x: consistency(x, g["teacher"])),
        "classification": ("student", lambda x: functional.cross_entropy(x, labels)),
        "hybrid_label": ("hybrid", lambda x: hybrid_label(x, labels, g["kept"])),
        "hybrid_label.all": ("hybrid", lambda x: hybrid_label(x, labels, everything)),
    }
    for threshold in THRESHOLDS:
        cases[f"pseudo_label.{threshold:.2f}"] = (
            "strong", lambda x, t=threshold: pseudo_label(x, g["weak"], t))
    for share in ("alpha", "lambda"):
        for label, kept in (("", g["kept"]), (".all", everything)):
            cases[f"contradict.{share}{label}"] = (
                "hybrid",
                lambda x, s=share, k=kept: contradict(x, g["p_c"], g["p_r"], g[s], k))
    return cases


def main():
    tensors = make_inputs()
    for name, (taught, loss) in losses(tensors).items():
        x = tensors[taught].double().requires_grad_()
        value = loss(x)
        value.backward()
        print(f"{name}: {value.item():.6f}, largest slope {x.grad.abs().max().item():.4f}")
        tensors[f"{name}.loss"] = value.detach()
        tensors[f"{name}.gradient"] = x.grad
    path = pathlib.Path(__file__).with_suffix(".safetensors")
    save_file(tensors, path, metadata={"made_by": f"{path.stem}.py, PyTorch"})


if __name__ == "__main__":
    main()
