"""All checks, in the order in which they are made and told (docs/operating/doctor.md)."""

from functools import partial

from taggedimages.doctor import (
    backups,
    clocks,
    configuration,
    database,
    exposure,
    folders,
    queues,
    store,
)
from taggedimages.doctor.examination import DATABASE, STORE
from taggedimages.doctor.findings import Check


def checks(url: str = "") -> list[Check]:
    """Every check; `url` is where the API is, if no `up` of this data folder serves it."""
    return [
        Check("settings", configuration.told),
        Check("versions", configuration.versions),
        Check("disk", folders.disk),
        Check("data_folder", folders.data_folder),
        Check("ports", exposure.ports),
        Check("certificates", exposure.certificates_end),
        Check("service", partial(exposure.service, url)),
        Check(DATABASE, database.answers),
        Check("database_clock", clocks.database, needs=DATABASE),
        Check("migrations", database.migrations, needs=DATABASE),
        Check("connections", database.connection_room, needs=DATABASE),
        Check("transactions", database.transactions, needs=DATABASE),
        Check("tables", database.tables, needs=DATABASE),
        Check("replication", database.replication, needs=DATABASE),
        Check(STORE, store.answers),
        Check("store_clock", clocks.store),
        Check("bucket_rights", store.rights, needs=STORE),
        Check("bucket_strangers", store.strangers, needs=STORE),
        Check("bucket_cors", store.cross_origin, needs=STORE),
        Check("bucket_versions", store.versions, needs=STORE),
        Check("workers", queues.workers, needs=DATABASE),
        Check("index", queues.index, needs=DATABASE),
        Check("uploads", queues.uploads, needs=DATABASE),
        Check("failed_uploads", queues.failed_uploads, needs=DATABASE),
        Check("changes", queues.changes, needs=DATABASE),
        Check("releases", queues.releases, needs=DATABASE),
        Check("removals", queues.removals, needs=DATABASE),
        Check("backup", backups.last, needs=DATABASE),
    ]
