"""The catalogue: kinds of certificates as reviewed files, checked, loaded, and applied to what comes in.

`types/*.yaml` define one kind each, `city.yaml` the authorities that issue them, `items/*.yaml` one service
item each with what it requires, `materials.yaml` the materials that are no certificates, `*.schema.json` the
shapes of all of them.
"""

from vault.catalogue.checks import check_catalogue
from vault.catalogue.definitions import City, CityAuthority, definition_json, type_from_json
from vault.catalogue.drafts import draft_page
from vault.catalogue.faces import check_face
from vault.catalogue.files import CatalogueProblem
from vault.catalogue.items import item_from_json, item_json, material_from_json, material_json
from vault.catalogue.loading import SHIPPED, Catalogue, InForce, load_catalogue, shipped_catalogue
from vault.catalogue.pages import face_texts, page_data
from vault.catalogue.rules import check_holders, check_validity

__all__ = [
    "SHIPPED",
    "Catalogue",
    "CatalogueProblem",
    "City",
    "CityAuthority",
    "InForce",
    "check_catalogue",
    "check_face",
    "check_holders",
    "check_validity",
    "definition_json",
    "draft_page",
    "face_texts",
    "item_from_json",
    "item_json",
    "load_catalogue",
    "material_from_json",
    "material_json",
    "page_data",
    "shipped_catalogue",
    "type_from_json",
]
