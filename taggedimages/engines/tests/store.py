"""Something to find again in both engines, written past the service."""

from contextlib import closing
from typing import Any

import boto3
import psycopg2
from botocore.client import Config

from taggedimages.engines.state import State


def write(state: State, value: str) -> None:
    """Store a value as a row and as an object; returns once both are acknowledged."""
    with (
        closing(psycopg2.connect(state.database_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        cursor.execute("INSERT INTO kept VALUES (%s)", [value])
    bucket(state).put_object(Bucket=state.bucket, Key=f"kept/{value}", Body=value.encode())


def holds(state: State, value: str) -> bool:
    """Whether both still have it."""
    with closing(psycopg2.connect(state.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept WHERE value = %s", [value])
        rows = cursor.fetchone()
    body = bucket(state).get_object(Bucket=state.bucket, Key=f"kept/{value}")["Body"].read()
    return rows == (1,) and body == value.encode()


def bucket(state: State) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=state.s3_endpoint_url,
        aws_access_key_id=state.s3_access_key,
        aws_secret_access_key=state.s3_secret_key,
        region_name=state.region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
