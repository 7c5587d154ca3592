"""libssh2, by ssh2-python: a pool of ten threads, each host with a session of its own."""

import base64
from concurrent.futures import ThreadPoolExecutor

from serving import serve
from ssh2.session import Session

from hosts import AT_ONCE, BLOCK, Hosts, dialled


def main():
    hosts = Hosts.given()
    public = base64.b64decode(hosts.public.split()[1])

    def one(host):
        sock = dialled(host)
        session = Session()
        session.handshake(sock)
        if session.hostkey()[0] != public:
            raise RuntimeError("another host key")
        session.userauth_publickey_fromfile(hosts.user, hosts.key)
        for text in hosts.steps:
            channel = session.open_session()
            channel.execute(text)
            output = b""
            while True:
                size, data = channel.read(BLOCK)
                if size <= 0:
                    break
                output += data
            channel.wait_eof()
            channel.close()
            channel.wait_closed()
            if channel.get_exit_status() or not output:
                raise RuntimeError(f"`{text}` failed")
        session.disconnect()
        sock.close()

    def once():
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, hosts.hosts))

    serve(once)


main()
