#!/usr/bin/env python3
"""One PyTorch training step in a process of its own, timed on request by bench/compare_pytorch.py.

Answers as `scimix_bench --in-turn` does: the first line is JSON about the process; for each line "N" or
"N with R1" on standard input, it makes N steps and prints the seconds of each as a list. The argument
is JSON: {"step": name of a class in pytorch_steps.py, "options": its arguments, "settings": ...,
"threads": ...}. On standard error are PyTorch's own messages.
"""
import json
import sys
import time

sys.dont_write_bytecode = True  # no folder of compiled scripts among the sources
import torch

import pytorch_steps


def memory_mb():
    """The resident memory of this process now."""
    with open("/proc/self/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return float("nan")


def main():
    after_import = memory_mb()
    wanted = json.loads(sys.argv[1])
    torch.set_num_threads(wanted["threads"])
    settings = pytorch_steps.Settings(**wanted["settings"])
    make = getattr(pytorch_steps, wanted["step"])
    step = pytorch_steps.build(settings, lambda s: make(s, **wanted["options"]))
    print(json.dumps({"after_import_mb": after_import}), flush=True)
    for line in sys.stdin:
        count, _, kind = line.strip().partition(" ")
        # Steps with a number that 16 divides have R1, others not. Other steps are all alike.
        number = 0 if kind == "with R1" else 1
        seconds = []
        for _ in range(int(count)):
            begin = time.perf_counter()
            step.run(number)
            seconds.append(time.perf_counter() - begin)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
