"""Sign-in of people by OpenID Connect (Core 1.0, code flow with PKCE) against any configured provider.

`party.py` has the flow in order; `directory.py` fetches what a provider publishes, `id_token.py` judges its
token, `claims.py` reads what it says of somebody, `attempt.py` binds all of it to one browser.
"""

from api.oidc.attempt import Attempt
from api.oidc.directory import new_http
from api.oidc.party import CancelledError, RelyingParty
from api.oidc.provider import ClaimNames, Provider

__all__ = ["Attempt", "CancelledError", "ClaimNames", "Provider", "RelyingParty", "new_http"]
