"""What clients do to tags: on one image through any API, and to the vocabulary."""

import random
from collections.abc import Callable
from typing import Any

from benchmarks.torture.asking import Asker, Request
from benchmarks.torture.doors import PROJECT, Doors
from benchmarks.torture.expectations import Expected

# So few, with OWN, that an image has ten tags at most, as IMS wants them.
SHARED = [f"shared-{number}" for number in range(6)]
OWN = 4
IMS_TAGS = 10


class Tagger:
    """One client's way with tags; those of SHARED are never renamed or deleted."""

    def __init__(
        self, asker: Asker, doors: Doors, shared: dict[str, int], chance: random.Random
    ) -> None:
        self.ask = asker.ask
        self.client = asker.name
        self.doors = doors
        # The ids of the shared tags.
        self.shared = shared
        self.random = chance
        self.named = 0
        self.own = [self.new_name() for _ in range(OWN)]

    def some(self) -> list[str]:
        """Names for an image."""
        return self.random.sample([*SHARED, *self.own], self.random.randint(0, 4))

    def new_name(self) -> str:
        """A name that was never given."""
        self.named += 1
        return f"{self.client}-tag-{self.named}"

    def tag(self, image: Expected) -> None:
        """Change its tags in one of the ways that there are."""
        ways: list[Callable[[Expected], None]] = [
            self.replace,
            self.patch,
            self.link,
            self.link_by_name,
            self.give_value,
            self.give_values,
            self.remove_keys,
            self.remove_key,
        ]
        self.random.choice(ways)(image)

    def replace(self, image: Expected) -> None:
        """/v1: PUT the whole set."""
        names = self.some()
        self.ask(
            self.doors.tim(
                "retag",
                "PUT",
                f"/v1/images/{image.id}",
                200,
                {"tags": names},
                must=lambda record: {tag["name"] for tag in record["tags"]} == set(names),
                filename=image.filename,
                tags=names,
            )
        )

    def patch(self, image: Expected) -> None:
        """Atmosphere: PATCH the whole set."""
        names = self.some()
        self.ask(
            self.doors.atmosphere(
                "retag",
                "PATCH",
                f"/api/v2/images/{image.uuid}",
                200,
                {"tags": names},
                must=lambda record: set(record["tags"]) == set(names),
                filename=image.filename,
                tags=names,
            )
        )

    def link(self, image: Expected) -> None:
        """Atmosphere: POST a link, and take half of them back by its id."""
        name, door = self.random.choice(SHARED), self.doors.atmosphere
        about: dict[str, Any] = {"filename": image.filename, "tag": name}
        body = {"image": image.id, "tag": self.shared[name]}
        # 201 makes a link, 200 finds it (contract Atmosphere, endpoints).
        good = [200 if was_there else 201 for was_there in image.has(name)]
        made = self.ask(door("link", "POST", "/api/v2/image_tags", good, body, **about))
        if made and self.random.random() < 0.5:
            path = f"/api/v2/image_tags/{made['id']}"
            self.ask(door("unlink", "DELETE", path, 204, **_without(image, name)))

    def link_by_name(self, image: Expected) -> None:
        """SharinPix: POST links by the name of a tag, and take half of them back."""
        name, door = self.random.choice([*SHARED, *self.own]), self.doors.sharinpix
        rows = self.ask(
            door(
                "link",
                "POST",
                f"/api/v1/tags/{name}/tag_images",
                200,
                {"image_ids": [image.uuid]},
                must=lambda rows: [row["tag"]["name"] for row in rows] == [name],
                filename=image.filename,
                tag=name,
            )
        )
        if rows and self.random.random() < 0.5:
            path = f"/api/v1/tag_images/{rows[0]['id']}"
            self.ask(door("unlink", "DELETE", path, 204, **_without(image, name)))

    def give_value(self, image: Expected) -> None:
        """IMS: POST one key with a value."""
        name, value = self.random.choice(SHARED), str(self.random.randint(0, 9))
        body = {"tag": {"key": name, "value": value}}
        self.ask(self._write(image, "", body, {name: value}))

    def give_values(self, image: Expected) -> None:
        """IMS: create several keys at once, or none of them."""
        names = self.random.sample([*SHARED, *self.own], 3)
        values = {name: str(self.random.randint(0, 9)) for name in names}
        tags = [{"key": name, "value": value} for name, value in values.items()]
        body = {"action": "create", "tags": tags}
        self.ask(self._write(image, "/action", body, values))

    def remove_keys(self, image: Expected) -> None:
        """IMS: delete several keys, those that are absent too."""
        names = self.random.sample([*SHARED, *self.own], 3)
        body = {"action": "delete", "tags": [{"key": name} for name in names]}
        path = f"/v2/{PROJECT}/images/{image.uuid}/tags/action"
        about: dict[str, Any] = {"filename": image.filename, "tags": names}
        self.ask(self.doors.ims("unlink", "POST", path, 204, body, **about))

    def remove_key(self, image: Expected) -> None:
        """IMS: delete one key, which has to be there."""
        name = self.random.choice(SHARED)
        if image.has(name) == {False}:
            return
        also = (404,) if False in image.has(name) else ()
        path = f"/v2/{PROJECT}/images/{image.uuid}/tags/{name}"
        about = _without(image, name)
        self.ask(self.doors.ims("unlink", "DELETE", path, 204, also=also, **about))

    def delete_tag(self) -> None:
        """Delete a tag of one's own from all images, by /v1 or Atmosphere."""
        name = self.random.choice(self.own)
        if tag := self._find(name):
            door, prefix = self.random.choice(
                [(self.doors.tim, "/v1"), (self.doors.atmosphere, "/api/v2")]
            )
            about: dict[str, Any] = {"id": tag["id"], "name": name}
            self.ask(door("delete_tag", "DELETE", f"{prefix}/tags/{tag['id']}", 204, **about))

    def rename_tag(self) -> None:
        """Give a tag of one's own another name, on all images."""
        name, new = self.random.choice(self.own), self.new_name()
        if tag := self._find(name):
            about: dict[str, Any] = {"name": name, "to": new}
            path, body = f"/v1/tags/{tag['id']}", {"name": new}
            # Whether or not that is known to be done, neither name is given any more.
            self.own[self.own.index(name)] = new
            if self.ask(self.doors.tim("rename_tag", "PUT", path, 200, body, **about)) is None:
                self.own[self.own.index(new)] = self.new_name()

    def _find(self, name: str) -> Any:
        request = self.doors.tim("find_tag", "POST", "/v1/tags", 201, {"name": name})
        return self.ask(request)

    def _write(self, image: Expected, action: str, body: Any, values: dict[str, str]) -> Request:
        """A request that adds keys, which may be too many."""
        also = (400,) if image.most_tags + len(values) > IMS_TAGS else ()
        path = f"/v2/{PROJECT}/images/{image.uuid}/tags{action}"
        about: dict[str, Any] = {"filename": image.filename, "values": values}
        return self.doors.ims("value", "POST", path, 204, body, also=also, **about)


def _without(image: Expected, name: str) -> dict[str, Any]:
    return {"filename": image.filename, "tags": [name]}
