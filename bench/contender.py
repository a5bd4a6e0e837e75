"""A process that waits for requests and times training steps, for bench/compare_pytorch.py."""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time


def require_bench(path):
    """Ends this script if `path`, the value of --bench, is no program."""
    if not os.access(path, os.X_OK):
        sys.exit(f"{os.path.basename(sys.argv[0])}: {path}: no such program; build it, or name it "
                 "with --bench")


class TooSlow(Exception):
    """There was no answer in time."""


class Failed(Exception):
    """The process ended; the message is its last line on standard error."""


class Contender:
    """Starts `command`, which prints a line of JSON when it is ready, and answers each line it reads."""

    def __init__(self, command, threads):
        self.errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        # Its own session, so that the compilers it starts end with it.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, env=environment, text=True,
                                        start_new_session=True)

    def answer(self, limit):
        """The next line as a value. Raises TooSlow after `limit` seconds."""
        if not select.select([self.process.stdout], [], [], max(limit, 0))[0]:
            raise TooSlow
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise Failed(said[-1][:200] if said else f"ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, request, limit):
        begin = time.monotonic()
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() says why it ended
        return self.answer(limit - (time.monotonic() - begin))

    def peak_mb(self):
        """The peak resident memory of the process so far."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
        return float("nan")

    def stop(self):
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            try:
                stream.close()
            except BrokenPipeError:
                pass
