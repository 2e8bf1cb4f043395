"""What a request's path means in the Hub's path space."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

COLLECTIONS = ("models", "datasets")
# The part of a path after the id, and the kind of request it makes; these name a revision ...
AT_REVISION = {"revision": "info", "tree": "tree", "paths-info": "paths-info", "commits": "commits"}
# ... and these end the path.
LAST = ("refs", "leaderboard")
KINDS = (
    "list", "model", "dataset list", "dataset", "tree", "paths-info", "refs", "commits", "leaderboard", "file",
    "whoami", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """A path, taken apart.

    Attributes:
        kind: one of `KINDS`; `other` for what the Hub does not know.
        collection: models or datasets.
        repo: id of the repository.
        revision: branch or sha.
        path: file or folder in the repository.
    """

    kind: str
    collection: str = "models"
    repo: str = ""
    revision: str = "main"
    path: str = ""


def parse(method: str, raw_path: bytes) -> Address:
    """Take a path apart as it was sent, because a slash in a revision is sent as %2F."""
    parts = [unquote(part, errors="replace") for part in raw_path.decode("ascii", "replace").strip("/").split("/")]
    address = _api(parts[1:]) if parts[0] == "api" else _file(parts)
    allowed = {"paths-info": ("POST",), "file": ("GET", "HEAD")}.get(address.kind, ("GET",))
    return address if method in allowed else Address("other")


def _api(parts: list[str]) -> Address:
    if parts == ["whoami-v2"]:
        return Address("whoami")
    if not parts or parts[0] not in COLLECTIONS:
        return Address("other")
    collection, rest = parts[0], parts[1:]
    prefix = "" if collection == "models" else "dataset "
    if not rest:
        return Address(f"{prefix}list", collection)
    info = prefix.strip() or "model"
    # An id has two parts, or one as in early days; a local Hub may also hold a hostile one of three.
    for at in sorted(range(1, len(rest)), key=lambda place: place != 2):
        repo = "/".join(rest[:at])
        if rest[at] in AT_REVISION and at + 1 < len(rest):
            kind = AT_REVISION[rest[at]]
            kind = info if kind == "info" else kind
            return Address(kind, collection, repo, rest[at + 1], "/".join(rest[at + 2 :]))
        if rest[at] in LAST and at + 1 == len(rest) and (rest[at] == "refs" or collection == "datasets"):
            return Address(rest[at], collection, repo)
    return Address(info, collection, "/".join(rest))


def _file(parts: list[str]) -> Address:
    collection = "datasets" if parts[0] == "datasets" else "models"
    rest = parts[1:] if collection == "datasets" else parts
    for at in sorted(range(1, len(rest) - 2), key=lambda place: place != 2):
        if rest[at] == "resolve":
            return Address("file", collection, "/".join(rest[:at]), rest[at + 1], "/".join(rest[at + 2 :]))
    return Address("other")
