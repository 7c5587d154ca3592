"""Takes the place of an application in a sandbox that signs its users' sessions with a secret from its environment.

    signer.py PORT FOLDER

`/login/NAME` gives a session, `/me/SESSION` tells whose it is or answers 401. It does not start where APP_SECRET is shorter
than 32 characters. FOLDER is its volume, with the pages.
"""

import hashlib
import hmac
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

LEAST = 32
SECRET = os.environ.get("APP_SECRET", "")


def session(name: str) -> str:
    return f"{name}.{hmac.new(SECRET.encode(), name.encode(), hashlib.sha256).hexdigest()}"


class Request(BaseHTTPRequestHandler):
    """A user's request."""

    def do_GET(self) -> None:
        _, what, *rest = self.path.split("/")
        text = rest[0] if rest else ""
        name = text.partition(".")[0]
        if what == "login" and (Path(sys.argv[2]) / "pages").exists():
            status, answer = 200, session(text)
        elif what == "me" and hmac.compare_digest(session(name), text):
            status, answer = 200, name
        elif what == "":
            status, answer = 200, "here"
        else:
            status, answer = 401, "log in, please"
        body = f"{answer}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    if len(SECRET) < LEAST:
        sys.exit(f"APP_SECRET must have at least {LEAST} characters")
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Request).serve_forever()


main()
