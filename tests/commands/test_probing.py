from proxy.commands.probing import Finding, ProbeError, Step, climb


async def fine() -> str:
    return "well"


async def broken() -> str:
    raise ProbeError("mend it")


async def test_each_step_is_reported_and_those_after_a_failure_are_skipped() -> None:
    steps = [Step("a", fine), Step("b", broken), Step("c", fine), Step("d", fine)]
    assert [each async for each in climb(steps)] == [
        Finding("ok", "a", "well"),
        Finding("FAIL", "b", "mend it"),
        Finding("skipped", "c", ""),
        Finding("skipped", "d", ""),
    ]


def test_a_finding_is_one_line() -> None:
    assert str(Finding("ok", "LightOn searches", "")) == "ok      LightOn searches"
    assert str(Finding("FAIL", "b", "mend it")) == "FAIL    b: mend it"
