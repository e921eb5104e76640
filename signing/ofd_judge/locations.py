"""ST_Loc: where a location in one file of a package leads (GB/T 33190, as implementers read it).

A leading `/` is the package's root; anything else is relative to the file that holds it. Real files use both.
"""

from signing.ofd_judge.package import Package

LOCATION_MAX_CHARS = 512


def folder_of(path: str) -> str:
    """The folder that a file lies in, with `/` at its end; empty for the root."""
    return path[: path.rfind("/") + 1]


def joined(folder: str, location: str) -> str | None:
    """The path in the package; None where it leads out of it, or is none.

    Some makers write backslashes.
    """
    written = location.replace("\\", "/")
    if not 1 <= len(written) <= LOCATION_MAX_CHARS:
        return None
    parts: list[str] = []
    for part in (written if written.startswith("/") else folder + written).split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or None


def find(package: Package, holder: str, location: str) -> str | None:
    """The file that a location in the file `holder` names; None where there is none."""
    path = joined(folder_of(holder), location)
    return None if path is None else package.find(path)
