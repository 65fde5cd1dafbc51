"""The time, as limits need it: given from outside, so that their rules need no clock."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple, Self

_DAY_S: Final = 86_400
_MONTHS: Final = 12
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


class Moment(NamedTuple):
    """A time, and the day and the month of UTC that it lies in."""

    now_ms: int
    """Milliseconds, from any beginning."""
    unix_s: int
    day: int
    """The number of the day. Later days have larger numbers; so have months."""
    month: int

    @classmethod
    def of(cls, unix_s: float, now_ms: int | None = None) -> Self:
        """The moment of a Unix time. `now_ms` may come from a clock that nobody sets."""
        whole = int(unix_s)
        day = whole // _DAY_S
        today = date.fromordinal(_FIRST_DAY + day)
        month = today.year * _MONTHS + today.month - 1
        return cls(round(unix_s * 1000) if now_ms is None else now_ms, whole, day, month)

    @property
    def day_left_s(self) -> int:
        """The seconds until the day ends."""
        return (self.day + 1) * _DAY_S - self.unix_s

    @property
    def month_left_s(self) -> int:
        year, index = divmod(self.month + 1, _MONTHS)
        return (date(year, index + 1, 1).toordinal() - _FIRST_DAY) * _DAY_S - self.unix_s
