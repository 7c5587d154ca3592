"""A small SSH server of Paramiko's, for a machine without sshd: it runs commands with `sh -c`, and can drop a connection."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import IO

import paramiko

BLOCK = 65536


class Doorkeeper(paramiko.ServerInterface):
    """Lets one key in, and starts what is asked for."""

    def __init__(self, key: paramiko.PKey, home: Path) -> None:
        self._key = key
        self._home = home

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL if key == self._key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_global_request(self, kind: str, msg: paramiko.Message) -> bool:
        return False  # which is an answer, and all that a sign of life needs

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._execute, args=(channel, command), daemon=True).start()
        return True

    def _execute(self, channel: paramiko.Channel, command: bytes) -> None:
        process = subprocess.Popen(
            ["sh", "-c", command.decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._home,
            env={**os.environ, "HOME": str(self._home)},
            start_new_session=True,
            bufsize=0,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        outputs = [
            threading.Thread(target=_pass_on, args=(process.stdout, channel.sendall), daemon=True),
            threading.Thread(target=_pass_on, args=(process.stderr, channel.sendall_stderr), daemon=True),
        ]
        threading.Thread(target=_feed, args=(channel, process), daemon=True).start()
        for thread in outputs:
            thread.start()
        code = process.wait()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.send_exit_status(code if code >= 0 else 128 - code)
            for thread in outputs:
                thread.join()
            channel.shutdown_write()
            channel.close()


def _pass_on(pipe: IO[bytes], send: object) -> None:
    with pipe, contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        while data := os.read(pipe.fileno(), BLOCK):
            send(data)  # type: ignore[operator] # a method of the channel


def _feed(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    """Hand input on until the client ends it or is gone; then the command's input is at its end too."""
    assert process.stdin
    with contextlib.suppress(OSError, EOFError):
        while data := channel.recv(BLOCK):
            process.stdin.write(data)
    with contextlib.suppress(OSError):
        process.stdin.close()


class Server:
    """Listens on a free port of loopback."""

    def __init__(self, host_key: paramiko.PKey, client_key: paramiko.PKey, home: Path) -> None:
        self._host_key, self._client_key, self._home = host_key, client_key, home
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(self._host_key)
                self._transports.append(transport)
                with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
                    transport.start_server(event=threading.Event(), server=Doorkeeper(self._client_key, self._home))

    def hang_up(self) -> None:
        transports, self._transports = self._transports, []
        for transport in transports:
            transport.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._socket.close()
        self.hang_up()
