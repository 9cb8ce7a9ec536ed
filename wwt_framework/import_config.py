"""config.yml of WorkflowWebTools -> plugins.yml, and in sentences what became of every key.

The keys are those of config.yml itself, and of config.yml and credential.yml of its workflowmonit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from wwt_framework.config_messages import Subject, explain, quote, unknown
from wwt_framework.config_reading import Keys, Tree, dotted, printable, read
from wwt_framework.errors import ConfigError
from wwt_framework.import_config_clusters import CLUSTER_KEYS, clusters
from wwt_framework.import_config_monit import KEYS as WATCHING
from wwt_framework.import_config_monit import is_of_monit, watching
from wwt_framework.import_config_people import registering
from wwt_framework.options import HouseOptions

_HOUSE: dict[Keys, str] = {  # what only has another name here
    ("host", "threads"): "threads",
    ("refresh_period",): "refresh_minutes",
    ("include_all_acdcs",): "include_all_acdcs",
    ("actions", "submithistory"): "submit_history_days",
}
_OWN_WAY: set[Keys] = {  # what has a home here, but not by renaming
    ("webmaster", "name"),
    ("webmaster", "email"),
    ("host", "name"),
    ("host", "port"),
    ("data", "all_errors"),
    ("workspace",),
    ("valid_emails", "domains"),
    ("valid_emails", "whitelist"),
    ("aieh", "static"),
    ("aieh", "user"),
    ("aieh", "dry"),
    ("aieh", "models"),
    ("no_predict",),
    *WATCHING,
}
_COOKIES = (
    "nothing here signs in at CERN with cookies; let cron fetch the file and name it in errors.json_file.path, or use "
    "an address that takes a certificate"
)
_MONGO = "actions are kept in the database of wwt.store, not in MongoDB; those of the past come over from a file that "
_MONGO += "mongoexport writes: wwt import-actions FILE"
_LEFT: dict[Keys, str] = {
    ("data", "workflow_history"): "the history is kept in the store; take the file over once: wwt update-history FILE",
    ("data", "explain_errors"): "the original has not read it for years; nothing to do",
    ("data", "cookie_file"): _COOKIES,
    ("data", "cookie_pem"): _COOKIES,
    ("data", "cookie_key"): _COOKIES,
    ("actions", "key"): "is a secret; write it into a file that only wwt may read, and that file into "
    "actions.executor: {key: {$file: PATH}}",
    ("actions", "database"): _MONGO,
    ("actions", "uri"): _MONGO,
    ("cache_refresh",): "everything is asked for again every wwt.refresh_minutes; nothing to do",
    ("oracle",): "holds a secret; write the password into a file that only wwt may read, and list "
    "errors.unified_oracle: {user: NAME, dsn: DSN, password: {$file: PATH}}",
    ("workflow_status_db",): "the statuses of workflows are in every snapshot; nothing to do",
}
_KNOWN: set[Keys] = {*_HOUSE, *_OWN_WAY, *_LEFT, *CLUSTER_KEYS}
_ALWAYS_LEFT = (
    "users.db: comes over by itself: wwt import-users users.db; everybody chooses a new password by mail",
    "keys/salt.txt: is dropped; a password has a salt of its own here, and the old hashes can not be checked",
    "reasons.db: comes over by itself: wwt import-actions reasons.db",
)
_SOURCES = ("cms_names", "cms_exit_codes", "cms_links")
_ACTIONS = (
    "acdc", "clone", "recovery", "special", "sites_to_run", "procedures", "drain_guard", "task_guard", "memory_guard",
    "overlap_guard",
)  # fmt: skip


@dataclass(frozen=True)
class Converted:
    """A plugins.yml, and what became of every key of the original's file."""

    text: str
    carried: list[str]  # "host.name, host.port -> wwt.listen: 127.0.0.1:8080"
    left: list[str]  # "actions.uri: ..."; says what to do, never the value


@dataclass
class _Draft:
    house: dict[str, tuple[str, str]] = field(default_factory=dict)  # our key -> value as YAML, where from
    source: str = ""  # path of all_errors as YAML
    clusters: str | None = ""  # options of error_vectors as YAML; None: nothing is grouped
    rules: str = ""  # options of auto_acdc as YAML; "": there is no such service
    service: str = ""  # options of prediction_service as YAML; "": none is asked
    watching: str = ""  # options of workflowmonit as YAML; "": nothing is watched
    local: str = "{}"  # options of auth.local as YAML
    carried: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def keep(self, key: str, value: Any, origin: str) -> None:
        """Carry *value* over as wwt.*key*, unless plugins.yml would refuse it."""
        if value is None:
            self.left.append(f"{origin}: is empty; wwt.{key} keeps its default")
        elif refusal := _refusal(key, value):
            self.left.append(f"{origin}: {refusal}; wwt.{key} keeps its default")
        else:
            self.house[key] = (_yaml(value), origin)
            self.carried.append(f"{origin} -> wwt.{key}: {printable(_yaml(value), 200)}")


@dataclass(frozen=True)
class Original:
    """One of the original's files. *folder*: where it lies; None: relative paths stay as they are."""

    text: str
    name: str
    folder: Path | None = None


