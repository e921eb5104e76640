"""Reading the catalogue's YAML: plain scalars only, duplicate keys refused, every value's line remembered.

YAML 1.1 reads `2026-10-26` as a date, `no` as false and `017` as fifteen; in a catalogue these are texts, so
only decimal numbers, `true`, `false` and `null` are taken for anything else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# A definition with one example photo is under 20 kB; a longer file is a mistake and not worth parsing.
FILE_MAX_BYTES = 262_144
# Deeper nesting than this is no definition, and the walk below recurses once per level.
DEPTH_MAX = 20

PathKey = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """One thing wrong in a catalogue file.

    `path` is where in the YAML (`face[2].schema.type`), empty for all of it;
        `line` counts from 1; `detail` is a sentence that says what was expected and what stands there.
    """

    file: str
    line: int
    path: str
    detail: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: at {self.path}: {self.detail}" if self.path else f"{place}: {self.detail}"


class UnreadableFileError(Exception):
    """A file that is no usable YAML: carries the problem to report."""

    def __init__(self, problem: CatalogueProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A parsed YAML file: its name below the catalogue's folder, its data, and the line of each path."""

    name: str
    data: Any
    lines: Mapping[PathKey, int]

    def problem(self, path: PathKey, detail: str) -> CatalogueProblem:
        """A problem at `path`; its nearest parent's line where something is missing."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return CatalogueProblem(self.name, self.lines.get(known, 1), dotted(path), detail)


def dotted(path: PathKey) -> str:
    """`("face", 2, "schema")` as `face[2].schema`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


class _PlainLoader(yaml.CSafeLoader):
    """PyYAML's safe loader without the implicit types of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), list("tf"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"null\Z"), ["n"])
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)\Z"), list("-0123456789")
)
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z"), list("-0123456789")
)


def read_yaml(folder: Path, name: str) -> SourceFile:
    """Parse `folder/name`.

    Raises:
        UnreadableFileError: missing, too large, not UTF-8, not YAML, aliases, duplicate or non-text keys.
    """
    content = _read_bytes(folder, name)
    loader = _PlainLoader(content)
    try:
        root = loader.get_single_node()
        if root is None:
            raise UnreadableFileError(CatalogueProblem(name, 1, "", "expected a mapping, got an empty file"))
        lines: dict[PathKey, int] = {}
        for path, node in _walk(name, root, (), set()):
            lines[path] = node.start_mark.line + 1
        data = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark is not None else 1
        raise UnreadableFileError(
            CatalogueProblem(name, line, "", f"expected YAML, got {error.problem}")
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableFileError(
            CatalogueProblem(name, 1, "", "expected YAML in UTF-8, got other bytes")
        ) from error
    finally:
        loader.dispose()
    return SourceFile(name, data, lines)


def _read_bytes(folder: Path, name: str) -> bytes:
    try:
        with (folder / name).open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        detail = f"expected a readable file, got {error.strerror}"
        raise UnreadableFileError(CatalogueProblem(name, 1, "", detail)) from error
    if len(content) > FILE_MAX_BYTES:
        detail = f"expected at most {FILE_MAX_BYTES} bytes, got more"
        raise UnreadableFileError(CatalogueProblem(name, 1, "", detail))
    return content


def _walk(name: str, node: yaml.Node, path: PathKey, seen: set[int]) -> Iterator[tuple[PathKey, yaml.Node]]:
    """Every path with its node; refuses what a reviewer would overlook: aliases, keys twice, deep nesting."""
    line = node.start_mark.line + 1
    if len(path) > DEPTH_MAX:
        raise UnreadableFileError(
            CatalogueProblem(name, line, "", f"expected at most {DEPTH_MAX} levels, got more")
        )
    if id(node) in seen:
        raise UnreadableFileError(
            CatalogueProblem(name, line, dotted(path), "expected plain values, got a YAML alias")
        )
    seen.add(id(node))
    yield path, node
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(name, item, (*path, index), seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not (isinstance(key, yaml.ScalarNode) and key.tag == "tag:yaml.org,2002:str"):
                detail = "expected text keys, got another kind of key"
                raise UnreadableFileError(
                    CatalogueProblem(name, key.start_mark.line + 1, dotted(path), detail)
                )
            if key.value in keys:
                detail = f"expected each key once, got {key.value!r} twice"
                raise UnreadableFileError(
                    CatalogueProblem(name, key.start_mark.line + 1, dotted(path), detail)
                )
            keys.add(key.value)
            yield from _walk(name, value, (*path, key.value), seen)
