"""stub"""
from dataclasses import dataclass
@dataclass
class SealPicture:
    operators: bytes
    svg: bytes
def seal_picture(organisation, *, centre, serial): ...
