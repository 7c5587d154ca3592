"""Takes the place of `docker` in a sandbox: the containers of one compose project are processes that it supervises.

It owns the subset of `docker` and `docker compose` that runbooks and people at night use, with the meaning of the real
one. It refuses to know what runs inside: an image is a command with an environment, listed in `images.json`.

The command line reads the compose file, as the person who typed it, and hands it with its own standard streams to the
one daemon of the sandbox, which runs as an ordinary user. `docker.py serve FOLDER` is that daemon.
"""

import array
import hashlib
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

STREAMS = 3
MARK = "HOLDPOINT_DRILL"
SOCKET = "docker.sock"
PGDATA = "var/lib/postgresql/data"


class Refused(Exception):
    """What `docker` would say on standard error, with its exit code."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


# --- the compose file, as the person who typed the command sees it -----------------------------------------------


def read_yaml(text):
    """The part of YAML that a compose file needs: mappings, lists of texts, quoted texts, comments."""
    lines = []
    for number, raw in enumerate(text.split("\n"), 1):
        bare = raw.strip()
        if not bare or bare.startswith("#"):
            continue
        if "\t" in raw[: len(raw) - len(raw.lstrip())]:
            raise Refused(f"yaml: line {number}: found character that cannot start any token")
        lines.append(
            (len(raw) - len(raw.lstrip(" ")), re.sub(r"\s+#.*$", "", bare) if bare[-1] not in "'\"" else bare, number)
        )
    if not lines:
        return {}
    value, rest = _block(lines, 0)
    if rest < len(lines):
        raise Refused(f"yaml: line {lines[rest][2]}: did not find expected key")
    return value


def _block(lines, at):
    indent = lines[at][0]
    if lines[at][1].startswith("- ") or lines[at][1] == "-":
        items = []
        while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("-"):
            items.append(_scalar(lines[at][1][1:].strip()))
            at += 1
        return items, at
    found = {}
    while at < len(lines) and lines[at][0] == indent:
        match = re.match(r"""('[^']*'|"[^"]*"|[^\s:'"][^:]*?)\s*:(?:\s+(.*))?$""", lines[at][1])
        if not match:
            raise Refused(f"yaml: line {lines[at][2]}: could not find expected ':'")
        key, text = str(_scalar(match[1])), match[2]
        at += 1
        if text is not None and text != "":
            found[key] = _scalar(text)
        elif at < len(lines) and (lines[at][0] > indent or (lines[at][0] == indent and lines[at][1].startswith("- "))):
            found[key], at = _block(lines, at)
        else:
            found[key] = None
    return found, at


def _scalar(text):
    if text[:1] in "'\"" and text[:1] == text[-1:] and len(text) > 1:
        return text[1:-1].replace("''", "'") if text[0] == "'" else json.loads(text)
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(one.strip()) for one in text[1:-1].split(",") if one.strip()]
    return text


def read_env(path):
    found = {}
    for line in path.read_text().split("\n"):
        bare = line.strip()
        if bare and not bare.startswith("#") and "=" in bare:
            name, value = bare.split("=", 1)
            value = value.strip()
            found[name.strip()] = (
                value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
            )
    return found


def filled(value, env):
    """Put variables in, as compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?}`, `$$`."""

    def one(match):
        if match[0] == "$$":
            return "$"
        name, op, other = match[1] or match[2], match[3] or "", match[4] or ""
        have = env.get(name)
        empty = have is None or (op.startswith(":") and have == "")
        if op in (":-", "-"):
            return other if empty else have
        if op in (":?", "?") and empty:
            raise Refused(f"required variable {name} is missing a value: {other}")
        if have is None:
            print(
                f'time="{now()}" level=warning msg="The \\"{name}\\" variable is not set. Defaulting to a blank string."',
                file=sys.stderr,
            )
        return have or ""

    if isinstance(value, dict):
        return {key: filled(inner, env) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, env) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\$|\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?:(:?[-?])([^}]*))?\}", one, value)
    return value


def listed(value):
    if value is None:
        return []
    return list(value) if isinstance(value, (list, dict)) else [value]


def read_project(file):
    """Give `{name, services, volumes}` with everything filled in, defaults included."""
    path = Path(file)
    try:
        tree = read_yaml(path.read_text())
    except OSError:
        raise Refused(f"open {file}: no such file or directory", 14) from None
    folder = path.resolve().parent
    env = read_env(folder / ".env") if (folder / ".env").exists() else {}
    env.update(os.environ)
    tree = filled(tree, env)
    name = env.get("COMPOSE_PROJECT_NAME") or tree.get("name") or re.sub(r"[^a-z0-9_-]", "", folder.name.lower())
    services = {}
    for service, raw in (tree.get("services") or {}).items():
        given = {}
        for env_file in listed((raw or {}).get("env_file")):
            given.update(read_env(folder / env_file))
        plain = (raw or {}).get("environment") or {}
        if isinstance(plain, list):
            plain = dict(one.split("=", 1) if "=" in one else (one, env.get(one, "")) for one in plain)
        given.update({key: env.get(key, "") if value is None else str(value) for key, value in plain.items()})
        if not raw or not raw.get("image"):
            raise Refused(
                f'service "{service}" has neither an image nor a build context specified: invalid compose project', 15
            )
        command = raw.get("command")
        services[service] = {
            "image": raw["image"],
            "command": command.split() if isinstance(command, str) else command,
            "environment": dict(sorted(given.items())),
            "volumes": [str(one) for one in listed(raw.get("volumes"))],
            "restart": str(raw.get("restart") or "no"),
            "depends_on": listed(raw.get("depends_on")),
            "ports": [str(one) for one in listed(raw.get("ports"))],
            "stop_signal": raw.get("stop_signal"),
        }
    return {"name": name, "file": str(path.resolve()), "services": services, "volumes": listed(tree.get("volumes"))}


