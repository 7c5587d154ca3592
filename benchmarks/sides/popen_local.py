"""The least that Python needs: a process for each step, read by a selector in blocks of 64 KiB.

`popen_local.py COUNT TEXT` drops what is read, `popen_local.py 1 TEXT FILE` keeps it.
"""

import contextlib
import os
import selectors
import subprocess
import sys

from serving import serve

BLOCK = 65536


def main():
    count, text, *files = sys.argv[1:]
    if files:
        serve(lambda: kept(text, files[0]), lambda: os.unlink(files[0]))
    else:
        serve(lambda: [ran(text, len) for _ in range(int(count))] and None)


def kept(text, name):
    with open(name, "wb", buffering=0) as file:
        ran(text, file.write)


def ran(text, take):
    process = subprocess.Popen(
        ["sh", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with (
        selectors.DefaultSelector() as selector,
        contextlib.closing(process.stdout),
        contextlib.closing(process.stderr),
    ):
        for pipe in (process.stdout, process.stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                if data := os.read(key.fd, BLOCK):
                    take(data)
                else:
                    selector.unregister(key.fileobj)
    if process.wait():
        raise RuntimeError(f"`{text}` failed")


main()
