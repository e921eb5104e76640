"""What those see who watch over the vault: how it is doing, what is wrong first, and what to do next.

Counts, times and states; nothing of anybody. One module for each panel; every function asks the rules once,
reads in a few statements whose cost does not grow with the certificates, and leaves the words to the page.
"""

from vault.console.attention import Attention, Weight, attention
from vault.console.cases import CasesPanel, OpenCase, cases_panel
from vault.console.clients import ClientLine, ClientsPanel, WebhookLine, clients_panel
from vault.console.deposits import DepositsPanel, Rate, deposits_panel
from vault.console.imports import ImportsPanel, imports_panel
from vault.console.preview import Draft, Preview, PreviewKind, preview, preview_kinds, shipped_draft
from vault.console.reuse import AvoidedPanel, avoided_panel
from vault.console.seals import SealLine, SealsPanel, seals_panel
from vault.console.transparency import LogPanel, WitnessLine, log_panel
from vault.console.upkeep import UpkeepPanel, Walk, upkeep_panel

__all__ = [
    "Attention",
    "AvoidedPanel",
    "CasesPanel",
    "ClientLine",
    "ClientsPanel",
    "DepositsPanel",
    "Draft",
    "ImportsPanel",
    "LogPanel",
    "OpenCase",
    "Preview",
    "PreviewKind",
    "Rate",
    "SealLine",
    "SealsPanel",
    "UpkeepPanel",
    "Walk",
    "WebhookLine",
    "Weight",
    "WitnessLine",
    "attention",
    "avoided_panel",
    "cases_panel",
    "clients_panel",
    "deposits_panel",
    "imports_panel",
    "log_panel",
    "preview",
    "preview_kinds",
    "seals_panel",
    "shipped_draft",
    "upkeep_panel",
]
