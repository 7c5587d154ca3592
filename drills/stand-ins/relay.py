"""Hands what connects to a port of loopback here to the same port of loopback where a process's network is.

`relay.py PORT PID`. The engine of a sandbox has a network of its own, so the port that it publishes is there and not here.
"""

import asyncio
import ctypes
import os
import socket
import sys
from contextlib import suppress

NEW_NETWORK = 0x40000000
CHUNK = 65536


async def pump(source, sink):
    with suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    with suppress(OSError):
        sink.write_eof()


async def main(port, pid):
    async def relayed(here, back):
        try:
            there, onward = await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # nothing is published there now
            back.transport.abort()
            return
        await asyncio.gather(pump(here, onward), pump(there, back))
        for end in (onward, back):
            end.close()

    door = socket.create_server(("127.0.0.1", port))  # stays in this network; what is opened later is in the other
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(network, NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "cannot enter the network of the engine")
    server = await asyncio.start_server(relayed, sock=door)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
