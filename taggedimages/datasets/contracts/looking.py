"""The worker's look at every contract, each night: a report is kept of each.

One contract at a time, in one state of the database; which worker is at one, a lock says that ends
with its transaction.
"""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from images.visibility import Viewer
from taggedimages.datasets.contracts import reports
from taggedimages.datasets.contracts.keeping import latest_of
from taggedimages.datasets.contracts.models import Contract, ContractReport, ContractVersion
from taggedimages.datasets.snapshots import one_state
from taggedimages.transactions import QUERY_CANCELED, SERIALIZATION, sqlstate

# Between two looks at whether one is due.
LOOK_SECONDS = 5.0
# Of one statement of a look, which other work waits for.
STATEMENT_MS = 20_000
# Sets these advisory locks apart from any others in the database.
LOCK_SPACE = 0xC0437
HOLD = "SELECT pg_try_advisory_xact_lock(%s, (%s %% 2147483648)::int)"
TOO_LONG = "Judging takes too long: have it be for fewer images, or ask for fewer values."


class Look:
    """Looks at a contract that is due, for a worker that calls it in each of its rounds."""

    def __init__(self) -> None:
        self.due_at = time.monotonic()

    def __call__(self) -> int:
        """Judge one; returns how many were, 0 where none is due. Raises what the database does."""
        if not settings.CONTRACTS_SECONDS or time.monotonic() < self.due_at:
            return 0
        for contract_id in due().values_list("pk", flat=True)[:10]:
            if look(contract_id):
                return 1
        self.due_at = time.monotonic() + LOOK_SECONDS
        return 0


def due() -> QuerySet[Contract]:
    """The contracts that were not looked at for a night, or not since they say something else; the
    longest ago first."""
    latest = ContractVersion.objects.filter(contract=OuterRef("pk")).order_by("-version")
    before = Now() - timedelta(seconds=settings.CONTRACTS_SECONDS)
    is_due = Q(latest_report__isnull=True) | Q(latest_report__checked_at__lt=before)
    changed = ~Q(latest_report__version=Subquery(latest.values("version")[:1]))
    contracts = Contract.objects.filter(is_due | changed, deleted_at=None)
    return contracts.order_by(F("latest_report__checked_at").asc(nulls_first=True), "pk")


def look(contract_id: int) -> bool:
    """Judge a contract and keep its report; False where another worker is at it, or was."""
    try:
        with one_state(), connection.cursor() as cursor:
            cursor.execute(HOLD, [LOCK_SPACE, contract_id])
            if not cursor.fetchone()[0] or not due().filter(pk=contract_id).exists():
                return False
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
            version = latest_of([contract_id])[contract_id]
            viewer = Viewer.of_members(version.contract.project)
            _keep(version, report=reports.report(version, viewer), problem="")
    except DatabaseError as error:
        if sqlstate(error) == SERIALIZATION:
            return False
        if sqlstate(error) != QUERY_CANCELED:
            raise
        _keep(latest_of([contract_id])[contract_id], report=None, problem=TOO_LONG)
    return True


def _keep(version: ContractVersion, **told: Any) -> None:
    ContractReport.objects.update_or_create(
        contract=version.contract,
        defaults={"version": version.version, "checked_at": Now(), **told},
    )
