"""The answer of the store to a form upload: XML from outside, so that nothing in it is obeyed."""

from xml.parsers import expat


class NotAnAnswer(ValueError):
    """Not the XML with which a store answers a form upload."""


def key_in(xml: str | bytes) -> str:
    """The object key that an S3 `PostResponse` names. Raises NotAnAnswer.

    Document types are refused, and with them every entity that could be expanded or fetched.
    """
    path: list[str] = []
    key: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name)

    def end(name: str) -> None:
        path.pop()

    def text(data: str) -> None:
        if path == ["PostResponse", "Key"]:
            key.append(data)

    def refuse(*args: object) -> None:
        raise NotAnAnswer("The XML has a document type.")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NotAnAnswer("infos is not the XML answer of the store.") from error
    if not key:
        raise NotAnAnswer("infos names no Key.")
    return "".join(key).removeprefix("/")
