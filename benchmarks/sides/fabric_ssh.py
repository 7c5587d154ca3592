"""Fabric as its documentation has it: a `ThreadingGroup` that runs each step on all hosts."""

from fabric import Config, Connection, ThreadingGroup
from serving import serve

from hosts import Hosts


def main():
    hosts = Hosts.given()
    config = Config(overrides={"run": {"hide": True}}, runtime_ssh_path=hosts.config)

    def once():
        group = ThreadingGroup.from_connections(
            Connection(host["name"], config=config, connect_kwargs={"key_filename": hosts.key, "allow_agent": False})
            for host in hosts.hosts
        )
        for text in hosts.steps:
            for result in group.run(text).values():
                if not result.ok:
                    raise RuntimeError(f"`{text}` failed")
        group.close()

    serve(once)


main()
