"""Which pages may speak to the bucket: one CORS rule of ours, beside those that others have put."""

from typing import TYPE_CHECKING, cast

from django.conf import settings

from images.storage import client

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef

# By which ours is known among all rules of the bucket.
RULE_ID = "taggedimages"
# Presigned reads, uploads by PUT and POST, and what browsers ask about before.
METHODS = ["GET", "PUT", "POST", "HEAD"]
MAX_AGE_SECONDS = 3_600


def allow_origins(origins: list[str]) -> bool:
    """Let pages of these origins use presigned URLs, and read the ETag of what they uploaded.

    False where the bucket has that very rule already. Raises StorageUnavailable, also where we
    may not read or set the rules of the bucket.
    """
    ours: CORSRuleTypeDef = {
        "ID": RULE_ID,
        "AllowedOrigins": origins,
        "AllowedMethods": METHODS,
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": MAX_AGE_SECONDS,
    }
    present = _rules()
    others = [rule for rule in present if rule.get("ID") != RULE_ID]
    # The first rule that fits an origin counts, with SeaweedFS whatever its methods are.
    wanted = [ours, *others]
    if wanted == present:
        return False
    with client.translated():
        client.store().put_bucket_cors(
            Bucket=settings.S3_BUCKET, CORSConfiguration={"CORSRules": wanted}
        )
    return True


def allowed_origins() -> set[str]:
    """Origins that the bucket lets do all that uploads need, by whosever rules. Raises
    StorageUnavailable, also where we may not read them."""
    return {
        origin
        for rule in _rules()
        if {"GET", "PUT"} <= set(rule["AllowedMethods"]) and "*" in rule.get("AllowedHeaders", [])
        for origin in rule["AllowedOrigins"]
    }


def _rules() -> "list[CORSRuleTypeDef]":
    with client.translated() as absent:
        found = client.store().get_bucket_cors(Bucket=settings.S3_BUCKET)
    # botocore gives the rules as it takes them.
    return [] if absent else cast("list[CORSRuleTypeDef]", found.get("CORSRules", []))
