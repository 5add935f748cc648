"""The service defaults as data: levels, packages, policies and calendars, read from `defaults.toml` and checked.

`load()` gives them; `ServiceDefaults.terms(package)` is what a new ticket is promised; `pinned()` is what an open one
was promised. A policy and a calendar are versioned by their content, so an edit never moves an open ticket's deadline.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, overload
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from base.errors import MisconfiguredSetting, NotFound
from base.i18n import N_, known_locale
from desk.calendars import Calendar, OfficialDays, Span, china_days
from desk.models import Urgency
from desk.terms import Names, Package, Policy, Target, Targets, Terms

DEFAULTS = Path(__file__).with_name("defaults.toml")
Key = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]  # "@" divides it from the hash in a version


class UnknownVersion(NotFound):
    """A ticket is pinned to a policy or calendar version that was never stored."""

    code = "unknown_service_version"
    message = N_("The service terms of this ticket ({version}) are missing. Restore them, or assign its package again.")


@dataclass(frozen=True, slots=True)
class ServiceDefaults:
    """Everything in the file. `snapshots`: each policy's and calendar's version -> JSON to keep, see `pinned()`."""

    version: str
    meanings: Mapping[Urgency, Names]
    packages: Mapping[str, Package]
    default_package: str
    policies: Mapping[str, Policy]
    calendars: Mapping[str, Calendar]
    snapshots: Mapping[str, str]

    def package(self, key: str) -> Package:
        """A package; the default one when there is none of that name."""
        return self.packages.get(key) or self.packages[self.default_package]

    def terms(self, package: str) -> Terms:
        return self.package(package).terms

    def unpublished_years(self, today: date, days_ahead: int = 60) -> dict[str, int]:
        """Calendar key -> first year within `days_ahead` whose official days are missing. For a warning to staff."""
        years = range(today.year, (today + timedelta(days=days_ahead)).year + 1)
        tables = {key: calendar.official.years for key, calendar in self.calendars.items() if calendar.official}
        missing = {key: [year for year in years if year not in known] for key, known in tables.items()}
        return {key: found[0] for key, found in missing.items() if found}


def in_language(names: Names, locale: str) -> str:
    """A name or meaning from the file in the reader's language."""
    return names[known_locale(locale)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Names(_Spec):
    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]


class _Level(_Spec):
    meaning: _Names


class _Package(_Spec):
    name: _Names
    policy: str
    calendar: str


class _Targets(_Spec):
    dispatch: str | None = None
    emergency_group: str | None = None
    first_response: str | None = None
    resolution: str | None = None
    progress: str | None = None


class _Policy(_Spec):
    name: _Names
    warn_at_percent: tuple[Annotated[int, Field(gt=0, lt=100)], ...] = ()
    new_cycle_after: str | None = None
    targets: dict[Urgency, _Targets]

    def build(self, key: str, version: str) -> Policy:
        """Raises ValueError."""
        if missing := set(Urgency) - set(self.targets):
            raise ValueError(f"no targets for {', '.join(sorted(missing))}")
        targets = {level: Targets(**_parsed(given)) for level, given in self.targets.items()}
        warnings = tuple(sorted(set(self.warn_at_percent)))
        after = _plain_duration(self.new_cycle_after) if self.new_cycle_after else None
        return Policy(key, self.name.model_dump(), targets, warnings, after, version)


class _OfficialDays(_Spec):
    """The table itself: in a snapshot, so that an old calendar can be rebuilt when the package has moved on."""

    years: tuple[int, ...]
    holidays: dict[date, str]
    workdays: dict[date, str]
    by_law: dict[str, str]  # "05-01" -> name


class _OfficialYear(_Spec):
    table: Literal["CN"]
    year: int
    holidays: dict[date, str]
    workdays: dict[date, str] = {}