def convert(*originals: Original) -> Converted:
    """Carry over what has a home. Raises ConfigError when one of *originals* is not a mapping in YAML.

    Where the folder of the original's config.yml is known, the keys of TLS are looked for there.
    """
    draft = _Draft()
    found: dict[Keys, tuple[Any, Path | None]] = {}
    told = [(original, _mapping(original)) for original in originals]
    for original, data in told:
        for keys, value in _leaves(data, ()):
            if keys in found:
                draft.left.append(
                    f"{dotted(keys)}: stands in {printable(original.name)} once more; the first one counts"
                )
            else:
                found[keys] = value, original.folder
    values = {keys: value for keys, (value, _) in found.items()}
    for keys, value in values.items():
        if keys in _HOUSE:
            draft.keep(_HOUSE[keys], value, dotted(keys))
        elif keys in _LEFT:
            draft.left.append(f"{dotted(keys)}: {_LEFT[keys]}")
        elif keys not in _KNOWN:
            draft.left.append(f"{dotted(keys)}: {_stranger(keys)}")
    main = next((one for one, data in told if not is_of_monit(data)), None)
    folder = main.folder if main else None
    _people_and_place(draft, values, folder)
    _sources(draft, values, folder)
    _rules(draft, values)
    grouping = clusters(values)
    draft.clusters = None if grouping.skip else _yaml(grouping.options)
    draft.carried += grouping.carried
    draft.left += grouping.left
    draft.watching = _told(draft, watching(found))
    draft.local = _told(draft, registering(values)) or "{}"
    _models(draft, values)
    if main:
        _files(draft, folder)
        draft.left += _ALWAYS_LEFT
    return Converted(_text(draft, ", ".join(one.name for one in originals)), draft.carried, draft.left)


def _mapping(original: Original) -> dict[Any, Any]:
    tree = read(original.text, original.name)
    if tree.problems or not isinstance(tree.data, dict):
        told = f"{original.name}:1: expected the original's config.yml, got {quote(tree.data)}"
        raise ConfigError(*tree.problems or (told,))
    return tree.data


def _told(draft: _Draft, found: tuple[Mapping[str, Any] | None, Sequence[str], Sequence[str]]) -> str:
    """The options of a plugin as YAML, "" for none; what became of the keys goes into *draft*."""
    options, carried, left = found
    draft.carried += carried
    draft.left += left
    return _yaml(options) if options else ""


def _leaves(data: Any, keys: Keys) -> Iterator[tuple[Keys, Any]]:
    """Every key of the original, and of what it never had the outermost key."""
    for key, value in data.items():
        inner = (*keys, key)
        deeper = any(known[: len(inner)] == inner and len(known) > len(inner) for known in _KNOWN)
        if deeper and isinstance(value, dict) and value:
            yield from _leaves(value, inner)
        else:
            yield inner, value


def _stranger(keys: Keys) -> str:
    siblings = {str(known[len(keys) - 1]): None for known in sorted(_KNOWN) if known[: len(keys) - 1] == keys[:-1]}
    if str(keys[-1]) in siblings:
        return "expected a mapping, as the original did; nothing of it is carried over"
    return unknown(str(keys[-1]), list(siblings), "key, which the original never had")


def _people_and_place(draft: _Draft, found: Mapping[Keys, Any], folder: Path | None) -> None:
    name, port = found.get(("host", "name")), found.get(("host", "port"))
    if origins := [dotted(keys) for keys in (("host", "name"), ("host", "port")) if keys in found]:
        host = f"[{name}]" if isinstance(name, str) and ":" in name else name
        draft.keep("listen", f"{host or '127.0.0.1'}:{8080 if port is None else port}", ", ".join(origins))
    people = {key: found[("webmaster", key)] for key in ("name", "email") if found.get(("webmaster", key)) is not None}
    for key in ("name", "email"):
        origin = f"webmaster.{key}"
        if ("webmaster", key) in found and key not in people:
            draft.left.append(f"{origin}: is empty")
        elif key in people and (refusal := _refusal("webmaster", {key: people[key]})):
            draft.left.append(f"{origin}: {refusal}")
            del people[key]
    if people:
        draft.keep("webmaster", people, ", ".join(f"webmaster.{key}" for key in people))
    if ("workspace",) in found:
        space = found[("workspace",)]
        path = str((folder or Path()) / space / "wwt-data") if isinstance(space, str) and space else space
        draft.keep("data_dir", path, "workspace")


def _sources(draft: _Draft, found: Mapping[Keys, Any], folder: Path | None) -> None:
    asked = found.get(("data", "all_errors"))
    if isinstance(asked, str) and asked:
        is_url = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", asked)
        draft.source = _yaml(asked if is_url or folder is None else str(folder / asked))
        draft.carried.append(f"data.all_errors -> errors.json_file.path: {quote(asked)}")
    elif ("data", "all_errors") in found:
        draft.left.append(
            f"data.all_errors: expected a file or URL, got {quote(asked)}; write errors.json_file yourself"
        )
    else:
        draft.left.append("data.all_errors: is not there, so no source is listed; write errors.json_file yourself")


