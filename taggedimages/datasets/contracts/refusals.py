"""Why a contract is not kept, or not found; the message says it to whoever asked."""


class NameTaken(Exception):
    """There is a contract of that name in the project, which is not the caller's to change."""


class TooManyContracts(Exception):
    """The project has as many contracts as it may."""
