#!/usr/bin/env python3
"""Predicts how well a training step scales over GPUs. A model, not a measurement.

A step computes for T: a third forward, two thirds backward. Its gradients are sent in buckets, one
after the other, each as soon as backward has completed it:

    bucket of b bytes on R ranks: latency + 2 (R - 1)/R b / bandwidth

What ends after backward is exposed, and efficiency is T / (T + exposed). Synchronised batch norm adds
two small operations per layer and pass, in which nothing is hidden.

    bench/scaling_model.py [--step MS] [--latency US] [--bandwidth GB/S] [--sync-norm]
"""

import argparse

# The network's step: buckets as (bytes, share of backward after which it is complete). Kernels of a
# WideResNet lie mostly in its last stage, which backward meets first; what is no kernel (batch norm,
# biases) is complete with the first layer alone.
STEPS = {
    "WRN-28-2, supervised": {"ms": 0.55, "buckets": [(4.2e6, 0.33), (1.65e6, 1.0), (0.02e6, 1.0)], "norms": 25},
    "SciMix generator": {
        "ms": 5.0,
        # critic: D; then G, E_r, E_c with C
        "buckets": [(4.2e6, 0.1), (4.2e6, 0.15), (4.2e6, 0.2), (4.2e6, 0.25), (1.0e6, 0.3)]
        + [(4.2e6, 0.5), (4.2e6, 0.6), (1.5e6, 0.7), (5.9e6, 0.9), (5.9e6, 1.0)],
        "norms": 125,
    },
}
# GPUs: microseconds of an all-reduce of nothing, GB/s of a large one, as nccl-tests gives it (bus
# bandwidth). Assumptions: 8 GPUs by NVLink, more by one 400 Gb/s port for each GPU.
LINKS = {8: (25, 350), 64: (80, 300), 512: (160, 250)}


def exposed_ms(step_ms, buckets, ranks, latency_us, bandwidth):
    """Milliseconds for which nothing is computed, since a bucket is still on its way."""
    backward = step_ms * 2 / 3
    free = 0.0  # the moment, from the start of backward, at which the link is free
    for size, complete in buckets:
        sent = latency_us * 1e-3 + 2 * (ranks - 1) / ranks * size / (bandwidth * 1e9) * 1e3
        free = max(free, complete * backward) + sent
    return max(0.0, free - backward)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=float, help="milliseconds that a step computes, for all networks")
    parser.add_argument("--latency", type=float, help="microseconds of an all-reduce of nothing")
    parser.add_argument("--bandwidth", type=float, help="GB/s of a large all-reduce")
    parser.add_argument("--sync-norm", action="store_true", help="with batch statistics of all ranks")
    options = parser.parse_args()

    print(f"{'step':<22} {'GPUs':>5} {'computes':>10} {'sends':>9} {'exposed':>9} {'efficiency':>11}")
    for name, step in STEPS.items():
        for ranks, (latency, bandwidth) in LINKS.items():
            latency = options.latency or latency
            ms = options.step or step["ms"]
            lost = exposed_ms(ms, step["buckets"], ranks, latency, options.bandwidth or bandwidth)
            if options.sync_norm:
                lost += 2 * step["norms"] * latency * 1e-3
            sends = sum(size for size, _ in step["buckets"]) / 1e6
            print(
                f"{name:<22} {ranks:>5} {ms:>7.2f} ms {sends:>6.1f} MB {lost:>6.2f} ms {ms / (ms + lost):>10.0%}"
            )


if __name__ == "__main__":
    main()
