"""What a request may say of its search: the field `lighton`, and the headers."""

from __future__ import annotations

from typing import Final, get_args

from proxy.core.names import FIELD, HEADERS
from proxy.core.scope import Retrieval, Shown
from proxy.schemas.parts import Schema, number, or_null, record, some, text, whole
from proxy.upstreams.lighton.scope import MAX_RESULTS, RelevanceScoring, UnknownRelevance
from proxy.upstreams.lighton.wish import MAX_ENTRIES, MAX_ENTRY_CHARS

_MODES: Final = list(get_args(Retrieval))
_RETRIEVAL: Final = text(
    "When documents are searched: by the model, before it, both, or never.", enum=_MODES
)


def _ids(about: str) -> Schema:
    return or_null(some({"type": "integer"}, about, maxItems=MAX_ENTRIES))


def _labels(about: str) -> Schema:
    each = {"type": "string", "minLength": 1, "maxLength": MAX_ENTRY_CHARS}
    return or_null(some(each, about, maxItems=MAX_ENTRIES))


def wish_schema() -> Schema:
    fields = {
        "workspace_id": _ids("Search only these LightOn workspaces."),
        "tag_id": _ids("Search only documents that carry one of these tags."),
        "file_id": _ids("Search only these files."),
        "content_type": _labels("Search only documents of one of these content types."),
        "attribute": _labels("Search only documents that match all of these attributes."),
        "max_results": or_null(
            whole("The most results of one search.", minimum=1, maximum=MAX_RESULTS)
        ),
        "relevance_scoring": or_null(
            text("Whether results are scored, and filtered.", enum=list(get_args(RelevanceScoring)))
        ),
        "min_relevance": or_null(
            number("Drop results whose score is below this.", minimum=0, maximum=1)
        ),
        "unknown_relevance": or_null(
            text("What becomes of results without a score.", enum=list(get_args(UnknownRelevance)))
        ),
        "retrieval": or_null(_RETRIEVAL),
        "progress": or_null(
            text("What a stream shows of searches while they run.", enum=list(get_args(Shown)))
        ),
    }
    about = (
        "Narrows the search of this request, within what the settings, the key, the rules for the "
        "person and the profile allow. A name that is not here is refused: to overlook a misspelt "
        "one would search more than its sender meant."
    )
    wish = record(fields, about, optional=" ".join(fields))
    return {**or_null(wish), "additionalProperties": False}


def headers() -> list[Schema]:
    """The headers that narrow a search, too."""
    about = "The workspaces to search, with commas between. It narrows as the field of the body."
    ids = {"type": "string", "pattern": r"^\s*[0-9]{1,18}\s*(,\s*[0-9]{1,18}\s*)*$"}
    return [
        _header("Workspace-Id", about, ids),
        _header("Retrieval", f"As '{FIELD}.retrieval' in a body.", _RETRIEVAL),
    ]


def narrowing_header() -> list[Schema]:
    """That of requests that search but write no answer."""
    return headers()[:1]


def _header(name: str, about: str, schema: Schema) -> Schema:
    return {"name": f"{HEADERS}{name}", "in": "header", "description": about, "schema": schema}
