"""The clerk's desk."""

from collections.abc import Mapping

DESK: Mapping[str, tuple[str, str]] = {
    "desk.title": ("窗口", "The desk"),
}
