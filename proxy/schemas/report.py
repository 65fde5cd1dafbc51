"""What a reply says of its searches, sources and times, in its field `lighton`."""

from __future__ import annotations

from proxy.schemas.parts import Schema, flag, number, or_null, record, ref, some, table, text, whole

_PAGES = {"page_start": or_null(whole()), "page_end": or_null(whole())}


def report_schemas() -> dict[str, Schema]:
    return {
        "Report": _report(),
        "Search": _search(),
        "Citation": _citation(),
        "Timings": _timings(),
    }


def _report() -> Schema:
    fields = {
        "rounds": whole("How often the model was asked."),
        "searches": some(ref("Search")),
        "reads": some(record({}), "Documents in which the model read on."),
        "citations": some(ref("Citation")),
        "annotations_cut": flag("Whether there would be more annotations."),
        "refused": flag("Whether the proxy refused the answer."),
        "ungrounded": flag("Whether it was given although its searches failed."),
        "retries": whole("How many requests the proxy sent again."),
        "queued_ms": whole("How long the answer waited for the model."),
        "scope": table({}, "Which filters held for all searches."),
        "timings": ref("Timings"),
    }
    about = "How the answer came about. More may be there in later versions."
    return record(fields, about, optional=" ".join(fields))


def _search() -> Schema:
    result = {
        "n": or_null(whole("The number of its source in the text.")),
        "passage": or_null(whole("The number that the model saw.")),
        "chunk_id": text(),
        "file_id": or_null(whole()),
        "title": or_null(text()),
        "filename": or_null(text()),
        **_PAGES,
        "score": or_null(number()),
        "url": or_null(text()),
    }
    fields = {
        "query": text(),
        "took_ms": whole(),
        "warnings": some(table(text())),
        "results": some(record(result, optional=" ".join(result))),
        "error": text("In words, why it failed."),
    }
    return record(fields, "A search for the answer.", optional=" ".join([*fields][1:]))


def _citation() -> Schema:
    passage = {
        "passage": whole(),
        "chunk_id": text(),
        **_PAGES,
        "quote": or_null(text("The sentence that best bears out the text.")),
        "support": or_null(text("How well it does.")),
        "figures_missing": some(text(), "Figures of the text that no passage holds."),
    }
    fields = {
        "n": whole("The number in the text."),
        "url": or_null(text()),
        "title": or_null(text()),
        "file_id": or_null(whole()),
        "spans": some(some(whole(), minItems=2, maxItems=2), "Where the number stands."),
        "passages": some(record(passage, optional=" ".join(passage))),
    }
    return record(fields, "A source.", optional=" ".join([*fields][1:]))


def _timings() -> Schema:
    each = record({"ms": whole(), "first_token_ms": or_null(whole())})
    fields = {
        "queue_ms": whole(),
        "rounds": some(each),
        "searches_ms": whole(),
        "first_token_ms": or_null(whole()),
        "total_ms": whole(),
    }
    return record(fields, "Milliseconds.", optional=" ".join(fields))
