"""What the sides over SSH share: the hosts, as `benchmarks/servers.py` described them, and the steps."""

import json
import socket
import sys

from steps import repeated

AT_ONCE = 10
BLOCK = 65536


class Hosts:
    """The hosts, how to log in, and how many steps each gets."""

    def __init__(self, file, steps):
        with open(file) as described:
            self.__dict__.update(json.load(described))
        self.steps = repeated(int(steps))

    @classmethod
    def given(cls):
        """Read what the command line names: the file, the number of steps."""
        return cls(*sys.argv[1:3])


def dialled(host):
    """A connection that sends at once: without TCP_NODELAY each step would wait 40 ms for an acknowledgement."""
    sock = socket.create_connection((host["address"], host["port"]))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
