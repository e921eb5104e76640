"""Webhooks: changes sent to who wants to hear at once. The feed is the truth; a lost delivery loses nothing.

`registering.py` who gets them and signed with what, `cutting.py` from the feed to deliveries, `delivering.py`
one try of one delivery, `replaying.py` dead letters and sending again, `showing.py` writes what goes out.
"""

from storage.deliveries import DeliveryState
from vault.webhooks.cutting import DELIVER_TASK, FIRST_TRIES_QUEUE, RETRIES_QUEUE, cut
from vault.webhooks.delivering import deliver
from vault.webhooks.registering import register, registered, rotate, unregister
from vault.webhooks.replaying import dead_letters, replay, replay_range, unsettled
from vault.webhooks.sending import Parcel, Send, Undelivered
from vault.webhooks.showing import delivery_json, new_secret_json, registered_json

__all__ = [
    "DELIVER_TASK",
    "FIRST_TRIES_QUEUE",
    "RETRIES_QUEUE",
    "DeliveryState",
    "Parcel",
    "Send",
    "Undelivered",
    "cut",
    "dead_letters",
    "deliver",
    "delivery_json",
    "new_secret_json",
    "register",
    "registered",
    "registered_json",
    "replay",
    "replay_range",
    "rotate",
    "unregister",
    "unsettled",
]
