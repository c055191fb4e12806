"""What the tests of IMS say again and again."""

from typing import Any

from images.models import Image
from tags.models import ImageTag


def tags_url(image: Image, *more: str, project: str = "lab") -> str:
    """The path of an image's tags, or of what is below."""
    return "/".join([f"/v2/{project}/images/{image.uuid}/tags", *more])


def held(image: Image) -> list[tuple[str, str]]:
    """The keys and values of an image, in the order they were added."""
    return list(
        ImageTag.objects.filter(image=image).order_by("id").values_list("tag__name", "value")
    )


def error(code: str, response: Any) -> dict[str, Any]:
    """The body that an error has; its message is free."""
    return {"error": {"code": code, "message": response.json()["error"]["message"]}}