def _rules(draft: _Draft, found: Mapping[Keys, Any]) -> None:
    """The service that knows which ACDCs need no operator; without its address the other keys mean nothing."""
    asked = {key: found[("aieh", key)] for key in ("static", "user", "dry") if ("aieh", key) in found}
    address = asked.get("static")
    if not (isinstance(address, str) and re.fullmatch(r"https?://[^\s\x00-\x1f]+", address)):
        why = "expected an address with http(s)://" if address else "is empty"
        told = [f"aieh.static: {why}; no automatic ACDCs are listed"] if "static" in asked else []
        draft.left += told + [
            f"aieh.{key}: means nothing without aieh.static" for key in ("user", "dry") if key in asked
        ]
        return
    options = {"static": address}
    draft.carried.append(f"aieh.static -> actions.auto_acdc.static: {quote(address)}")
    if isinstance(asked.get("user"), str) and asked["user"]:
        options["user"] = asked["user"]
        draft.carried.append(f"aieh.user -> actions.auto_acdc.user: {quote(asked['user'])}")
    elif "user" in asked:
        draft.left.append("aieh.user: expected a name; actions.auto_acdc.user keeps its default")
    if asked.get("dry") is True:
        draft.carried.append("aieh.dry -> actions.auto_acdc.dry: true, which is the default")
    elif "dry" in asked:
        draft.left.append("aieh.dry: automatic ACDCs are only listed here; nothing is submitted by itself")
    draft.rules = _yaml(options)


def _models(draft: _Draft, found: Mapping[Keys, Any]) -> None:
    """The prediction service, and whether anything is predicted."""
    if ("aieh", "models") in found:
        address = found[("aieh", "models")]
        if isinstance(address, str) and re.fullmatch(r"https?://[^\s\x00-\x1f]+", address):
            draft.service = _yaml({"url": address})
            draft.carried.append(f"aieh.models -> ml.prediction_service.url: {quote(address)}")
        else:
            why = "expected an address with http(s)://" if address else "is empty"
            draft.left.append(f"aieh.models: {why}; no prediction service is asked")
    if ("no_predict",) in found:
        draft.keep("predict", not found[("no_predict",)], "no_predict")


def _files(draft: _Draft, folder: Path | None) -> None:
    """The files that lay where the original ran."""
    place = folder or Path()
    draft.keep("pid_file", str(place / "pid"), "the file pid")
    draft.keep("log_dir", str(place), "access.log and application.log")
    pair = {"certificate": str(place / "keys/cert.pem"), "key": str(place / "keys/privkey.pem")}
    if folder is None:
        told = "if they are there, add to wwt: tls: {certificate: keys/cert.pem, key: keys/privkey.pem}"
        draft.left.append(f"keys/cert.pem and keys/privkey.pem: {told}")
    elif any(Path(path).exists() for path in pair.values()):
        draft.keep("tls", pair, "keys/cert.pem and keys/privkey.pem")


def _refusal(key: str, value: Any) -> str:
    """Why wwt.*key* can not be *value*; empty when it can."""
    try:
        HouseOptions.model_validate({key: value})
    except ValidationError as err:
        problems = explain(err, Subject(HouseOptions, {key: value}, Tree(""), ()))
        return "; ".join(problem.split(": ", 2)[2] for problem in problems)
    return ""


def _yaml(value: Any) -> str:
    """*value* in one line of YAML."""
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False).strip()[
        1:-1
    ]


def _text(draft: _Draft, name: str) -> str:
    lines = [
        f"# Made by `wwt import-config` from {printable(name)}; keep that file. `wwt check` checks this one.",
        "",
        "wwt:",
    ]
    lines += [f"  {key}: {value}  # {origin}" for key, (value, origin) in draft.house.items()]
    lines += ["", "errors:"]
    lines += ["  json_file:", f"    path: {draft.source}  # data.all_errors"] if draft.source else []
    lines += ["  prod_status: {}  # the states of sites, which the original fetched by itself; {path: FILE-or-URL}"]
    lines += [f"  {source}: {{}}" for source in _SOURCES]
    if draft.clusters is not None:
        lines += ["", "clustering:", f"  error_vectors: {draft.clusters}  # cluster", "  nearest: {}"]
    lines += ["", "actions:", *(f"  {name}: {{}}" for name in _ACTIONS)]
    lines += ["  executor: {}  # add the key with which old clients report: {key: {$file: PATH}}"]
    lines += [f"  auto_acdc: {draft.rules}  # aieh"] if draft.rules else []
    lines += ["", "ml:", f"  prediction_service: {draft.service}  # aieh"] if draft.service else []
    lines += [
        "",
        "auth:",
        "  token: {}",
        f"  local: {draft.local}" + ("  # valid_emails" if draft.local != "{}" else ""),
    ]
    lines += ["", "extras:", f"  workflowmonit: {draft.watching}  # of workflowmonit"] if draft.watching else []
    lines += ["", "# Not carried over:"]
    return "\n".join([*lines, *(f"# - {printable(sentence, 500)}" for sentence in draft.left), ""])
