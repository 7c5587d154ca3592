"""Takes the place of an application in a sandbox that saves what its users write, and keeps a log open all the time.

    saver.py FOLDER LOG PORT

`/save` writes a new file of 64 KB beside FOLDER/page, has it on the disk, and puts it in the place of the page: so it needs
room and an inode, as a real save does. Where there is none it answers 507.
"""

import contextlib
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SIZE = 64 * 1024


class Saver(HTTPServer):
    """The application."""

    def __init__(self, folder: Path, log: Path, port: int) -> None:
        self.folder = folder
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        super().__init__(("127.0.0.1", port), Request)

    def save(self) -> None:
        """Save the page; raises `OSError` where it cannot."""
        new = self.folder / "page.new"
        try:
            with new.open("wb") as out:
                out.write(b"x" * SIZE)
                out.flush()
                os.fsync(out.fileno())
            new.rename(self.folder / "page")
        except OSError:
            new.unlink(missing_ok=True)
            raise

    def say(self, line: str) -> None:
        """Write a line to the log. Users are served also where that fails, as most loggers have it."""
        with contextlib.suppress(OSError):
            os.write(self.log, f"{line}\n".encode())


class Request(BaseHTTPRequestHandler):
    """A user's request."""

    server: Saver

    def do_GET(self) -> None:
        try:
            self.server.save()
            status, text = 200, "saved"
        except OSError as error:
            status, text = 507, str(error.strerror or error)
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *more: object) -> None:
        self.server.say(form % more)


def main() -> None:
    folder, log, port = sys.argv[1:]
    Saver(Path(folder), Path(log), int(port)).serve_forever()


main()
