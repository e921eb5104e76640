"""My certificates (我的证照): what the holder who is signed in has, shows, grants, and is told.

One module for each section; each calls the flows that the JSON routes call. Forms post and lead on (303);
what is wrong with one is said beside its field. No address holds anything of anybody but random ids.
"""

from fastapi import APIRouter

from api.pages.my import certificates, consents, delegations, disputes, history, showing

router = APIRouter(include_in_schema=False)
for _section in (certificates, showing, consents, delegations, history, disputes):
    router.include_router(_section.router)
