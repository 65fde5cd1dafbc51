"""What the page is asked and what it is told: a question about a made-up company's handbook."""

from __future__ import annotations

from typing import Any, Final

from tests.support.script import Round, result, search_call

QUESTION: Final = "How much notice do I give, and what becomes of my leave?"
QUERY: Final = "notice period and untaken leave"
NOTICE: Final = (
    "After the probationary period, the notice period is three months to the end of a quarter."
)
ANSWER: Final = """\
After the probationary period you give **three months' notice**, to the end of a quarter. [1] \
In the first six months it is two weeks, to any day. [1]

Leave that you have not taken by then:

- You take it before you go, if your team can spare you. [2]
- Up to five days are paid out with the last salary. [3] For more, your manager has to agree. [2]

| Time with us | Notice | To |
|---|---|---|
| up to 6 months | 2 weeks | any day [1] |
| longer | 3 months | the end of a quarter [1] |
"""


def address(name: str) -> str:
    return f"https://documents.example/{name}"


def passages() -> list[dict[str, Any]]:
    """What a search finds, in the order that numbers the answer's sources."""
    return [
        _passage(
            1,
            "Employee handbook",
            12,
            "## 4.2 Notice\n\n"
            "During the probationary period of six months, employment may be ended by either side "
            "with a notice of **two weeks**, to any day.\n\n"
            f"{NOTICE} Notice is given in writing, to *HR* and to your manager.\n\n"
            "Longer periods that the law sets for the employer hold for the employee, too.",
        ),
        _passage(
            2,
            "Leave and absence",
            4,
            "### Leave at the end of employment\n\n"
            "- Leave that is left is taken before the last day, as far as the team can spare you.\n"
            "- What cannot be taken is paid out. More than five days need your manager's consent.",
        ),
        _passage(
            3,
            "Payroll FAQ",
            2,
            "**When is leave paid out?** Up to five days of leave are paid out with the last "
            "salary. The rate is that of an average working day of the last three months.",
        ),
    ]


def rounds() -> list[Round]:
    """A model that searches once and answers."""
    search = Round(calls=(search_call(QUERY),), finish_reason="tool_calls")
    return [search, Round(ANSWER)]


def _passage(number: int, title: str, page: int, content: str) -> dict[str, Any]:
    name = title.lower().replace(" ", "-")
    found: dict[str, Any] = result(
        f"chunk-{number}",
        content,
        score=1 - number / 10,
        title=title,
        file_id=number,
        page_start=page,
        page_end=page,
        external_metadata={"external_url": address(name)},
    )
    return found
