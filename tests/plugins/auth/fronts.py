"""Real servers for the tests of backends, each in a folder of its own, on loopback, ended with the test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MODULES = Path("/usr/lib/apache2/modules")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_for(folder: Path, user: str) -> None:
    """Let *user* into *folder*, which is made anew, and out of nothing else."""
    shutil.chown(folder, user)
    folder.chmod(0o700)


@dataclass
class Program:
    """A process that listens; what it says is in ``log``."""

    words: list[str]
    port: int
    log: Path
    user: str = ""  # as whom it runs, where the tests run as root
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> Program:
        with self.log.open("ab") as said:
            who = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
                env={**os.environ, **self.environ}, **who,
            )  # fmt: skip
        until(self.listens, seconds, lambda: self.log.read_text("utf-8", "replace"))
        return self

    def listens(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text("utf-8", "replace")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def pause(self) -> None:
        """Keep it from answering; its connections stay."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(60)
        self.process = None


def until(claim: Callable[[], bool], seconds: float, said: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, f"not within {seconds} s; it said:\n{said()}"
        time.sleep(0.02)  # another process has to come to it


def unprivileged() -> str:
    """As whom servers run that refuse to be root; "" where we are not root."""
    return "www-data" if os.geteuid() == 0 else ""


APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
Mutex file:{folder}
ErrorLog {folder}/error.log
LogLevel warn
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule auth_basic_module {modules}/mod_auth_basic.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
ServerLimit 2
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
"""


def apache(folder: Path, port: int, more: str) -> Program:
    """Apache with *more* in its configuration, not started yet."""
    user = unprivileged()
    if user:
        open_for(folder, user)
    conf = folder / "apache.conf"
    conf.write_text(APACHE.format(folder=folder, port=port, modules=MODULES) + more)
    log = folder / "error.log"
    log.touch()
    for path in folder.iterdir():
        if user:
            shutil.chown(path, user)
    return Program(["/usr/sbin/apache2", "-f", str(conf), "-DFOREGROUND"], port, log, user)


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} ssl; {more} }}
}}
"""


def nginx(folder: Path, port: int, more: str) -> Program:
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, port=port, more=more))
    log = folder / "error.log"
    log.touch()
    return Program([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(conf), "-e", str(log)], port, log)
