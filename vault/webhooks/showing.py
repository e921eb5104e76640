"""Webhooks and deliveries as JSON."""

from typing import Any

from storage.deliveries import Delivery
from vault.log import moment
from vault.webhooks.registering import NewSecret, Registered


def new_secret_json(fresh: NewSecret) -> dict[str, Any]:
    """What a registration or a rotation answers: the only time that the secret is shown."""
    webhook = fresh.webhook
    return {
        "webhook_id": str(webhook.webhook_id),
        "url": webhook.url,
        "created_at": moment(webhook.created_at),
        "secret": fresh.secret,
    }


def registered_json(found: Registered) -> dict[str, Any]:
    """A webhook as lists have it."""
    state = found.state
    return {
        "webhook_id": str(state.webhook.webhook_id),
        "url": state.webhook.url,
        "created_at": moment(state.webhook.created_at),
        "secrets": [
            {
                "created_at": moment(each.created_at),
                "expires_at": None if each.expires_at is None else moment(each.expires_at),
            }
            for each in found.secrets
        ],
        "pending": state.pending,
        "failed": state.dead,
        "delivered_at": None if state.delivered_at is None else moment(state.delivered_at),
    }


def delivery_json(delivery: Delivery, client_id: str) -> dict[str, Any]:
    """A dead letter, for the operator."""
    return {
        "delivery_id": str(delivery.delivery_id),
        "webhook_id": str(delivery.webhook_id),
        "client": client_id,
        "after_position": delivery.after,
        "through_position": delivery.through,
        "tries": delivery.tries,
        "failure": delivery.failure,
        "created_at": moment(delivery.created_at),
        "failed_at": None if delivery.settled_at is None else moment(delivery.settled_at),
    }
