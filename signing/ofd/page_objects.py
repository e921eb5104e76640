"""What a page draws, as OFD objects in millimetres from the top left (GB/T 33190).

Clips are an object's Boundary, past which nothing of it is drawn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from signing.ofd.drawn import Drawn, DrawnImage, DrawnPath, DrawnText
from signing.ofd.geometry import PageSpace, clipped, moved, number, product, written_box
from signing.ofd.paths import path_object
from signing.ofd.texts import FontInUse, text_objects
from vault.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class PageResources:
    """What names in a page's content stand for: fonts, and the resource IDs of images."""

    fonts: Mapping[str, FontInUse]
    images: Mapping[str, int]


def page_objects(
    things: Iterable[Drawn], resources: PageResources, space: PageSpace, next_id: Callable[[], int]
) -> Iterator[str]:
    """The XML of each object, in order of drawing.

    Raises:
        IntegrityError: something that the writer does not know how to say in OFD.
    """
    for thing in things:
        match thing:
            case DrawnPath():
                made = path_object(thing, space, next_id)
            case DrawnImage():
                made = _image_object(thing, resources, space, next_id)
            case DrawnText():
                yield from text_objects(thing, resources.fonts, space, next_id)
                continue
        if made is not None:
            yield made


def _image_object(
    image: DrawnImage, resources: PageResources, space: PageSpace, next_id: Callable[[], int]
) -> str | None:
    """The unit square, which OFD has from the top left and PDF from the bottom left."""
    resource = resources.images.get(image.name)
    if resource is None:
        raise IntegrityError("A typeset page draws an image that it does not have.")
    whole = product((1, 0, 0, -1, 0, 1), product(image.state.transform, space.matrix))
    corners = [moved(u, v, whole) for u in (0, 1) for v in (0, 1)]
    left, top = (min(corner[i] for corner in corners) for i in (0, 1))
    right, bottom = (max(corner[i] for corner in corners) for i in (0, 1))
    kept = clipped((left, top, right, bottom), image.state.clip, space)
    if kept is None:
        return None
    parts = (*whole[:4], whole[4] - kept[0], whole[5] - kept[1])
    matrix = " ".join(number(part) for part in parts)
    return (
        f'<ofd:ImageObject ID="{next_id()}" Boundary="{written_box(kept)}" CTM="{matrix}" '
        f'ResourceID="{resource}"/>'
    )
