"""The least that Python needs: a process for each step, read by a selector in blocks of 64 KiB."""

import os
import selectors
import subprocess
import sys

from serving import serve

BLOCK = 65536


def main():
    count, text = int(sys.argv[1]), sys.argv[2]
    serve(lambda: [ran(text) for _ in range(count)] and None)


def ran(text):
    process = subprocess.Popen(
        ["sh", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                if not os.read(key.fd, BLOCK):
                    selector.unregister(key.fileobj)
    process.stdout.close()
    process.stderr.close()
    if process.wait():
        raise RuntimeError(f"`{text}` failed")


main()
