"""OpenSSH's client on the first host: `control` asks a master for each step, `session` sends all steps in one go."""

import subprocess
import sys
import tempfile

from serving import serve

from hosts import Hosts


def main():
    hosts = Hosts.given()
    name, how = hosts.hosts[0]["name"], sys.argv[3]
    ssh = ["ssh", "-F", hosts.config, "-o", "BatchMode=yes"]

    def ran(*line, script=None):
        said = subprocess.run(line, input=script, capture_output=True, check=True).stdout
        if not said:
            raise RuntimeError("no output")

    def session():
        ran(*ssh, name, "sh", script="\n".join(hosts.steps).encode())

    def control():
        with tempfile.TemporaryDirectory(prefix="hp") as folder:
            shared = [*ssh, "-o", f"ControlPath={folder}/s"]
            subprocess.run([*shared, "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-fN", name], check=True)
            try:
                for text in hosts.steps:
                    ran(*shared, name, text)
            finally:  # an idle master may not hear TERM
                subprocess.run([*shared, "-O", "exit", name], capture_output=True, check=True)

    serve({"session": session, "control": control}[how])


main()
