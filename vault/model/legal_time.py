"""Calendar days of the country that the certificates are of: validity and effect are counted in them."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LEGAL_TIME = ZoneInfo("Asia/Shanghai")


def legal_day(at: datetime) -> date:
    """The calendar day in China at this time."""
    return at.astimezone(LEGAL_TIME).date()


def next_legal_day_begins(at: datetime) -> datetime:
    """Midnight in China after this time: when what is counted by the day begins anew."""
    return datetime.combine(legal_day(at) + timedelta(days=1), time.min, LEGAL_TIME)
