"""asyncssh: ten hosts at a time on one event loop."""

import asyncio

import asyncssh
from serving import serve

from hosts import AT_ONCE, Hosts


def main():
    hosts = Hosts.given()
    known = asyncssh.read_known_hosts(hosts.known_hosts)
    keys = [asyncssh.read_private_key(hosts.key)]

    async def one(host, gate):
        options = {"known_hosts": known, "host_key_alias": host["name"], "client_keys": keys, "username": hosts.user}
        async with gate, asyncssh.connect(host["address"], host["port"], config=None, **options) as connection:
            for text in hosts.steps:
                result = await connection.run(text, check=True)
                if not result.stdout:
                    raise RuntimeError(f"`{text}` failed")

    async def every():
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(one(host, gate) for host in hosts.hosts))

    serve(lambda: asyncio.run(every()))


main()
