"""The console of those who watch over the vault: operators, auditors and, for their seals, custodians."""

from fastapi import APIRouter

from api.pages.console import panels, trial

router = APIRouter(include_in_schema=False)
for part in (panels, trial):
    router.include_router(part.router)
