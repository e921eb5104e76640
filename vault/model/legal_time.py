"""Calendar days of the country that the certificates are of: validity and effect are counted in them."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

LEGAL_TIME = ZoneInfo("Asia/Shanghai")


def legal_day(at: datetime) -> date:
    """The calendar day in China at this time."""
    return at.astimezone(LEGAL_TIME).date()


def day_begins(day: date) -> datetime:
    """The moment at which a calendar day begins in China."""
    return datetime.combine(day, time(), LEGAL_TIME)