class _Calendar(_Spec):
    name: _Names
    timezone: str
    official_days: Literal["CN"] | _OfficialDays | None = None
    working_day: str
    makeup: tuple[str, ...] = ()
    week: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], tuple[str, ...]]
    overrides: dict[date, tuple[str, ...]] = {}

    def frozen(self, tables: Mapping[str, OfficialDays]) -> _Calendar:
        """The same with the official days written out."""
        if not isinstance(self.official_days, str):
            return self
        table = tables[self.official_days]
        by_law = {f"{month:02}-{day:02}": name for (month, day), name in table.by_law.items()}
        days = _OfficialDays(
            years=tuple(sorted(table.years)),
            holidays=dict(table.holidays),
            workdays=dict(table.workdays),
            by_law=by_law,
        )
        return self.model_copy(update={"official_days": days})

    def build(self, key: str, version: str) -> Calendar:
        """Raises ValueError."""
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is called {self.timezone!r}") from error
        return self.restored(key, version)

    def restored(self, key: str, version: str) -> Calendar:
        """From a snapshot, whose zone was checked once: a ticket that is open must not fail on a name gone since."""
        official = None
        if isinstance(self.official_days, _OfficialDays):
            given = self.official_days
            by_law = {(int(day[:2]), int(day[3:])): name for day, name in given.by_law.items()}
            official = OfficialDays(frozenset(given.years), given.holidays, given.workdays, by_law)
        return Calendar(
            key=key,
            timezone=self.timezone,
            week=tuple(_spans(self.week.get(day, ())) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
            working_day=_plain_duration(self.working_day),
            makeup=_spans(self.makeup),
            overrides={day: _spans(hours) for day, hours in self.overrides.items()},
            official=official,
            version=version,
        )


class _File(_Spec):
    default_package: str
    levels: dict[Urgency, _Level]
    packages: dict[Key, _Package]
    policies: dict[Key, _Policy]
    calendars: dict[Key, _Calendar]
    official_years: tuple[_OfficialYear, ...] = ()


def load(path: Path | None = None) -> ServiceDefaults:
    """The service defaults of a TOML file, or those that come with Firstline.

    Raises MisconfiguredSetting, which names the place in the file and what is wrong with it.
    """
    try:
        return parse((path or DEFAULTS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        words = (error.strerror if isinstance(error, OSError) else "it is not UTF-8 text") or type(error).__name__
        reason = f"{path or DEFAULTS} cannot be read ({words}). Write the path of a copy of desk/defaults.toml"
        raise MisconfiguredSetting(name="service_defaults", reason=reason) from error


def parse(text: str) -> ServiceDefaults:
    """The service defaults from TOML. Raises MisconfiguredSetting."""
    try:
        spec = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MisconfiguredSetting(name="service_defaults", reason=str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise MisconfiguredSetting(name=".".join(map(str, first["loc"])), reason=first["msg"]) from error
    snapshots: dict[str, str] = {}
    policies = {key: _versioned(key, policy, snapshots) for key, policy in spec.policies.items()}
    tables = _tables(spec)
    calendars = {key: _versioned(key, calendar.frozen(tables), snapshots) for key, calendar in spec.calendars.items()}
    packages = {}
    for key, package in spec.packages.items():
        if package.policy not in policies or package.calendar not in calendars:
            raise MisconfiguredSetting(name=f"packages.{key}", reason="its policy or calendar is not in the file")
        terms = Terms(policies[package.policy], calendars[package.calendar])
        packages[key] = Package(key, package.name.model_dump(), terms)
    if spec.default_package not in packages:
        raise MisconfiguredSetting(name="default_package", reason=f"there is no package {spec.default_package!r}")
    if missing := set(Urgency) - set(spec.levels):
        raise MisconfiguredSetting(name="levels", reason=f"no level {', '.join(sorted(missing))}")
    return ServiceDefaults(
        version=_digest(_canonical(spec) + "".join(sorted(snapshots))),
        meanings={urgency: level.meaning.model_dump() for urgency, level in spec.levels.items()},
        packages=packages,
        default_package=spec.default_package,
        policies=policies,
        calendars=calendars,
        snapshots=snapshots,
    )


def pinned(
    policy_version: str, calendar_version: str, defaults: ServiceDefaults, stored: Mapping[str, str] | None = None
) -> Terms:
    """The terms a ticket was opened under.

    stored: version -> JSON, as once given by `ServiceDefaults.snapshots`. Raises UnknownVersion.
    """
    known = {**(stored or {}), **defaults.snapshots}
    for version in (policy_version, calendar_version):
        if version not in known:
            raise UnknownVersion(version=version)
    policies = {policy.version: policy for policy in defaults.policies.values()}
    calendars = {calendar.version: calendar for calendar in defaults.calendars.values()}
    policy = policies.get(policy_version) or _restored_policy(policy_version, known[policy_version])
    calendar = calendars.get(calendar_version) or _restored_calendar(calendar_version, known[calendar_version])
    return Terms(policy, calendar)


@lru_cache(maxsize=64)
def _restored_policy(version: str, snapshot: str) -> Policy:
    return _Policy.model_validate_json(snapshot).build(_key(version), version)


@lru_cache(maxsize=64)
def _restored_calendar(version: str, snapshot: str) -> Calendar:
    return _Calendar.model_validate_json(snapshot).restored(_key(version), version)


@overload
def _versioned(key: str, spec: _Policy, snapshots: dict[str, str]) -> Policy: ...
@overload
def _versioned(key: str, spec: _Calendar, snapshots: dict[str, str]) -> Calendar: ...
def _versioned(key: str, spec: _Policy | _Calendar, snapshots: dict[str, str]) -> Policy | Calendar:
    """The policy or calendar of a spec, its snapshot noted under its version, "key@hash"."""
    snapshot = _canonical(spec)
    version = f"{key}@{_digest(snapshot)}"
    try:
        built = spec.build(key, version)
    except ValueError as error:
        place = "policies" if isinstance(spec, _Policy) else "calendars"
        raise MisconfiguredSetting(name=f"{place}.{key}", reason=str(error)) from error
    snapshots[version] = snapshot
    return built


def _tables(spec: _File) -> dict[str, OfficialDays]:
    """The official days that the calendars name, with the years written into the file."""
    if not any(calendar.official_days == "CN" for calendar in spec.calendars.values()):
        return {}
    table = china_days()
    for extra in spec.official_years:
        try:
            table = table.with_year(extra.year, extra.holidays, extra.workdays)
        except ValueError as error:
            raise MisconfiguredSetting(name="official_years", reason=str(error)) from error
    return {"CN": table}


def _parsed(given: _Targets) -> dict[str, Target]:
    return {name: Target.parse(text) for name, text in given.model_dump(exclude_none=True).items()}


def _plain_duration(text: str) -> timedelta:
    """Raises ValueError when it is zero or counts working time, which has no fixed length."""
    target = Target.parse(text)
    if target.working or not target.amount:
        raise ValueError(f'a plain duration such as "9 h" is needed, not {text!r}')
    return target.plain


def _spans(hours: tuple[str, ...]) -> tuple[Span, ...]:
    return tuple(Span.parse(text) for text in hours)


def _canonical(spec: BaseModel) -> str:
    return json.dumps(spec.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _key(version: str) -> str:
    return version.partition("@")[0]
