from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from proxy.commands.advice import Place
from proxy.commands.probe_lighton import LightOnProbe
from proxy.commands.probing import Finding, climb
from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.errors import (
    BadCredentials,
    BadReply,
    OutOfReach,
    Overloaded,
    ProxyError,
    RateLimited,
    Unreachable,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.lighton.scope import LightOnScope

URL = "https://lighton.example"
PLACE = Place(URL, "LIGHTON_BASE_URL")
SCOPE = LightOnScope(workspace_id=(42,))


@dataclass
class FakeLightOn:
    name: ClassVar = "LightOn"
    outcome: Found | ProxyError
    searches: int = 0

    async def search(self, search: Search, scope: Scope) -> Found:
        assert search.max_results == 1
        assert scope is SCOPE
        self.searches += 1
        if isinstance(self.outcome, ProxyError):
            raise self.outcome
        return self.outcome


def result(**values: Any) -> Result:
    given = {"chunk_id": "c", "content": "text", "score": 1.0, "file_id": 1}
    given |= {"title": None, "filename": "a.md"}
    given |= {"page_start": None, "page_end": None, "url": "lighton://file/1"}
    return Result(**{**given, **values})


async def try_with(outcome: Found | ProxyError) -> list[Finding]:
    client = FakeLightOn(outcome)
    findings = [each async for each in climb(LightOnProbe(client, SCOPE, PLACE).steps())]
    assert client.searches == 1
    return findings


async def test_one_search_shows_that_everything_works() -> None:
    findings = await try_with(Found((result(),)))
    assert [each.verdict for each in findings] == ["ok", "ok", "ok"]
    assert findings[0].detail == URL


async def test_a_search_without_results_works_but_is_remarked_on() -> None:
    findings = await try_with(Found())
    assert findings[-1].verdict == "ok"
    assert "no results" in findings[-1].detail


@pytest.mark.parametrize(
    ("error", "verdicts", "advice"),
    [
        (Unreachable("LightOn", "No way."), "FAIL skipped skipped", "LIGHTON_BASE_URL"),
        (UpstreamTimeout("LightOn", "Slow."), "FAIL skipped skipped", "LIGHTON_BASE_URL"),
        (BadCredentials("LightOn", "No."), "ok FAIL skipped", "create one at"),
        (OutOfReach("LightOn", "Check workspace_id."), "ok ok FAIL", "Check workspace_id."),
        (UpstreamRejected("LightOn", "Bad tag."), "ok ok FAIL", "Bad tag. Check workspace_id"),
        (RateLimited("LightOn", "Enough."), "ok ok FAIL", "Enough. Try again later."),
        (Overloaded("LightOn", "Busy."), "ok ok FAIL", "Busy. Try again later."),
        (BadReply("LightOn", "What?"), "ok ok FAIL", "What? Check that LIGHTON_BASE_URL"),
    ],
)
async def test_a_failure_is_shown_where_it_belongs_with_what_to_do(
    error: ProxyError, verdicts: str, advice: str
) -> None:
    findings = await try_with(error)
    assert [each.verdict for each in findings] == verdicts.split()
    assert advice in next(each.detail for each in findings if each.verdict == "FAIL")
