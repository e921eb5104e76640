"""The operator's console."""

from collections.abc import Mapping

CONSOLE: Mapping[str, tuple[str, str]] = {
    "console.title": ("控制台", "The console"),
}
