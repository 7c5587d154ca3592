"""Prints 100 MB."""

import os

block = (b"x" * 99 + b"\n") * 10_000
for _ in range(100):
    left = memoryview(block)
    while left:
        left = left[os.write(1, left) :]
