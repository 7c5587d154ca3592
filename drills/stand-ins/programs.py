"""Lists the files of this machine that the images of a sandbox's engine are made of, one a line, without the first slash.

`programs.py POSTGRESQL`, the folder of its programs. PostgreSQL, Redis, Python with its library, a shell and a few tools,
and what they are linked with. Links are listed with what they lead to, and folders by their real names.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOOLS = ("sh", "env", "cat", "rm", "ls", "sed", "grep", "sleep", "mkdir", "printenv", "id", "redis-server", "redis-cli")
DATA = ("/usr/share/postgresql", "/usr/lib/locale/C.utf8", "/usr/share/zoneinfo/UTC")
NOT_NEEDED = {"test", "idlelib", "lib2to3", "ensurepip", "pydoc_data", "tkinter", "dist-packages", "site-packages"}
LOADER = re.search(rb"/lib[^\0]*/ld-[^\0]+", Path(sys.executable).resolve().read_bytes())[0].decode()
"""Asked itself, since `ldd` is a slow script."""


def library():
    """Python's own modules, compiled or not."""
    for folder, folders, names in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = [one for one in folders if one not in NOT_NEEDED and not one.startswith("config-")]
        yield from (f"{folder}/{name}" for name in names)


def inside(place):
    path = Path(place)
    return [str(one) for one in path.rglob("*") if one.is_file()] if path.is_dir() else [place]


def linked(program):
    """The libraries that the loader finds for it."""
    said = subprocess.run([LOADER, "--list", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/[^ ]+) \(0x", said)


def real(place):
    """A file by its folder's real name; where it is a link, also what it leads to."""
    path = Path(place)
    return {str(path.parent.resolve() / path.name), str(path.resolve())}


def is_program(place):
    with Path(place).open("rb") as file:
        return file.read(4) == b"\x7fELF"


def main(postgresql):
    own = [str(one) for one in Path(postgresql).iterdir()]
    own += [str(one) for one in (Path(postgresql).parent / "lib").glob("*.so") if not one.name.startswith("llvmjit")]
    own += [found for tool in TOOLS if (found := shutil.which(tool))]
    own += ["/usr/bin/python3", *library(), *(file for place in DATA for file in inside(place))]
    files = {file for place in own if Path(place).exists() for file in real(place)}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {one for libraries in pool.map(linked, filter(is_program, sorted(files))) for one in libraries}
    files |= {file for place in found for file in real(place)}
    print("\n".join(sorted(file.lstrip("/") for file in files)))


if __name__ == "__main__":
    main(sys.argv[1])
