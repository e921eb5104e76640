"""Calendar days of the country that the certificates are of: validity and effect are counted in them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LEGAL_TIME = ZoneInfo("Asia/Shanghai")


def legal_day(at: datetime) -> date:
    """The calendar day in China at this time."""
    return at.astimezone(LEGAL_TIME).date()


def day_ends(day: date) -> datetime:
    """The moment at which a calendar day in China ends and the next one begins, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), LEGAL_TIME).astimezone(UTC)


def day_begins(day: date) -> datetime:
    """The moment at which a calendar day begins in China."""
    return datetime.combine(day, time(), LEGAL_TIME)
