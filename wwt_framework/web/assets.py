"""Static files: the core's and those beside plugins, found once, addressed by what is in them."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wwt_framework.web.responses import Response

CORE = Path(__file__).parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/plain; charset=utf-8",  # a plugin's page goes through a template, never around it
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class Asset:
    """One file as it was when it was last read."""

    body: bytes
    digest: str
    content_type: str
    stamp: tuple[int, int]  # mtime in ns, size


class Assets:
    """The static files of one installation. Only what was there when it was built can be asked for."""

    def __init__(self, plugins: Mapping[str, Path]) -> None:
        """*plugins*: full name -> folder ``static/`` beside the plugin."""
        self._files = dict(_files(CORE, ""))
        for name, folder in plugins.items():
            self._files.update(_files(folder, f"plugins/{name}/"))
        self._read: dict[str, Asset] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def get(self, name: str) -> Asset | None:
        """The file called *name* ("wwt.css"); None when there is none. Read again when it has changed."""
        path = self._files.get(name)
        if path is None:
            return None
        try:
            stat = path.stat()
            asset = self._read.get(name)
            if asset is None or asset.stamp != (stat.st_mtime_ns, stat.st_size):
                asset = _read(path, (stat.st_mtime_ns, stat.st_size))
                self._read[name] = asset
        except FileNotFoundError:
            return None
        return asset

    def version(self, name: str) -> str:
        """What to put behind ``?v=``. Raises KeyError for a file that is not there: a mistake in a template."""
        asset = self.get(name)
        if asset is None:
            raise KeyError(f"there is no static file {name!r}")
        return asset.digest

    def response(self, name: str, version: str) -> Response | None:
        """The file, to be kept for a year when the address carries the right version; None when there is none."""
        asset = self.get(name)
        if asset is None:
            return None
        keep = "public, max-age=31536000, immutable" if version == asset.digest else "no-cache"
        headers = {"Cache-Control": keep, "ETag": f'W/"{asset.digest}"'}
        return Response(asset.body, asset.content_type, 200, headers)


def _files(folder: Path, prefix: str) -> dict[str, Path]:
    """Public files below *folder*; links that lead out of it and hidden files are left out."""
    root = folder.resolve()
    return {
        prefix + path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.resolve().is_relative_to(root)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _read(path: Path, stamp: tuple[int, int]) -> Asset:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(body, hashlib.sha256(body).hexdigest()[:12], kind, stamp)
