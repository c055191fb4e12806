"""Damage done by hand, which the checker must find: else its silence would say nothing."""

import boto3
from botocore.config import Config

from benchmarks.torture.expectations import Expectations
from benchmarks.torture.service import Service


def do_damage(service: Service, expected: Expectations) -> tuple[str, str]:
    """Delete the object of one image and the row of another; the file names of both."""
    without_object, without_row = expected.current[:2]
    delete_object(
        service, service.sql("SELECT key FROM images_image WHERE id = %s", without_object.id)[0][0]
    )
    service.sql("DELETE FROM images_facts WHERE image_id = %s", without_row.id)
    service.sql("DELETE FROM images_image WHERE id = %s", without_row.id)
    return without_object.filename, without_row.filename


def is_proven(losses: list[str], damaged: tuple[str, str]) -> bool:
    """Whether the checker reports both, by ledger and by bucket, and nothing else."""
    without_object, without_row = damaged
    told = [
        any(line.startswith(without_object) and "bytes are lost" in line for line in losses),
        any(line.startswith(without_row) and "record is lost" in line for line in losses),
        any(line.startswith("reconcile") and '"lost"' in line for line in losses),
        any(line.startswith("reconcile") and '"orphan"' in line for line in losses),
    ]
    return all(told) and all(line.startswith((*damaged, "reconcile")) for line in losses)


def delete_object(service: Service, key: str) -> None:
    """Past the service, with the store's own keys."""
    state = service.state
    store = boto3.client(
        "s3",
        endpoint_url=state.s3_endpoint_url,
        region_name=state.region,
        aws_access_key_id=state.s3_access_key,
        aws_secret_access_key=state.s3_secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    store.delete_object(Bucket=state.bucket, Key=key)
