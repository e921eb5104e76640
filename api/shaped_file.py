"""A JSON file with settings of one subject: read once at start, every mistake in it told at once."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from vault.errors import InputError

ShapeT = TypeVar("ShapeT", bound=BaseModel)


def read_shaped_file(path: Path, shape: type[ShapeT]) -> ShapeT:
    """What the file holds.

    Raises:
        InputError: it cannot be read, is not JSON, or is not of this shape; each place in it is named.
    """
    try:
        return shape.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path} is not readable: {error.strerror}.") from error
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InputError(f"{path} is not valid: {'; '.join(lines)}.") from None
    except ValueError as error:
        raise InputError(f"{path} is not JSON.") from error
