"""Whether a backup is what it was, to the last byte: for `backup --check`, and before a restore."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from taggedimages.backup.folder import LIST, SHA256, Folder, Manifest, Stored, Unusable, digest
from taggedimages.terminal import progress

OBJECTS_AT_ONCE = 10_000
# So many faults are named; of more, their number is enough.
TOLD = 10


def check(folder: Folder, at_once: int) -> Manifest:
    """Read every byte of the backup that counts. Raises Unusable, which names what differs."""
    manifest = folder.whole()
    run = folder.path / manifest.run
    faults = Faults()
    for name, file in manifest.files.items():
        path = run / name
        if not path.is_file():
            faults.add(f"{path} is not there")
        elif path.stat().st_size != file.bytes or digest(path) != file.sha256:
            faults.add(f"{path} has other bytes than it had")
    # Of a list that is damaged, nothing is to be believed.
    faults.refuse(folder)
    left, objects, size = folder.stored(manifest), 0, 0
    with (
        ThreadPoolExecutor(at_once) as threads,
        progress("Check", manifest.objects, "objects") as bar,
    ):
        while batch := list(islice(left, OBJECTS_AT_ONCE)):
            for fault in threads.map(_fault_of(folder), batch):
                bar.update(1)
                if fault:
                    faults.add(fault)
            objects += len(batch)
            size += sum(stored.bytes for stored in batch)
    if (objects, size) != (manifest.objects, manifest.bytes):
        faults.add(f"{LIST} tells of {objects} objects and {size} bytes")
    faults.refuse(folder)
    return manifest


class Faults:
    """What differs: the first ones in words, and how many there are."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.number = 0

    def add(self, text: str) -> None:
        """One more."""
        self.number += 1
        if len(self.told) < TOLD:
            self.told.append(text)

    def refuse(self, folder: Folder) -> None:
        """Raise Unusable where there is any."""
        if self.number:
            more = f", and {self.number - len(self.told)} more" if self.number > TOLD else ""
            raise Unusable(
                f"The backup in {folder.path} is damaged: {'; '.join(self.told)}{more}. `backup"
                " --deep` mends it as long as the service has what is damaged here."
            )


def _fault_of(folder: Folder) -> Callable[[Stored], str]:
    def fault(stored: Stored) -> str:
        path = folder.object_path(stored.sha256)
        if not SHA256.fullmatch(stored.sha256) or not path.is_file():
            return f"{stored.key} lacks: {path} is not there"
        if path.stat().st_size != stored.bytes or digest(path) != stored.sha256:
            return f"{stored.key} is damaged: {path} has other bytes"
        return ""

    return fault
