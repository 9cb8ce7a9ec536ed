"""A real RabbitMQ with its STOMP plugin, on loopback and in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wwt_framework.testing.certificates import Authority

_PATIENCE_S = 180  # Erlang takes its time on a busy machine


@dataclass(frozen=True)
class Rabbit:
    """Where the broker listens; the user is guest with the password guest."""

    plain: int
    tls: int
    authority: Authority


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def rabbit(program: str) -> Iterator[Rabbit]:
    """Start it, wait until it listens, end it with all that it started."""
    folder = Path(tempfile.mkdtemp(prefix="wwt-rabbit-"))
    amqp, distribution, plain, tls, epmd = _free_ports(5)
    authority = Authority(folder / "certificates")
    server = authority.server()
    (folder / "enabled_plugins").write_text("[rabbitmq_stomp].\n")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.default = 127.0.0.1:{amqp}\n"
        f"stomp.listeners.tcp.1 = 127.0.0.1:{plain}\nstomp.listeners.ssl.1 = 127.0.0.1:{tls}\n"
        f"ssl_options.cacertfile = {authority.path}\n"
        f"ssl_options.certfile = {server}\nssl_options.keyfile = {server}\n"
    )
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"), "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_NODENAME": f"wwt{amqp}@localhost", "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"), "RABBITMQ_PID_FILE": str(folder / "pid"),
        "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -setcookie wwt",
    }  # fmt: skip
    who = _unprivileged()
    for path in (folder, *folder.rglob("*")) if who else ():
        shutil.chown(path, who["user"])
    log = (folder / "output").open("wb")
    process = subprocess.Popen(
        [program], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder,
        start_new_session=True, **who,
    )  # fmt: skip
    try:
        _wait(process, tls, folder)
        yield Rabbit(plain, tls, authority)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()
        subprocess.run(["epmd", "-port", str(epmd), "-kill"], check=False, capture_output=True, env=environment)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> dict[str, str]:
    """The Debian script changes to this user as root, by itself and with another environment; so we do it."""
    if os.geteuid():
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": "rabbitmq" if "rabbitmq" in names else "nobody"}


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    until, pause = time.monotonic() + _PATIENCE_S, threading.Event()
    while time.monotonic() < until:
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        pause.wait(0.2)
    raise AssertionError(f"RabbitMQ does not listen: {(folder / 'output').read_text(errors='replace')[-3000:]}")
