"""Damage that only a cluster has: a copy that is lost while another is there."""

from benchmarks.cluster import copies
from benchmarks.cluster.hosts import wait_until
from benchmarks.cluster.service import Cluster
from benchmarks.torture.damage import Damage
from benchmarks.torture.expectations import Expected


def prove_copies(cluster: Cluster, files: list[Expected]) -> list[str]:
    """Lose a copy of each kind, check again, and have it back; what of it was missed."""
    done = [*lose_copy(cluster), hold_replica(cluster)]
    lines = copies.lacking(cluster, files)
    for damage in done:
        print(f"{'found' if damage.is_in(lines) else 'MISSED':22} {damage.what}")
    cluster.records.replica.sql("SELECT pg_wal_replay_resume()")
    cluster.objects.copy_anew()
    return [damage.what for damage in done if not damage.is_in(lines)]


def lose_copy(cluster: Cluster) -> list[Damage]:
    """Remove the largest volume of a server that has one."""
    victim = cluster.objects.volume_servers[0]
    victim.kill()
    home = cluster.objects.folder / victim.name
    largest = max(home.glob("*.dat"), key=lambda path: path.stat().st_size)
    for file in home.glob(f"{largest.stem}.*"):
        file.unlink()
    victim.start()
    wait_until(lambda: bool(copies.volumes(cluster)), victim.part.log)
    number = largest.stem.rpartition("_")[2]
    return [
        Damage("a copy of a volume is lost", (f"volume {number} is on 1 server",)),
        Damage("a file is there once", ("is not there without",)),
    ]


def hold_replica(cluster: Cluster) -> Damage:
    """Have the replica take what the primary sends it, and show none of it."""
    cluster.records.replica.sql("SELECT pg_wal_replay_pause()")
    cluster.sql("UPDATE images_facts SET width = width")
    return Damage("the replica stands still", ("replica has not replayed",))
