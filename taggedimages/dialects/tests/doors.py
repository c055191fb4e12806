"""A small client of each published API, all with the same questions, so that tests can compare.

Images are told apart by file name, which every API shows.
"""

from typing import Any
from urllib.parse import quote

import jwt
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.identity.credentials import CredentialSet
from tags.models import Tag


class Door:
    """What all of them share: who calls, and requests in JSON."""

    def __init__(self, who: CredentialSet) -> None:
        self.who = who
        self.http = APIClient(raise_request_exception=False, **self.login())
        self.http.default_format = "json"

    def login(self) -> dict[str, Any]:
        """The header that says who calls."""
        raise NotImplementedError

    def get(self, path: str, **query: Any) -> Any:
        """The body of an answer, which must be a success."""
        answer = self.http.get(path, query)
        assert answer.status_code == 200, (path, answer.status_code, answer.content)
        return answer.json()


class Tim(Door):
    """/v1, with a Bearer token."""

    missing = 404

    def login(self) -> dict[str, Any]:
        return {"HTTP_AUTHORIZATION": f"Bearer {self.who.token}"}

    def read(self, image: Image) -> Any:
        return self.http.get(f"/v1/images/{image.pk}")

    def tags(self, image: Image) -> list[str]:
        return [tag["name"] for tag in self.get(f"/v1/images/{image.pk}")["tags"]]

    def replace(self, image: Image, names: list[str]) -> Any:
        return self.http.put(f"/v1/images/{image.pk}", {"tags": names})

    def add(self, image: Image, name: str) -> Any:
        held = self.read(image)
        names = [tag["name"] for tag in held.json()["tags"]] if held.status_code == 200 else []
        return self.replace(image, [*names, name])

    def remove(self, image: Image, name: str) -> Any:
        return self.replace(image, [held for held in self.tags(image) if held != name])

    def files(self) -> list[str]:
        return [record["filename"] for record in self.get("/v1/images")["results"]]

    def found(self, name: str) -> list[str]:
        found = self.get("/v1/search/images", exact_tags=name)
        return [record["filename"] for record in found["results"]]

    def count(self, name: str) -> int:
        found = self.get("/v1/search/images", exact_tags=name, limit=1)
        return int(found["meta"]["total_results"])

    def vocabulary(self) -> list[str]:
        return [tag["name"] for tag in self.get("/v1/tags")["results"]]

    def rename(self, tag: Tag, name: str) -> Any:
        return self.http.put(f"/v1/tags/{tag.pk}", {"name": name})

    def delete_tag(self, tag: Tag) -> Any:
        return self.http.delete(f"/v1/tags/{tag.pk}")

    def delete(self, image: Image) -> Any:
        return self.http.delete(f"/v1/images/{image.pk}")


class Atmosphere(Door):
    """/api/v2, with a TOKEN."""

    root = "/api/v2"
    missing = 404

    def login(self) -> dict[str, Any]:
        return {"HTTP_AUTHORIZATION": f"TOKEN {self.who.token}"}

    def read(self, image: Image) -> Any:
        return self.http.get(f"{self.root}/images/{image.pk}")

    def links(self, **query: Any) -> list[Any]:
        links: list[Any] = self.get(f"{self.root}/image_tags", **query)["results"]
        return links

    def tags(self, image: Image) -> list[str]:
        names: list[str] = self.get(f"{self.root}/images/{image.pk}")["tags"]
        return names

    def edit(self, image: Image, **changes: Any) -> Any:
        return self.http.patch(f"{self.root}/images/{image.pk}", changes)

    def replace(self, image: Image, names: list[str]) -> Any:
        return self.edit(image, tags=names)

    def add(self, image: Image, name: str) -> Any:
        tag = Tag.objects.filter(name=name).first()
        if tag is None:
            # A twin in another case is refused by POST /tags, and made by a PATCH.
            return self.replace(image, [*image.tags.values_list("name", flat=True), name])
        return self.http.post(f"{self.root}/image_tags", {"image": image.pk, "tag": tag.pk})

    def remove(self, image: Image, name: str) -> Any:
        (link,) = self.links(image=image.pk, tag__name=name)
        return self.http.delete(f"{self.root}/image_tags/{link['id']}")

    def files(self) -> list[str]:
        return [image["name"] for image in self.get(f"{self.root}/images")["results"]]

    def found(self, name: str) -> list[str]:
        found = self.get(f"{self.root}/images", tag_name=name)
        return [image["name"] for image in found["results"]]

    def count(self, name: str) -> int:
        return int(self.get(f"{self.root}/images", tag_name=name, page_size=1)["count"])

    def vocabulary(self) -> list[str]:
        return [tag["name"] for tag in self.get(f"{self.root}/tags")["results"]]

    def rename(self, tag: Tag, name: str) -> Any:
        return self.http.patch(f"{self.root}/tags/{tag.pk}", {"name": name})

    def delete_tag(self, tag: Tag) -> Any:
        return self.http.delete(f"{self.root}/tags/{tag.pk}")

    def delete(self, image: Image) -> Any:
        return self.edit(image, end_date="2020-01-01T00:00:00Z")


