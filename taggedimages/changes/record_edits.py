"""What a change does to records themselves: whom they are shown to, and whether they end."""

from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import Q

from images.visibility import Visibility, default_visibility


class Action(StrEnum):
    """What is done to each image. Only what is current is found; undoing brings back the rest."""

    HIDE = "hide"
    SHOW = "show"
    END = "end"
    TRASH = "trash"


class RecordEdit(NamedTuple):
    """An action, and whom the images are shown to afterwards where it is about that."""

    action: Action
    visibility: Visibility | None = None

    @classmethod
    def proposed(cls, action: Action) -> "RecordEdit":
        """What an action does in this installation, whatever its settings are by the time it is
        done.

        Hiding makes images private. Showing gives them what new ones have; where new ones are
        private the members of their project see them, since else nobody did.
        """
        if action == Action.HIDE:
            return cls(action, Visibility.PRIVATE)
        if action == Action.SHOW:
            return cls(action, min(default_visibility(), Visibility.PROJECT))
        return cls(action)

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as /v1 shows it."""
        shown = {} if self.visibility is None else {"visibility": self.visibility.label}
        return {"images": self.action.value, **shown}

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> "RecordEdit | None":
        """What `to_json` wrote; None where it is about tags."""
        if "images" not in written:
            return None
        shown = written.get("visibility")
        return cls(Action(written["images"]), Visibility[shown.upper()] if shown else None)

    @property
    def already(self) -> Q:
        """Which current images have nothing to be done. Showing makes none less visible."""
        if self.action == Action.HIDE:
            return Q(visibility=Visibility.PRIVATE)
        return Q(pk=None) if self.visibility is None else Q(visibility__lte=self.visibility)
