"""What the child process does: confine itself, inspect one file, write down what it found."""

import ctypes
import json
import os
import resource
import signal
from base64 import b64encode
from contextlib import suppress
from dataclasses import asdict
from typing import BinaryIO

from PIL.Image import Image as Picture

from images.inspection import dicom, fingerprint, raster, rendering, thumbhash, tiff
from images.inspection.findings import MAX_PROBLEM, Findings, Limits, Refused, clean
from images.inspection.formats import DICOM, HEAD_BYTES, TIFF, Format, sniff

MAX_RESULT = 64 * 1024**2
PR_SET_PDEATHSIG = 1
# Looked up once, before children are forked.
PRCTL = getattr(ctypes.CDLL(None), "prctl", None)


def confine(limits: Limits) -> None:
    """Bound what this process may use from now on; it ends with its parent."""
    # Decoders complain there, and a hostile file can make them do so for ever.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    # Ctrl-C is the worker's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if PRCTL:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_RESULT, MAX_RESULT))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        # Where memory ends for all, this process goes and not the worker.
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)


def work(source: BinaryIO, result: BinaryIO, limits: Limits) -> None:
    """Inspect `source`; write to `result` one line of JSON, then the previews it tells of."""
    findings, files = inspect(source, limits)
    sizes = {name: len(file) for name, file in files.items()}
    line = json.dumps({"findings": asdict(findings), "previews": sizes}, allow_nan=False)
    result.write(line.encode() + b"\n")
    for file in files.values():
        result.write(file)
    result.flush()


def inspect(source: BinaryIO, limits: Limits) -> tuple[Findings, dict[str, bytes]]:
    """All that can be told of a file, and its previews; `problem` says why there are none."""
    findings = Findings()
    try:
        return findings, _look(source, limits, findings)
    except Refused as refused:
        findings.problem = clean(str(refused))[:MAX_PROBLEM]
    except MemoryError:
        findings.problem = f"too_large: reading it takes more than {limits.memory} bytes of memory"
    except Exception as error:  # noqa: BLE001 - decoders raise anything; the class is the reason
        findings.problem = _reason(error)
    return findings, {}


def _look(source: BinaryIO, limits: Limits, findings: Findings) -> dict[str, bytes]:
    kind = sniff(source.read(HEAD_BYTES))
    source.seek(0)
    if kind is None:
        raise Refused("not_an_image: the content is of no known image format")
    findings.format, findings.media_type = kind.name, kind.media_type
    picture = _read(source, kind, limits, findings)
    picture = rendering.presentable(picture, findings.orientation)
    findings.color = rendering.average_color(picture)
    small = picture.copy()
    small.thumbnail((thumbhash.MAX_SIDE, thumbhash.MAX_SIDE))
    findings.fingerprint = fingerprint.of(small)
    findings.thumbhash = b64encode(thumbhash.encode(small)).decode()
    return rendering.previews(picture)


def _read(source: BinaryIO, kind: Format, limits: Limits, findings: Findings) -> Picture:
    raster.restrict(limits)
    if kind is DICOM:
        return dicom.read(source, limits, findings, rendering.LARGEST)
    if kind is TIFF:
        with suppress(tiff.Unusual):
            return tiff.read(source, limits, findings)
    return raster.read(source, kind, limits, findings, rendering.LARGEST)


def _reason(error: Exception) -> str:
    told = f"{type(error).__name__}: {clean(str(error))}"
    beyond = "Bomb" in told or "too large" in told.lower()
    return f"{'too_large' if beyond else 'unreadable'}: {told}"[:MAX_PROBLEM]
