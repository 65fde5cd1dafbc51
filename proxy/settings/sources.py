"""Where settings come from: flags, environment variables, a `.env` file, a TOML file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from proxy.errors import SettingsError
from proxy.settings.messages import unknown
from proxy.settings.secret_files import SUFFIX, is_secret, read_secret

PREFIX: Final = "RAG_PROXY_"
CONFIG_VARIABLE: Final = "RAG_PROXY_CONFIG"
CLIENT_KEY: Final = "RAG_PROXY_API_KEY"
"""The key that `rag-proxy ask` sends. It is no setting, and protects nothing."""

_FIXED_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "lighton_api_key": ("LIGHTON_API_KEY", "CONSOLE_API_KEY"),
    "lighton_base_url": ("LIGHTON_BASE_URL",),
    "scaleway_api_key": ("SCALEWAY_API_KEY", "SCW_SECRET_KEY"),
    "scaleway_base_url": ("SCALEWAY_BASE_URL",),
    "scaleway_project_id": ("SCW_DEFAULT_PROJECT_ID",),
}
"""Names that the vendors' own tools use. The first one that is set counts."""

_SERVICE_LINK: Final = re.compile(
    r"RAG_PROXY(_\w+)?_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")


@dataclass(frozen=True, slots=True)
class Source:
    """The settings that one place holds, by field name, and the names they have there."""

    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    problems: tuple[str, ...] = ()

    def holds(self, path: Sequence[int | str]) -> bool:
        """Whether this source sets a setting, or a key inside it. A number is a place in a list."""
        value: Any = self.values
        for part in path:
            try:
                value = value[part]
            except (LookupError, TypeError):
                return False
        return True

    def label(self, path: Sequence[int | str]) -> str:
        """The name that this source gives a setting, or a key inside it."""
        name = str(path[0])
        inside = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path[1:])
        return self.names.get(name, name) + "".join(inside) + self.place

    def origin(self, setting: str) -> str:
        """Where this source has a setting, for somebody who sees its name already."""
        return (self.names.get(setting, "") + self.place).strip()


def environment_names(setting: str) -> tuple[str, ...]:
    """The environment variables of a setting, the preferred one first."""
    return _FIXED_NAMES.get(setting, (PREFIX + setting.upper(),))


def file_names(setting: str) -> tuple[str, ...]:
    """The environment variables that name a file with a secret setting."""
    return tuple(each + SUFFIX for each in environment_names(setting))


def from_flags(flags: Mapping[str, Any]) -> Source:
    """A flag that is None was not given."""
    given = {name: value for name, value in flags.items() if value is not None}
    return Source(given, {name: "--" + name.replace("_", "-") for name in given})


def from_environment(
    fields: Mapping[str, FieldInfo], variables: Mapping[str, str | None], place: str = ""
) -> Source:
    """An empty variable counts as unset."""
    given = {name: value for name, value in variables.items() if value and value.strip()}
    given = {name: value for name, value in given.items() if not _is_service_link(name, value)}
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    problems = _unknown_variables(fields, given, place)
    for setting, info in fields.items():
        name, *others = [each for each in _all_names(setting, info) if each in given] or [""]
        if not name:
            continue
        names[setting] = name
        try:
            _refuse_both(name, others)
            values[setting] = _decode(_text(name, given[name], setting, info), info)
        except ValueError as error:
            problems.append(f"{name}{place}: {error}")
    return Source(values, names, place, tuple(problems))


def read_dotenv(path: Path) -> Mapping[str, str | None]:
    """The variables in a `.env` file; none if there is no such file."""
    try:
        return dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({_reason(error)})") from error


def from_toml(path: Path) -> Source:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({_reason(error)})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML ({error})") from error
    except (ValueError, RecursionError):
        raise SettingsError(f"{path}: has a number that is too long, or lists too deep") from None
    return Source(values, place=f" in {path}")


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "not UTF-8 text"


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set this variable, for a service named rag-proxy or rag-proxy-something.

    See "environment variables" in Kubernetes' documentation of services.
    """
    is_address = name.endswith("_PORT") and _SERVICE_ADDRESS.match(value) is not None
    return name.startswith(PREFIX) and (is_address or _SERVICE_LINK.fullmatch(name) is not None)


def _unknown_variables(
    fields: Mapping[str, FieldInfo], given: Mapping[str, str], place: str
) -> list[str]:
    known = {CONFIG_VARIABLE.removeprefix(PREFIX): CONFIG_VARIABLE}
    for setting in fields:
        names = _all_names(setting, fields[setting])
        known |= {each.removeprefix(PREFIX): each for each in names}
        known.setdefault(setting.upper(), names[0])
    real = {*known.values(), CLIENT_KEY}
    return [
        f"{name}{place}: {unknown(name.removeprefix(PREFIX), known)}"
        for name in given
        if name.startswith(PREFIX) and name not in real
    ]


def _all_names(setting: str, info: FieldInfo) -> tuple[str, ...]:
    files = file_names(setting) if is_secret(info) else ()
    return environment_names(setting) + files


def _refuse_both(name: str, others: Sequence[str]) -> None:
    """Two names of one setting are no fault, but a secret and a file with it are."""
    file = next((each for each in others if each.endswith(SUFFIX)), None)
    if file is not None and not name.endswith(SUFFIX):
        raise ValueError(f"is set, and {file} too: which of them holds? Keep one")


def _text(name: str, value: str, setting: str, info: FieldInfo) -> str:
    """What a variable says: in itself, or in the file that it names."""
    if name in environment_names(setting):
        return value
    return read_secret(value, many=tuple in _kinds(info.annotation))


def _decode(text: str, info: FieldInfo) -> Any:
    """A variable's text in the shape of its setting: a list, a table, or the text itself."""
    kinds = _kinds(info.annotation)
    if dict in kinds and (str not in kinds or text.lstrip().startswith("{")):
        return _json(text, dict, "must be a JSON object")
    if dict in kinds and _is_json_array(text):
        raise ValueError("must be text or a JSON object")
    if tuple not in kinds:
        return text.strip()
    if text.lstrip().startswith("["):
        return _json(text, list, "must be separated by commas, or a JSON array")
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_json_array(text: str) -> bool:
    """Text may begin with a bracket, too: "[HR] Ask us."."""
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def _json(text: str, kind: type, fault: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise ValueError(fault)  # noqa: TRY004 - the caller collects faults of values
    return value


def _kinds(annotation: Any) -> set[Any]:
    """The plain types that an annotation allows: `tuple[int, ...] | None` → {tuple, NoneType}.

    Those that a validator takes for the annotated type count, too. A model of pydantic's is a dict.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *metadata = get_args(annotation)
        taken = [each for each in metadata if isinstance(each, BeforeValidator)]
        return _kinds(kind).union(*(_kinds(each.json_schema_input_type) for each in taken))
    if origin in (Union, UnionType):
        return set().union(*(_kinds(each) for each in get_args(annotation)))
    kind = origin or annotation
    return {dict if isinstance(kind, type) and issubclass(kind, BaseModel) else kind}
