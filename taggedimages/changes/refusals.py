"""Why a change is not proposed, applied, stopped or undone; the message says it to who asked."""


class BadOperation(ValueError):
    """What is to be done contradicts itself, or names what there is not."""


class WrongState(Exception):
    """The change is not in a state for that."""


class OtherDigest(Exception):
    """What was looked at is not what would be applied."""


class Drifted(Exception):
    """Other images match than when it was planned, and that was to be refused."""


class TooManyPlanned(Exception):
    """The author has as many changes waiting as one may have."""


class TooManyExcluded(Exception):
    """As many images were taken out of the plan as may be."""


class NeedsSomebodyElse(Exception):
    """A change of so many images is applied by somebody else than its author."""


class AuthorGone(Exception):
    """The user who proposed the change is no longer there, so that nobody's rights can be asked."""
