"""The words of yes and no in what people write: in manifests of imports, and in settings."""

TRUE = frozenset({"yes", "y", "on", "t", "true", "1"})
FALSE = frozenset({"no", "n", "off", "f", "false", "0", ""})


def truth(text: str) -> bool:
    """What a word means, in any case and with blanks around it. Raises ValueError for all others:
    what is not understood is neither.

    >>> truth(" Yes"), truth("off"), truth("")
    (True, False, False)
    """
    word = text.strip().casefold()
    if word not in TRUE | FALSE:
        raise ValueError("is neither yes nor no")
    return word in TRUE
