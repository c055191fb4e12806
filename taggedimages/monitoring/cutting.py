"""Cuts secrets out of what is logged: the one place, which every line passes (monitoring.logs).

What this process itself must keep is known and cut wherever it stands. All else is known by its
form: what follows a name such as `token` or `Signature`, whole query strings (presigned URLs are
permissions), passwords in URLs, tokens by their look, and values that PostgreSQL quotes of rows and
statements.
"""

import re
from functools import cache
from urllib.parse import quote

from django.conf import settings

CUT = "[cut]"
# Nothing of these is cut where none of this stands.
SUSPICIOUS = re.compile(r"[=:@]|earer |asic |eyJ|Failing row|LINE ", re.ASCII)
NAMES = (
    r"[\w-]*(?:password|passwd|passphrase|secret|token|signature|credential|authorization|cookie"
    r"|api[_-]?key|access[_-]?key|private[_-]?key|session[_-]?(?:id|key)|policy)[\w-]*"
)
SCHEMES = r"(?:bearer|basic|token|hmac|[\w-]+-HMAC-SHA256)\s+"
RULES = (
    # What a URL asks, if it names anything.
    (re.compile(r"\?[^\s\"'<>?=]*=[^\s\"'<>]*"), f"?{CUT}"),
    (re.compile(r"(?<=://)([^\s/@:\"']*):[^\s/@\"']+(?=@)"), rf"\1:{CUT}"),
    # name=value, name: value, "name": "value", with or without a scheme.
    (
        re.compile(
            rf"(?i)(?<![\w-])({NAMES}[\"']?\s*[:=]\s*)(?:b?\"[^\"]*\"|b?'[^']*'"
            rf"|(?:{SCHEMES})?[^\s\"'&,;)}}\]]+)"
        ),
        rf"\1{CUT}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {CUT}"),
    # JWT and its like (RFC 7519).
    (re.compile(r"eyJ[\w-]{6,}\.[\w.-]+"), CUT),
    # As PostgreSQL tells of rows and statements.
    (re.compile(r"(Failing row contains \().*?(\)\.?(?:\n|\Z))", re.DOTALL), rf"\1{CUT}\2"),
    (
        re.compile(r"(Key \([^\n]*?\)=\().*?(\) (?:already|is not|is still|conflicts))", re.DOTALL),
        rf"\1{CUT}\2",
    ),
    (re.compile(r"(LINE \d+: )[^\n]*"), rf"\1{CUT}"),
)
# Shorter ones would be cut out of words.
LEAST_KNOWN = 8


def without_secrets(text: str) -> str:
    """A text with CUT in place of what nobody is to read."""
    if (known := _known()) and known.search(text):
        text = known.sub(CUT, text)
    if SUSPICIOUS.search(text):
        for pattern, instead in RULES:
            text = pattern.sub(instead, text)
    return text


@cache
def _known() -> "re.Pattern[str] | None":
    """What finds the secrets that this process was given, as they are and as URLs write them."""
    given = [
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        settings.HOOK_SECRET,
        settings.METRICS_TOKEN,
        settings.S3_SECRET_KEY,
        *(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()),
    ]
    long = {text for text in given if len(text) >= LEAST_KNOWN}
    every = sorted(long | {quote(text, safe="") for text in long}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, every))) if every else None