class Deployed(Atmosphere):
    """/current/api/v2: the same in the shape that was deployed."""

    root = "/current/api/v2"

    def tags(self, image: Image) -> list[str]:
        return [tag["name"] for tag in self.get(f"{self.root}/images/{image.pk}")["tags"]]


class SharinPix(Door):
    """/api/v1, with a JWT of the organisation's admin."""

    # No image that could be tagged is left, which this API tells like a missing right.
    missing = 401

    def login(self) -> dict[str, Any]:
        token = jwt.encode({"iss": self.who.secret_id, "admin": True}, self.who.secret, "HS256")
        return {"HTTP_AUTHORIZATION": f'Token token="{token}"'}

    def read(self, image: Image) -> Any:
        return self.http.get(f"/api/v1/images/{image.uuid}")

    def links(self, **query: Any) -> list[Any]:
        links: list[Any] = self.get("/api/v1/tag_images", **query)
        return links

    def tags(self, image: Image) -> list[str]:
        return [link["tag"]["name"] for link in self.links(image_id=image.uuid)]

    def add(self, image: Image, name: str) -> Any:
        path = f"/api/v1/tags/{quote(name)}/tag_images"
        return self.http.post(path, {"image_ids": [str(image.uuid)]})

    def remove(self, image: Image, name: str) -> Any:
        (link,) = self.links(image_id=image.uuid, tag_name=name)
        return self.http.delete(f"/api/v1/tag_images/{link['id']}")

    def files(self) -> list[str]:
        return [_file(image) for image in self.get("/api/v1/search", q="*")]

    def found(self, name: str) -> list[str]:
        links = self.links(tag_name=name)
        # Its rows are links, oldest first; the others list images, newest first.
        return [_file(link["image"]) for link in reversed(links)]

    def count(self, name: str) -> int:
        return len(self.links(tag_name=name))

    def vocabulary(self) -> list[str]:
        return [tag["name"] for tag in self.get("/api/v1/tags")]

    def rename(self, tag: Tag, name: str) -> Any:
        return self.http.put(f"/api/v1/tags/{tag.uuid}", {"name": name})

    def delete(self, image: Image) -> Any:
        return self.http.delete(f"/api/v1/images/{image.uuid}")

    def restore(self, image: Image) -> Any:
        return self.http.delete(f"/api/v1/trashed_images/{image.uuid}")


class Ims(Door):
    """/v2 and /v1/cloudimages, with an X-Auth-Token."""

    missing = 404

    def login(self) -> dict[str, Any]:
        return {"HTTP_X_AUTH_TOKEN": self.who.token}

    @property
    def root(self) -> str:
        return f"/v2/{self.who.project_id}/images"

    def read(self, image: Image) -> Any:
        return self.http.get(f"/v2/images/{image.uuid}")

    def values(self, image: Image) -> dict[str, str]:
        held = self.get(f"{self.root}/{image.uuid}/tags")["tags"]
        return {tag["key"]: tag["value"] for tag in held}

    def tags(self, image: Image) -> list[str]:
        return list(self.values(image))

    def add(self, image: Image, name: str, value: str = "") -> Any:
        body = {"tag": {"key": name, "value": value}}
        return self.http.post(f"{self.root}/{image.uuid}/tags", body)

    def remove(self, image: Image, name: str) -> Any:
        return self.http.delete(f"{self.root}/{image.uuid}/tags/{quote(name)}")

    def files(self) -> list[str]:
        return [image["name"] for image in self.get("/v2/images")["images"]]

    def act(self, **body: Any) -> Any:
        answer = self.http.post(f"{self.root}/resource_instances/action", body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def found(self, name: str) -> list[str]:
        # The filter trims its keys, and takes 128 characters of them; the list takes any.
        found = self.get("/v2/images", tag=name)["images"]
        return [image["name"] for image in found]

    def count(self, name: str) -> int:
        wanted = [{"key": name, "values": []}]
        return int(self.act(action="count", tags=wanted)["total_count"])

    def vocabulary(self) -> list[str]:
        return [tag["key"] for tag in self.get(f"{self.root}/tags")["tags"]]


class OpenStack(Ims):
    """The OpenStack form of IMS: tags are keys alone."""

    def add(self, image: Image, name: str, value: str = "") -> Any:
        return self.http.put(f"/v2/images/{image.uuid}/tags/{quote(name)}")

    def remove(self, image: Image, name: str) -> Any:
        return self.http.delete(f"/v2/images/{image.uuid}/tags/{quote(name)}")


DOORS = (Tim, Atmosphere, Deployed, SharinPix, Ims, OpenStack)


def _file(image: Any) -> str:
    return f"{image['filename']}.{image['format']}"