def hash_of(service):
    return hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()


def now():
    return stamp(time.time())


def stamp(moment):
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_of(text):
    """A moment, from `10m`, `30s` or a time stamp."""
    if re.fullmatch(r"(\d+(\.\d+)?[hms])+", text):
        return time.time() - sum(
            float(n) * {"h": 3600, "m": 60, "s": 1}[u] for n, _, u in re.findall(r"(\d+(\.\d+)?)([hms])", text)
        )
    text = re.sub(r"(\.\d{6})\d*", r"\1", text.replace("Z", "+00:00"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise Refused(f'invalid value for "since": failed to parse value as time or duration: "{text}"') from None
    return moment.timestamp() if moment.tzinfo else moment.astimezone().timestamp()


# --- the command line --------------------------------------------------------------------------------------------


def client(folder, argv):
    """Read what is to be read as this person, and let the daemon do the rest with our streams."""
    request = {"argv": argv, "project": None}
    try:
        if argv[:1] == ["compose"]:
            file, rest = None, argv[1:]
            while rest and rest[0].startswith("-"):
                option, rest = rest[0], rest[1:]
                if option in (
                    "-f",
                    "--file",
                    "-p",
                    "--project-name",
                    "--ansi",
                    "--progress",
                    "--profile",
                    "--env-file",
                ):
                    value, rest = rest[0] if rest else "", rest[1:]
                    file = value if option in ("-f", "--file") else file
                elif option.startswith("--file="):
                    file = option[7:]
            if not rest:
                raise Refused("Usage:  docker compose [OPTIONS] COMMAND")
            request["argv"] = ["compose", *rest]
            if rest[0] == "version":
                print("Docker Compose version v2.29.7")
                return 0
            if file is None:
                file = next(
                    (one for one in ("compose.yaml", "compose.yml", "docker-compose.yml") if Path(one).exists()), None
                )
            if file is None:
                raise Refused("no configuration file provided: not found")
            request["project"] = read_project(file)
            if rest[0] == "config":
                return print_config(request["project"], rest[1:])
    except Refused as no:
        print(no, file=sys.stderr)
        return no.code
    with socket.socket(socket.AF_UNIX) as line:
        at = os.open(folder, os.O_RDONLY)
        try:
            line.connect(f"/proc/self/fd/{at}/{SOCKET}")
        except OSError:
            print("Cannot connect to the Docker daemon. Is the docker daemon running?", file=sys.stderr)
            return 1
        text = json.dumps(request).encode() + b"\n"
        line.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", range(STREAMS)))])
        answer = b""
        while chunk := line.recv(64):
            answer += chunk
        return int(answer) if answer.strip().isdigit() else 1


def print_config(project, options):
    services = project["services"]
    if "--services" in options:
        print("\n".join(services))
    elif "--images" in options:
        print("\n".join(service["image"] for service in services.values()))
    elif "--volumes" in options:
        print("\n".join(project["volumes"]))
    elif "--hash" in options:
        wanted = options[options.index("--hash") + 1]
        names = list(services) if wanted == "*" else wanted.split(",")
        for name in names:
            if name not in services:
                raise Refused(f"no such service: {name}")
            print(f"{name} {hash_of(services[name])}")
    elif "-q" in options or "--quiet" in options:
        pass
    elif "json" in options:
        print(json.dumps({"name": project["name"], "services": services}, indent=2))
    else:
        print(f"name: {project['name']}\nservices:")
        for name, service in services.items():
            print(f"  {name}:\n    image: {service['image']}\n    restart: {service['restart']}\n    environment:")
            for key, value in service["environment"].items():
                print(f"      {key}: {json.dumps(value)}")
    return 0


def see_off(process):
    """A container ends with its first process: whatever that leaves behind is killed, and holds its output no longer."""
    process.wait()
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


# --- the daemon --------------------------------------------------------------------------------------------------


class Container:
    """One process with its record on disk; what it wrote is kept beside it until it is removed."""

    def __init__(self, daemon, record):
        self.daemon, self.record = daemon, record
        self.process = None
        self.thread = None
        self.ending = False
        self.lock = threading.RLock()
        self.quiet = threading.Event()

    @property
    def folder(self):
        return self.daemon.folder / "containers" / self.record["id"]

    @property
    def root(self):
        return self.folder / "root"

    @property
    def name(self):
        return self.record["name"]

    def save(self):
        temporary = self.folder / "record.new"
        temporary.write_text(json.dumps(self.record, indent=1))
        temporary.replace(self.folder / "record.json")

    def log(self, text):
        with (self.folder / "log").open("a") as out:
            out.write(f"{now()} {text}\n")

    def environment(self):
        image = self.daemon.image(self.record["image"])
        path = os.pathsep.join([*image.get("path", []), os.environ.get("PATH", "/usr/bin:/bin")])
        return {
            "LANG": "C.UTF-8",
            "HOME": str(self.root),
            "HOSTNAME": self.record["id"][:12],
            **image.get("env", {}),
            **({"PGDATA": str(self.root / PGDATA)} if f"/{PGDATA}" in image.get("volumes", []) else {}),
            **self.record["environment"],
            **({MARK: os.environ[MARK]} if MARK in os.environ else {}),  # by which whatever is left of a drill is found
            "PATH": path,
            "ROOT": str(self.root),
            "NET": str(self.daemon.folder / "net"),
            "SERVICE": self.record["service"],
            "IMAGE": self.record["image"],
        }

    def start(self):
        with self.lock:
            if self.thread and self.thread.is_alive() and not self.ending:
                return
        self.join()
        self.ending = False
        self.record.update(wanted=True, restarts=0, oom=False)
        self.thread = threading.Thread(target=self.supervise, daemon=True)
        begun = self.begun = threading.Event()
        self.thread.start()
        begun.wait(10)

    def supervise(self):
        delay = 0.1
        address = self.daemon.folder / "net" / self.record["service"]
        while True:
            image = self.daemon.image(self.record["image"])
            with self.lock:
                if self.ending:
                    break
                began = time.time()
                command = [*image["command"], *(self.record["command"] or image.get("arguments", []))]
                self.process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", "--", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    env=self.environment(),
                    cwd=self.root,
                    start_new_session=True,
                )
                threading.Thread(target=see_off, args=(self.process,), daemon=True).start()
                self.record.update(status="running", started=began, pid=self.process.pid, oom=False)
                self.save()
                address.write_text(self.daemon.address(self.record["service"], image))
            self.begun.set()
            for line in self.process.stdout:
                self.log(line.rstrip("\n"))
                if self.process.poll() is not None:
                    break
            code = self.process.wait()
            with self.lock:
                self.process = None
                address.unlink(missing_ok=True)
                code = 128 - code if code < 0 else code
                self.record.update(status="exited", code=code, finished=time.time(), pid=0)
                policy = self.record["restart"]
                again = policy in ("always", "unless-stopped") or (policy.startswith("on-failure") and code != 0)
                if self.ending or not again:
                    self.record["wanted"] = self.record["wanted"] and not self.ending and again
                    self.save()
                    break
                self.record["status"] = "restarting"
                self.record["restarts"] += 1
                self.save()
            if time.time() - began > 10:
                delay = 0.1
            self.quiet.wait(delay)
            delay = min(delay * 2, self.daemon.longest)
        with self.lock:
            if self.record["status"] == "restarting":
                self.record["status"] = "exited"
                self.save()
        self.begun.set()

    def join(self):
        if self.thread:
            self.thread.join(30)

    def stop(self, seconds=10, signal_name=None, forget=True):
        """End it as `docker stop` does: the signal to the first process, after a while KILL to all."""
        image = self.daemon.image(self.record["image"])
        chosen = signal_name or self.record.get("stop_signal") or image.get("stop_signal", "TERM")
        with self.lock:
            self.ending = True
            self.quiet.set()
            process = self.process
            if forget:
                self.record["wanted"] = False
                self.save()
        if process:
            if self.record["status"] == "paused":
                self.pause(still=False)
            with suppress(OSError):
                os.kill(process.pid, getattr(signal, "SIG" + chosen.removeprefix("SIG")))
            until = time.time() + seconds
            while process.poll() is None and time.time() < until:
                time.sleep(0.02)
            if process.poll() is None:
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
        self.join()
        self.quiet.clear()

    def crash(self, oom=False):
        """Die as by the kernel's hand; the restart policy goes on."""
        with self.lock:
            if self.process:
                self.record["oom"] = oom
                os.killpg(self.process.pid, signal.SIGKILL)

    def pause(self, still):
        """Freeze it, or let it go on: it is there, and does nothing."""
        with self.lock:
            if self.process:
                os.killpg(self.process.pid, signal.SIGSTOP if still else signal.SIGCONT)
                self.record["status"] = "paused" if still else "running"
                self.save()

    def hang(self):
        """Have an application that knows of it answer no more, and live on."""
        with self.lock:
            if self.process:
                os.kill(self.process.pid, signal.SIGUSR1)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Daemon:
    """All containers of the sandbox, and what a command line may ask of them."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.containers = {}
        self.lock = threading.RLock()
        self.mine = threading.local()
        self.longest = float(os.environ.get("BACKOFF_MAX", "2"))
        for name in ("containers", "volumes", "net"):
            (self.folder / name).mkdir(exist_ok=True)
        for old in (self.folder / "net").iterdir():
            if old.is_file():
                old.unlink()
        for record in sorted((self.folder / "containers").glob("*/record.json")):
            one = Container(self, json.loads(record.read_text()))
            self.containers[one.record["service"]] = one
            if one.record["wanted"] and one.record["restart"] != "no":
                threading.Thread(target=one.start, daemon=True).start()
            elif one.record["status"] not in ("exited", "created"):
                one.record.update(status="exited", code=137, wanted=False, pid=0, finished=time.time())
                one.save()

    def image(self, name):
        images = json.loads((self.folder / "images.json").read_text())
        if name not in images:
            raise Refused(
                f"Error response from daemon: manifest for {name} not found: manifest unknown: manifest unknown"
            )
        return images[name]

    def address(self, service, image):
        ports = json.loads((self.folder / "ports.json").read_text())
        if image.get("listens") == "socket":
            return f"unix:{self.folder}/net/{service}.sock"
        return f"127.0.0.1:{ports.get(service, 0)}"

    # --- containers of a project ---

    def make(self, project, service, keep=None):
        wanted = project["services"][service]
        image = self.image(wanted["image"])
        identity = secrets.token_hex(6)
        record = {
            "id": identity,
            "name": f"{project['name']}-{service}-1",
            "project": project["name"],
            "service": service,
            "hash": hash_of(wanted),
            "created": time.time(),
            "started": 0,
            "finished": 0,
            "status": "created",
            "code": 0,
            "oom": False,
            "restarts": 0,
            "wanted": False,
            "pid": 0,
            "mounts": {},
            **{key: wanted[key] for key in ("image", "command", "environment", "restart", "stop_signal", "ports")},
        }
        one = Container(self, record)
        mounts = {}
        for volume in wanted["volumes"]:
            source, target = volume.split(":")[:2]
            mounts[target] = f"{project['name']}_{source}"
        for target in image.get("volumes", []):
            if target not in mounts:
                mounts[target] = (keep or {}).get(target) or secrets.token_hex(16)
        record["mounts"] = mounts
        self.furnish(one, image)
        one.save()
        (one.folder / "log").touch()
        self.containers[service] = one
        return one

    def furnish(self, one, image):
        """Give a container its folder, with its volumes and the files of its image in it."""
        one.root.mkdir(parents=True)
        mounts = one.record["mounts"]
        for target, volume in mounts.items():
            (self.folder / "volumes" / volume).mkdir(exist_ok=True)
            at = one.root / target.lstrip("/")
            at.parent.mkdir(parents=True, exist_ok=True)
            at.symlink_to(self.folder / "volumes" / volume)
        for target, source in image.get("files", {}).items():
            at = one.root / target.lstrip("/")
            at.parent.mkdir(parents=True, exist_ok=True)
            at.symlink_to(source)

    def chosen(self, project, names, need=True):
        order = []

        def visit(name, seen=()):
            if name not in project["services"]:
                raise Refused(f"no such service: {name}")
            for other in project["services"][name]["depends_on"]:
                if other in seen:
                    raise Refused("dependency cycle detected")
                visit(other, (*seen, name))
            if name not in order:
                order.append(name)

        for name in names or project["services"]:
            visit(name)
        return [name for name in order if not names or name in names] if need else order

    def compose(self, project, argv, out, err, streams):
        verb, rest = argv[0], argv[1:]
        known = {
            "ps",
            "logs",
            "stop",
            "start",
            "restart",
            "up",
            "exec",
            "run",
            "kill",
            "pause",
            "unpause",
            "down",
            "rm",
        }
        known |= {"pull", "top", "images"}
        if verb not in known:
            raise Refused(f'unknown docker command: "compose {verb}"')
        return getattr(self, f"compose_{verb}")(project, rest, out, err, streams)

    @staticmethod
    def options(rest, takes):
        """Split into options and names; options of `takes` have a value."""
        found, names = {}, []
        while rest:
            one, rest = rest[0], rest[1:]
            if one.startswith("--") and "=" in one:
                key, value = one.split("=", 1)
                found[key] = value
            elif one in takes:
                if not rest:
                    raise Refused(f"flag needs an argument: {one}")
                found[one], rest = rest[0], rest[1:]
            elif one.startswith("-") and one != "-":
                found[one] = True
            else:
                names.append(one)
        return found, names

    def say(self, err, one, did):
        err.write(f" Container {one.name}  {did}\n")
        err.flush()

    def compose_ps(self, project, rest, out, err, streams):
        options, names = self.options(rest, {"--format", "--status", "--filter"})
        every = "-a" in options or "--all" in options
        quiet = "-q" in options or "--quiet" in options
        rows = []
        for service in self.chosen(project, names):
            one = self.containers.get(service)
            if one is None or not (every or one.record["status"] in ("running", "restarting", "paused")):
                continue
            if options.get("--status") not in (None, one.record["status"]):
                continue
            rows.append(one)
        form = options.get("--format", "table")
        if "--services" in options:
            out.write("".join(one.record["service"] + "\n" for one in rows))
        elif quiet:
            out.write("".join(one.record["id"] + "\n" for one in rows))
        elif form == "json":
            out.write("".join(json.dumps(self.row(one)) + "\n" for one in rows))
        elif form == "table":
            out.write(f"{'NAME':<30}{'IMAGE':<26}{'SERVICE':<24}STATUS\n")
            out.write(
                "".join(
                    f"{one.name:<30}{one.record['image']:<26}{one.record['service']:<24}{self.status(one)}\n"
                    for one in rows
                )
            )
        else:
            out.write("".join(template(form.replace("table ", ""), self.row(one)) + "\n" for one in rows))
        return 0

    def row(self, one):
        record = one.record
        ports = [
            {
                "URL": "127.0.0.1",
                "TargetPort": int(p.split(":")[-1]),
                "PublishedPort": int(p.split(":")[-2]),
                "Protocol": "tcp",
            }
            for p in record["ports"]
        ]
        return {
            "Command": json.dumps(" ".join(record["command"] or ["docker-entrypoint.sh"])),
            "CreatedAt": stamp(record["created"]),
            "ExitCode": record["code"] if record["status"] != "running" else 0,
            "Health": self.health(one),
            "ID": record["id"],
            "Image": record["image"],
            "Labels": f"com.docker.compose.config-hash={record['hash']},com.docker.compose.service={record['service']}",
            "LocalVolumes": str(len(record["mounts"])),
            "Name": one.name,
            "Names": one.name,
            "Project": record["project"],
            "Publishers": ports,
            "RunningFor": ago(record["created"]) + " ago",
            "Service": record["service"],
            "State": record["status"],
            "Status": self.status(one),
        }

    def status(self, one):
        record = one.record
        if record["status"] == "running":
            health = self.health(one)
            return f"Up {ago(record['started'])}" + (f" ({health})" if health else "")
        if record["status"] == "paused":
            return f"Up {ago(record['started'])} (Paused)"
        if record["status"] == "restarting":
            return f"Restarting ({record['code']}) {ago(record['finished'])} ago"
        return (
            "Created" if record["status"] == "created" else f"Exited ({record['code']}) {ago(record['finished'])} ago"
        )

    def health(self, one):
        path = self.image(one.record["image"]).get("health")
        if not path or one.record["status"] != "running" or one.record["command"]:
            return ""
        address = self.address(one.record["service"], {})
        try:
            import urllib.request  # noqa: PLC0415 - it loads longer than most commands take, and the daemon alone needs it

            with urllib.request.urlopen(f"http://{address}{path}", timeout=2) as answer:
                return "healthy" if answer.status == 200 else "unhealthy"
        except OSError:
            return "starting" if time.time() - one.record["started"] < 30 else "unhealthy"

    def compose_logs(self, project, rest, out, err, streams):
        options, names = self.options(rest, {"--since", "--tail", "-n", "--until"})
        tail, since = options.get("--tail", options.get("-n", "all")), options.get("--since")
        least = seconds_of(since) if since else 0
        services = self.chosen(project, names)
        width = max([len(name) + 2 for name in services] or [0])
        for service in services:
            one = self.containers.get(service)
            if one is None:
                continue
            lines = (one.folder / "log").read_text(errors="replace").splitlines()
            if since:
                lines = [line for line in lines if seconds_of(line.split(" ", 1)[0]) >= least]
            if tail != "all":
                lines = lines[-int(tail) :] if int(tail) else []
            for line in lines:
                moment, _, text = line.partition(" ")
                prefix = "" if "--no-log-prefix" in options else f"{service + '-1':<{width}} | "
                out.write(f"{prefix}{moment + ' ' if '-t' in options or '--timestamps' in options else ''}{text}\n")
        return 0

    def compose_stop(self, project, rest, out, err, streams):
        options, names = self.options(rest, {"-t", "--timeout"})
        for service in reversed(self.chosen(project, names)):
            if one := self.containers.get(service):
                one.stop(int(options.get("-t", options.get("--timeout", 10))))
                self.say(err, one, "Stopped")
        return 0

    def compose_kill(self, project, rest, out, err, streams):
        options, names = self.options(rest, {"-s", "--signal"})
        for service in self.chosen(project, names):
            if one := self.containers.get(service):
                one.stop(5, options.get("-s", options.get("--signal", "KILL")))
                self.say(err, one, "Killed")
        return 0

    def compose_start(self, project, rest, out, err, streams):
        _, names = self.options(rest, set())
        for service in self.chosen(project, names, need=False):
            one = self.containers.get(service)
            if one is None:
                raise Refused(f'service "{service}" has no container to start')
            if one.record["status"] == "paused":
                raise Refused("Error response from daemon: cannot start a paused container, try unpause instead")
            one.start()
            self.say(err, one, "Started")
        return 0

    def compose_restart(self, project, rest, out, err, streams):
        options, names = self.options(rest, {"-t", "--timeout"})
        for service in self.chosen(project, names):
            one = self.containers.get(service)
            if one is None:
                raise Refused(f'no container found for project "{project["name"]}": not found')
            one.stop(int(options.get("-t", options.get("--timeout", 10))))
            one.start()
            self.say(err, one, "Started")
        return 0

    def compose_up(self, project, rest, out, err, streams):
        options, names = self.options(rest, {"-t", "--timeout", "--scale", "--wait-timeout", "--pull"})
        if "-d" not in options and "--detach" not in options:
            raise Refused("this stand-in starts in the background only: up -d")
        services = self.chosen(project, names, need="--no-deps" in options)
        for service in services:
            one, kept = self.containers.get(service), None
            stale = one is not None and (
                one.record["hash"] != hash_of(project["services"][service]) or "--force-recreate" in options
            )
            self.image(project["services"][service]["image"])
            if stale and "--no-recreate" not in options:
                kept = None if "-V" in options or "--renew-anon-volumes" in options else one.record["mounts"]
                one.stop()
                one.remove()
                self.containers.pop(service)
                one = None
            if one is None:
                one = self.make(project, service, kept)
                self.say(err, one, "Recreated" if kept is not None else "Created")
            if one.record["status"] == "running":
                self.say(err, one, "Running")
            else:
                one.start()
                self.say(err, one, "Started")
        return 0

    def compose_down(self, project, rest, out, err, streams):
        options, _ = self.options(rest, {"-t", "--timeout", "--rmi"})
        volumes = {f"{project['name']}_{name}" for name in project["volumes"]}
        for service in reversed(self.chosen(project, [])):
            one = self.containers.pop(service, None)
            if one is None:
                continue
            one.stop(int(options.get("-t", options.get("--timeout", 10))))
            volumes |= {volume for volume in one.record["mounts"].values() if "_" not in volume}
            one.remove()
            self.say(err, one, "Removed")
        if "-v" in options or "--volumes" in options:
            for volume in sorted(volumes):
                shutil.rmtree(self.folder / "volumes" / volume, ignore_errors=True)
                err.write(f" Volume {volume}  Removed\n")
        return 0

    def compose_rm(self, project, rest, out, err, streams):
        options, names = self.options(rest, set())
        for service in self.chosen(project, names):
            one = self.containers.get(service)
            if one is None:
                continue
            if "-s" in options or "--stop" in options or "-fs" in options or "-sf" in options:
                one.stop()
            if one.record["status"] in ("running", "restarting"):
                continue
            self.containers.pop(service).remove()
            self.say(err, one, "Removed")
        return 0

    def compose_pull(self, project, rest, out, err, streams):
        for service in self.chosen(project, [one for one in rest if not one.startswith("-")]):
            self.image(project["services"][service]["image"])
        return 0

    def compose_images(self, project, rest, out, err, streams):
        for service in self.chosen(project, []):
            if one := self.containers.get(service):
                out.write(f"{one.name}  {one.record['image']}\n")
        return 0

    def compose_top(self, project, rest, out, err, streams):
        for service in self.chosen(project, rest):
            if one := self.containers.get(service):
                out.write(f"{one.name}\n{one.record['pid']}\n")
        return 0

    def compose_exec(self, project, rest, out, err, streams):
        more = {}
        while rest and rest[0].startswith("-"):
            option, rest = rest[0], rest[1:]
            if option in ("-u", "--user", "-w", "--workdir", "--index"):
                rest = rest[1:]
            elif option in ("-e", "--env"):
                key, _, value = rest[0].partition("=")
                more[key], rest = value, rest[1:]
        if len(rest) < 2:
            raise Refused('"docker compose exec" requires at least 2 arguments.')
        service, command = rest[0], rest[1:]
        if service not in project["services"]:
            raise Refused(f"no such service: {service}")
        one = self.containers.get(service)
        if one is None or one.record["status"] != "running":
            raise Refused(f'service "{service}" is not running')
        return self.execute(one, command, more, out, err, streams)

    def compose_run(self, project, rest, out, err, streams):
        """One command in a container of its own, on the volumes of the service, which need not run."""
        more, entrypoint = {}, []
        while rest and rest[0].startswith("-"):
            option, rest = rest[0], rest[1:]
            if option in ("-e", "--env"):
                key, _, value = rest[0].partition("=")
                more[key], rest = value, rest[1:]
            elif option == "--entrypoint":
                entrypoint, rest = [rest[0]], rest[1:]
            elif option not in ("--rm", "--no-deps", "-T", "--no-TTY"):
                raise Refused(f"unknown flag: {option}")
        service = rest[0] if rest else ""
        like = self.containers.get(service)
        if service not in project["services"] or like is None or not entrypoint:
            raise Refused("this stand-in runs an --entrypoint of a service that was made before")
        one = Container(self, {**like.record, "id": secrets.token_hex(6)})
        self.furnish(one, self.image(one.record["image"]))
        try:
            return self.execute(one, [*entrypoint, *rest[1:]], more, out, err, streams)
        finally:
            one.remove()

    def compose_pause(self, project, rest, out, err, streams, still=True):
        for service in self.chosen(project, rest):
            one = self.containers.get(service)
            if one is None or one.record["status"] != ("running" if still else "paused"):
                raise Refused(
                    f"Error response from daemon: container {service} is not {'running' if still else 'paused'}"
                )
            one.pause(still)
            self.say(err, one, "Paused" if still else "Unpaused")
        return 0

    def compose_unpause(self, project, rest, out, err, streams):
        return self.compose_pause(project, rest, out, err, streams, still=False)

    def execute(self, one, command, more, out, err, streams):
        inside = one.root / command[0].lstrip("/")
        if command[0].startswith("/") and inside.exists():
            command = [str(inside), *command[1:]]
        try:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command],
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                env={**one.environment(), **more},
                cwd=one.root,
                start_new_session=True,
            )
        except OSError:
            raise Refused(
                f'OCI runtime exec failed: exec: "{command[0]}": executable file not found in $PATH: unknown', 126
            ) from None
        while process.poll() is None:
            if select.select([self.mine.line], [], [], 0.02)[0]:  # whoever asked is gone, as after a time limit
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        code = process.returncode
        return 128 - code if code < 0 else code

    # --- docker without compose ---

    def plain(self, argv, out, err, streams):
        verb, rest = (argv[0] if argv else ""), argv[1:]
        if verb == "container" and rest:
            verb, rest = rest[0], rest[1:]
        if verb == "version":
            out.write("27.3.1\n")
            return 0
        if verb == "info":
            options, _ = self.options(rest, {"-f", "--format"})
            form = options.get("-f", options.get("--format", "Docker Root Dir: {{.DockerRootDir}}"))
            out.write(
                template(
                    form, {"DockerRootDir": str(self.folder), "Name": socket.gethostname(), "ServerVersion": "27.3.1"}
                )
                + "\n"
            )
            return 0
        if verb == "image" and rest[:1] in (["ls"], ["list"]):
            verb, rest = "images", rest[1:]
        if verb == "images":
            return self.plain_images(rest, out)
        if verb == "ps":
            options, _ = self.options(rest, {"--format", "-f", "--filter"})
            for one in self.containers.values():
                if one.record["status"] == "running" or "-a" in options or "--all" in options:
                    if "-q" in options or "-aq" in options:
                        out.write(one.record["id"] + "\n")
                    else:
                        form = options.get("--format", "{{.ID}}  {{.Image}}  {{.Status}}  {{.Names}}")
                        out.write(template(form.replace("table ", ""), self.row(one)) + "\n")
            return 0
        if verb == "volume" and rest[:1] == ["ls"]:
            out.write("".join(f"{one.name}\n" for one in sorted((self.folder / "volumes").iterdir())))
            return 0
        options, names = self.options(
            rest, {"-f", "--format", "-t", "--time", "--since", "--tail", "-n", "-s", "--signal"}
        )
        if verb not in ("inspect", "stop", "start", "restart", "kill", "logs", "exec", "rm", "top"):
            raise Refused(f"docker: '{verb}' is not a docker command.\nSee 'docker --help'")
        if verb == "exec":
            return self.plain_exec(rest, out, err, streams)
        for name in names:
            one = self.named(name)
            if verb == "inspect":
                form = options.get("-f", options.get("--format"))
                out.write(
                    (template(form, self.inspected(one)) if form else json.dumps([self.inspected(one)], indent=4))
                    + "\n"
                )
                continue
            if verb == "logs":
                self.compose_logs(
                    {"services": {one.record["service"]: {"depends_on": []}}},
                    ["--no-log-prefix", *[o for o in rest if o != name]],
                    out,
                    err,
                    streams,
                )
                continue
            if verb == "top":
                out.write("UID PID CMD\n0 1 " + Path(f"/proc/{one.record['pid']}/comm").read_text())
                continue
            if verb in ("stop", "restart", "kill"):
                one.stop(int(options.get("-t", 10)), options.get("-s", "KILL") if verb == "kill" else None)
            if verb in ("start", "restart"):
                one.start()
            if verb == "rm":
                if one.record["status"] == "running":
                    raise Refused(f"Error response from daemon: cannot remove container {name}: container is running")
                self.containers.pop(one.record["service"]).remove()
            out.write(name + "\n")
        return 0

    def plain_images(self, rest, out):
        options, names = self.options(rest, {"--format", "-f", "--filter"})
        form = options.get("--format", "{{.Repository}}:{{.Tag}}")
        for name in json.loads((self.folder / "images.json").read_text()):
            repository, _, tag = name.rpartition(":")
            if not names or names[0] in (repository, name):
                row = {"Repository": repository, "Tag": tag, "CreatedSince": "", "ID": hash_of({"": name})[:12]}
                out.write(template(form.replace("table ", ""), row) + "\n")
        return 0

    def plain_exec(self, rest, out, err, streams):
        more = {}
        while rest and rest[0].startswith("-"):
            option, rest = rest[0], rest[1:]
            if option in ("-e", "--env"):
                key, _, value = rest[0].partition("=")
                more[key], rest = value, rest[1:]
        return self.execute(self.named(rest[0]), rest[1:], more, out, err, streams)

    def named(self, name):
        for one in self.containers.values():
            if name == one.name or (len(name) > 3 and one.record["id"].startswith(name)):
                return one
        raise Refused(f"Error: No such object: {name}")

    def inspected(self, one):
        record = one.record
        health = self.health(one)
        state = {
            "Status": record["status"],
            "Running": record["status"] in ("running", "restarting", "paused"),
            "Paused": record["status"] == "paused",
            "Restarting": record["status"] == "restarting",
            "OOMKilled": record["oom"],
            "Dead": False,
            "Pid": record["pid"],
            "ExitCode": 0 if record["status"] == "running" else record["code"],
            "Error": "",
            "StartedAt": stamp(record["started"]),
            "FinishedAt": stamp(record["finished"]) if record["finished"] else "0001-01-01T00:00:00Z",
        }
        if health:
            state["Health"] = {"Status": health}
        return {
            "Id": record["id"],
            "Created": stamp(record["created"]),
            "Name": "/" + record["name"],
            "RestartCount": record["restarts"],
            "State": state,
            "Config": {
                "Image": record["image"],
                "Env": [f"{key}={value}" for key, value in record["environment"].items()],
                "Labels": {
                    "com.docker.compose.config-hash": record["hash"],
                    "com.docker.compose.project": record["project"],
                    "com.docker.compose.service": record["service"],
                },
            },
            "NetworkSettings": {
                "Networks": {
                    f"{record['project']}_default": {"IPAddress": "127.0.0.1" if record["status"] == "running" else ""}
                }
            },
            "HostConfig": {"RestartPolicy": {"Name": record["restart"], "MaximumRetryCount": 0}},
            "Mounts": [
                {
                    "Type": "volume",
                    "Name": volume,
                    "Source": str(self.folder / "volumes" / volume),
                    "Destination": target,
                }
                for target, volume in record["mounts"].items()
            ],
        }

    # --- requests ---

    def answer(self, line):
        streams, out, err, code = [], None, None, 1
        try:
            text, ancillary, _, _ = line.recvmsg(1 << 20, socket.CMSG_SPACE(STREAMS * 4))
            for _, _, data in ancillary:
                streams += list(array.array("i", data[: len(data) - len(data) % 4]))
            while not text.endswith(b"\n"):
                text += line.recv(1 << 20)
            request = json.loads(text)
            self.mine.line = line
            out = os.fdopen(os.dup(streams[1]), "w", errors="replace")
            err = os.fdopen(os.dup(streams[2]), "w", errors="replace")
            code = self.perform(request, out, err, streams)
        except Refused as no:
            err.write(f"{no}\n")
            code = no.code
        except BrokenPipeError:
            code = 1
        except Exception as problem:  # a defect here must not end the containers
            if err:
                err.write(f"the stand-in failed: {type(problem).__name__}: {problem}\n")
        for stream in (out, err):
            with suppress(OSError):
                if stream:
                    stream.close()
        for descriptor in streams:
            os.close(descriptor)
        with suppress(OSError):
            line.sendall(b"%d" % code)
        line.close()

    def perform(self, request, out, err, streams):
        argv, project = request["argv"], request["project"]
        if argv[:1] == ["stand-in"]:
            one = self.containers[argv[2]]
            one.hang() if argv[1] == "hang" else one.crash(oom=argv[1] == "oom")
            return 0
        if project is None:
            return self.plain(argv, out, err, streams)
        if argv[1] in ("exec", "run", "ps", "logs"):
            return self.compose(project, argv[1:], out, err, streams)
        with self.lock:
            return self.compose(project, argv[1:], out, err, streams)

    def end(self):
        ending = [threading.Thread(target=one.stop, args=(3, None, False)) for one in self.containers.values()]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()


def ago(moment):
    seconds = int(time.time() - moment)
    if seconds < 60:
        return f"{seconds} seconds" if seconds > 1 else "Less than a second" if seconds < 1 else "1 second"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"


def template(form, data):
    """The part of Go's templates that people use with `--format`."""

    def reach(path, at):
        for name in path.strip().lstrip(".").split("."):
            if name:
                if not isinstance(at, dict) or name not in at:
                    raise Refused(f'template parsing error: map has no entry for key "{name}"')
                at = at[name]
        return at

    def shown(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dict):
            return "map[" + " ".join(f"{key}:{shown(inner)}" for key, inner in value.items()) + "]"
        return "[" + " ".join(map(shown, value)) + "]" if isinstance(value, list) else str(value)

    def chosen(match):
        try:
            there = reach(match[1], data)
        except Refused:
            there = None
        return match[2] if there else (match[3] or "")

    def every(match):
        found, inner = reach(match[1], data), match[2].replace("{{println .}}", "{{.it}}\n").replace("{{.}}", "{{.it}}")
        rows = found.values() if isinstance(found, dict) else found
        return "".join(template(inner, {"it": row, **(row if isinstance(row, dict) else {})}) for row in rows)

    def one(match):
        inner = match[1].strip()
        if inner.startswith("json"):
            return json.dumps(reach(inner[4:], data))
        if found := re.fullmatch(r'index\s+(\S+)\s+"([^"]*)"', inner):
            return shown(reach(found[1], data).get(found[2], ""))
        return shown(reach(inner, data))

    form = re.sub(
        r"\{\{-?\s*if\s+(\S+?)\s*-?\}\}(.*?)(?:\{\{-?\s*else\s*-?\}\}(.*?))?\{\{-?\s*end\s*-?\}\}", chosen, form
    )
    form = re.sub(r"\{\{-?\s*range\s+(\S+?)\s*-?\}\}(.*?)\{\{-?\s*end\s*-?\}\}", every, form)
    return re.sub(r"\{\{(.*?)\}\}", one, form).replace("\\t", "\t").replace("\\n", "\n")


def serve(folder):
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    daemon = Daemon(folder)
    at = os.open(folder, os.O_RDONLY)
    (Path(folder) / SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"/proc/self/fd/{at}/{SOCKET}")
        door.listen(64)
        try:
            while True:
                line, _ = door.accept()
                threading.Thread(target=daemon.answer, args=(line,), daemon=True).start()
        finally:
            daemon.end()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        try:
            sys.exit(client(os.environ["STAND_IN"], sys.argv[1:]))
        except Refused as refused:
            print(refused, file=sys.stderr)
            sys.exit(refused.code)
