"""Names to releases: exact, by repository, by the project's aliases, normalised; or not at all.

A name is resolved only where one release is left and the evidence is as sure as `CERTAIN`. Everything else stays
unresolved with the releases it may mean, for a person to decide: see `moat resolve`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from pipeline.identity.model_names import Written, read_name

HUB = "hub"
"""Source of aliases that are repositories of a release."""
CERTAIN = 0.9
"""No name is resolved with less confidence; the labelled sample holds every method to what it claims."""
CONFIDENCE = {"exact": 1.0, "hub id": 1.0, "manual": 1.0, "registry": 0.99, "normalised": 0.95, "variant": 0.94}
_DOUBTFUL = 0.6
_GUESS = 0.4
# Accounts that serve or list the models of others.
_HOSTS = frozenset(
    {"unknown", "chutes", "fireworks", "together", "deepinfra", "openrouter", "groq", "cerebras", "nebius", "parasail"}
)


@dataclass(frozen=True)
class Release:
    """A release that names may stand for.

    Attributes:
        model_id: its id.
        name: the name people use.
        organisation: who released it.
        released_on: when; null = unknown.
        is_open: whether its weights can be downloaded.
        hub_ids: its repositories.
    """

    model_id: str
    name: str
    organisation: str | None
    released_on: date | None
    is_open: bool
    hub_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alias:
    """A name that a source uses for a release; `manual` marks one that a person decided on."""

    name: str
    source: str
    model_id: str
    manual: bool = False


@dataclass(frozen=True)
class Resolution:
    """What a name stands for.

    Attributes:
        model_id: the release; null where it is unresolved.
        method: exact, hub id, manual, registry, normalised, variant or unresolved.
        confidence: of the resolution, or of the first suggestion where it is unresolved; null = none.
        variants: how the model was run or packed, as far as the name says.
        candidates: releases it may mean, where it is unresolved.
        reason: why it is unresolved.
    """

    model_id: str | None
    method: str
    confidence: float | None
    variants: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class _Known:
    release: Release
    written: Written


class Resolver:
    """Resolves names against releases and aliases; both are read once.

    Args:
        releases: every release.
        aliases: names that are known to stand for one of them.
    """

    def __init__(self, releases: Iterable[Release], aliases: Iterable[Alias] = ()) -> None:
        self._releases = {release.model_id: release for release in releases}
        self._own: dict[tuple[str, str], Alias] = {}
        self._texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._repositories: dict[str, str] = {}
        self._keys: tuple[defaultdict[str, list[_Known]], ...] = tuple(defaultdict(list) for _ in range(3))
        self._makers: defaultdict[str, set[str | None]] = defaultdict(set)
        for release in self._releases.values():
            self._learn(release.name, release, "exact")
            for repository in release.hub_ids:
                self._know_repository(repository, release)
        for alias in aliases:
            self._own[alias.source, alias.name] = alias
            if "/" in alias.name and alias.source == HUB:
                self._know_repository(alias.name, self._releases[alias.model_id])
            # What a person decided of one source's name need not hold for another's.
            if not alias.manual:
                self._learn(alias.name, self._releases[alias.model_id], "registry")

    def _know_repository(self, repository: str, release: Release) -> None:
        self._repositories[repository.casefold()] = release.model_id
        self._makers[repository.casefold().partition("/")[0]].add(release.organisation)
        self._learn(repository.rpartition("/")[2], release, "registry")

    def _learn(self, name: str, release: Release, method: str) -> None:
        written = read_name(name)
        self._texts[written.text].setdefault(release.model_id, method)
        for keys, key in zip(self._keys, _keys_of(written), strict=True):
            if key:
                keys[key].append(_Known(release, written))

    def resolve(self, name: str, source: str = "", hub_id: str | None = None) -> Resolution:
        """What a name stands for.

        Args:
            name: as the source writes it.
            source: the source: what it is known to mean by a name comes first.
            hub_id: the repository that the source says it is; believed where its name agrees.
        """
        if (own := self._own.get((source, name))) is not None:
            return _found(own.model_id, "manual" if own.manual else "exact", read_name(name).variants)
        written = read_name(name)
        if (known := self._by_repository(written.text)) is not None:
            return _found(known, "hub id", written.variants)
        if hub_id == name:
            return self.resolve_repository(name)
        by_name = self._by_name(written)
        known = self._by_repository(hub_id.casefold()) if hub_id else None
        if known is None or known == by_name.model_id:
            return by_name
        said = read_name(hub_id or "")
        if said.untrained_key == written.untrained_key and (written.dated is None or _same_date(said, written)):
            return _found(known, "hub id", written.variants)
        if by_name.model_id is None:
            reason = f"it names the repository {hub_id}, whose own name says otherwise"
            candidates = tuple(dict.fromkeys((known, *by_name.candidates)))
            return replace(by_name, confidence=_DOUBTFUL, candidates=candidates, reason=reason)
        return by_name

    def resolve_repository(self, repository: str) -> Resolution:
        """What a repository of the Hub holds: a release by its id, or by its name where the account is its maker's."""
        written = read_name(repository)
        if (known := self._by_repository(written.text)) is not None:
            return _found(known, "hub id", written.variants)
        if written.account not in self._makers:
            return Resolution(None, "unresolved", None, written.variants, (), "its account made no known release")
        return self._by_name(written)

    @property
    def accounts(self) -> frozenset[str]:
        """Accounts of the Hub, in lower case, that published a release of theirs."""
        return frozenset(self._makers)

    def _by_repository(self, text: str) -> str | None:
        return self._repositories.get(text) if "/" in text else None

    def _by_name(self, written: Written) -> Resolution:
        texts = self._texts.get(written.text, {})
        if len(texts) == 1:
            ((model_id, method),) = texts.items()
            return _found(model_id, method, written.variants)
        if written.moves:
            return self._unresolved(written, "it points to whatever is newest")
        for level, (keys, key) in enumerate(zip(self._keys, _keys_of(written), strict=True)):
            named = [one for one in keys.get(key, ()) if level < 2 or one.release.is_open]
            if known := [one for one in named if self._fits(written.account, one.release)]:
                return self._dated(written, known, "variant" if level == 2 or written.variants else "normalised")
            if named:
                candidates = tuple(sorted({one.release.model_id for one in named}))
                reason = f"{written.account} is not known to publish it"
                return Resolution(None, "unresolved", _DOUBTFUL, written.variants, candidates, reason)
        return self._unresolved(written, "no release has this name")

    def _fits(self, account: str, release: Release) -> bool:
        """Whether a name under this account may mean the release: its maker's own, or of one who lists others'."""
        if not account or account.partition("/")[0] in _HOSTS:
            return True
        ours, theirs = _plain(release.organisation or ""), _plain(account)
        alike = len(ours) > 2 and (ours in theirs or theirs in ours)
        return alike or release.organisation in self._makers.get(account, set())

    def _dated(self, written: Written, known: list[_Known], method: str) -> Resolution:
        """Of the releases of one name the one whose date is in the name."""
        plain = {one.release.model_id for one in known if one.written.dated is None}
        if written.dated is None:
            fit = plain
            reason = "it does not say which version"
        else:
            said = written.dated
            fit = {one.release.model_id for one in known if one.written.dated and said.agrees(one.written.dated)}
            days = {one.release.model_id: one.release.released_on for one in known if one.written.dated is None}
            fit = fit or {model for model, day in days.items() if day is not None and said.near(day)}
            reason = "no release of this name is of that date"
        if len(fit) == 1:
            return _found(fit.pop(), method, written.variants)
        candidates = sorted(fit or {one.release.model_id for one in known})
        if len(fit) > 1:
            reason = "several releases have this name"
        return Resolution(None, "unresolved", _DOUBTFUL, written.variants, tuple(candidates), reason)

    def _unresolved(self, written: Written, reason: str) -> Resolution:
        known = self._keys[2].get(written.untrained_key, []) if written.tokens else []
        near = tuple(sorted({one.release.model_id for one in known}))
        return Resolution(None, "unresolved", _GUESS if near else None, written.variants, near, reason)


def _keys_of(written: Written) -> tuple[str, str, str]:
    return written.key, written.loose_key, written.untrained_key


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _same_date(one: Written, two: Written) -> bool:
    return one.dated is not None and two.dated is not None and one.dated.agrees(two.dated)


def _found(model_id: str, method: str, variants: tuple[str, ...]) -> Resolution:
    return Resolution(model_id, method, CONFIDENCE[method], variants)
