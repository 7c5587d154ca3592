"""A side that is a command, or several: `spawned.py [--with-output] PROGRAM ARGUMENT...`, or `--file FILE`.

A file is a JSON list of command lines. `--with-output` has the output read through a pipe. This is a small process,
since a child's peak of memory counts from what its parent had.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))

from serving import serve

BLOCK = 65536


def main():
    line, lines = sys.argv[1:], None
    if line[0] == "--file":
        with open(line[1]) as file:
            lines = json.load(file)
    piped = line[0] == "--with-output"
    lines = lines or [line[piped:]]

    def once():
        spent = [ran(line, piped=piped) for line in lines]
        return {"cpu": sum(cpu for cpu, _ in spent), "peak": max(peak for _, peak in spent)}

    serve(once)


def ran(line, *, piped):
    """Execute a command to its end; gives the CPU seconds, and the megabytes that it had at the most."""
    out = subprocess.PIPE if piped else subprocess.DEVNULL
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
    if piped:
        while os.read(process.stdout.fileno(), BLOCK):
            pass
        process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        words = said.decode(errors="replace").split("\n")
        raise RuntimeError(f"exit {process.returncode}: {next(filter(str.strip, reversed(words)), '')}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


main()
