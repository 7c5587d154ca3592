"""Paramiko: a pool of ten threads, each host with a client of its own. A third argument has OpenSSH asked for the way."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko
from serving import serve

from hosts import AT_ONCE, BLOCK, Hosts, dialled


def main():
    hosts = Hosts.given()
    asks = sys.argv[3:] == ["asks"]
    key = paramiko.Ed25519Key(filename=hosts.key)
    known = paramiko.HostKeys(hosts.known_hosts)

    def one(host):
        if asks:
            line = ["ssh", "-G", "-F", hosts.config, "--", host["name"]]
            subprocess.run(line, capture_output=True, check=True)
        transport = paramiko.Transport(dialled(host))
        transport.start_client(timeout=30)
        if not known.check(host["name"], transport.get_remote_server_key()):
            raise RuntimeError("another host key")
        transport.auth_publickey(hosts.user, key)
        for text in hosts.steps:
            channel = transport.open_session()
            channel.exec_command(text)
            output = b""
            while data := channel.recv(BLOCK):
                output += data
            if channel.recv_exit_status() or not output:
                raise RuntimeError(f"`{text}` failed")
        transport.close()

    def once():
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, hosts.hosts))

    serve(once)


main()
