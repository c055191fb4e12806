"""Tokens that nobody may believe: JWTs forged in every known way, and opaque ones bent."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from benchmarks.attacks.credentials import Caller

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
WEAK = (
    *(
        "secret",
        "password",
        "changeme",
        "key",
        "test",
        "admin",
        "jwt",
        "token",
        "private",
        "public",
    ),
    *("123456", "your-256-bit-secret", "your_jwt_secret", "my$ecretK3y", "AllYourBase", "default"),
    *("django-insecure", "s3cr3t", "null", "\0"),
)
DEEP = '{"a":' * 1_000 + "{}" + "}" * 1_000
YEAR = 365 * 86_400
# Headers that name a key of the forger's own.
OWN_KEY = "forged-forged-forged-forged-forged"


def jwts(caller: Caller, other: Caller) -> dict[str, str]:
    """By what is wrong with them; all speak for the caller but those that miss that, too."""
    key, now = caller.secret, int(time.time())
    claims = {"iss": caller.secret_id, "admin": True, "iat": now - 10}
    good = made(claims, key)
    head, payload, signature = good.split(".")
    found = {
        "no signature": f"{head}.{payload}.",
        "signature left out": f"{head}.{payload}",
        "signature of another token": f"{head}.{payload}.{made({'iss': 'a'}, key).split('.')[2]}",
        "one bit of the signature": f"{head}.{payload}.{_bent(signature)}",
        "one bit of the claims": f"{head}.{_bent(payload)}.{signature}",
        "signature cut": f"{head}.{payload}.{signature[:-4]}",
        "signature in hexadecimal": f"{head}.{payload}.{_raw(signature).hex()}",
        "four parts": f"{good}.{signature}",
        "two dots more": f"{good}..",
        "empty parts": "..",
        "one part": payload,
        "claims of another under it": f"{head}.{_part(claims | {'user_id': 1})}.{signature}",
        "JWE": f"{_part({'alg': 'dir', 'enc': 'A256GCM'})}..{payload}.{payload}.{signature}",
        "header no JSON": f"{_encoded(b'{')}.{payload}.{signature}",
        "header a list": f"{_part([])}.{payload}.{signature}",
        "claims no JSON": f"{head}.{_encoded(b'admin')}.{signature}",
        "a list of claims": _signed(head, _part([claims]), key),
        "claims a text": _signed(head, _part("admin"), key),
        "key of another": made(claims, other.secret),
        "issuer of another": made(claims | {"iss": other.secret_id}, key),
        "key in capitals": made(claims, key.swapcase()),
        "key cut": made(claims, key[:-1]),
        "the id as key": made(claims, caller.secret_id),
        "the token as key": made(claims, caller.token),
        "empty key": made(claims, ""),
        "alg left out": _signed(_part({"typ": "JWT"}), payload, key),
        "alg null": _signed(_part({"alg": None}), payload, key),
        "alg a list": _signed(_part({"alg": ["HS256", "none"]}), payload, key),
        "critical unknown": made(claims, key, crit=["exp"], exp=1),
        "payload not encoded": made(claims, key, crit=["b64"], b64=False),
        "past": made(claims | {"exp": now - 60}, key),
        "past by far": made(claims | {"exp": -(10**30)}, key),
        "end a text": made(claims | {"exp": "tomorrow"}, key),
        "end a list": made(claims | {"exp": [now + 60]}, key),
        "end an object": made(claims | {"exp": {"a": 1}}, key),
        "end not a number": _signed(head, _encoded(_with(claims, "exp", "NaN")), key),
        "end infinite": _signed(head, _encoded(_with(claims, "exp", "Infinity")), key),
        "not before tomorrow": made(claims | {"nbf": now + 86_400}, key),
        "not before a text": made(claims | {"nbf": "a"}, key),
        "made tomorrow": made(claims | {"iat": now + 86_400}, key),
        "made a text": made(claims | {"iat": "yesterday"}, key),
        "issuer left out": made({"admin": True}, key),
        "issuer null": made(claims | {"iss": None}, key),
        "issuer a list": made(claims | {"iss": [caller.secret_id]}, key),
        "issuer an object": made(claims | {"iss": {"": caller.secret_id}}, key),
        "issuer a number": made(claims | {"iss": 1}, key),
        "issuer unknown": made(claims | {"iss": "nobody"}, key),
        "issuer with NUL": made(claims | {"iss": f"{caller.secret_id}\0"}, key),
        "issuer a surrogate": made(claims | {"iss": "\ud800"}, key),
        "issuer a pattern": made(claims | {"iss": "%"}, key),
        "issuer a statement": made(claims | {"iss": "' OR 1=1 --"}, key),
        "issuer the access key": made(claims | {"iss": caller.token}, key),
        "issuer twice": _signed(head, _encoded(_with(claims, "iss", '"nobody"')), key),
        "session of user 1": made({"user_id": 1, "iat": now, "exp": now + YEAR}, key),
        "session of nobody": made({"user_id": 10**30, "exp": now + YEAR}, key),
        "session, no key": made({"user_id": 1, "exp": now + YEAR}, ""),
        "session, no signature": f"{_part({'alg': 'none'})}.{_part({'user_id': 1})}.",
        "deep": _signed(head, _encoded(_with(claims, "abilities", DEEP)), key),
        "of a megabyte": made(claims | {"a": "x" * 1_000_000}, OWN_KEY),
        "of 20 kilobytes": made(claims | {"a": "x" * 15_000}, OWN_KEY),
        "opaque token": caller.token,
        "secret itself": key,
    }
    found |= {f"alg {alg or 'empty'}": _unsigned(claims, alg) for alg in _nones()}
    found |= {f"alg {alg} by name": _signed(_part({"alg": alg}), payload, key) for alg in _nones()}
    found |= {f"weak key {weak!r}": made(claims, weak) for weak in WEAK}
    found |= {
        f"alg {alg} over HS256": _signed(_part({"alg": alg}), payload, key)
        for alg in ("RS256", "ES256", "PS256", "EdDSA", "ES256K", "HS1", "hs256", "HS256 ", "dir")
    }
    found |= {f"right key, {alg}": made(claims, key, alg=alg) for alg in ("HS384", "HS512")}
    return found | {f"own key by {name}": token for name, token in _own_keys(claims).items()}


def opaque(caller: Caller) -> dict[str, str]:
    """Tokens of the other APIs, by what is wrong with them."""
    token = caller.token
    return {
        "last letter": f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        "first letter": f"{'A' if token[0] != 'A' else 'B'}{token[1:]}",
        "cut": token[:-1],
        "longer": f"{token}A",
        "other case": token.swapcase(),
        "twice": token * 2,
        "with NUL": f"{token}%00",
        "its hash": hashlib.sha256(token.encode()).hexdigest(),
        "in base64": base64.b64encode(token.encode()).decode(),
        "pattern": "%",
        "statement": "'OR'1'='1",
        "null": "null",
        "of 20 kilobytes": "x" * 20_000,
        "name of the user": caller.username,
        "secret": caller.secret,
        "id of the secret": caller.secret_id,
        "JWT of SharinPix": caller.signed(),
        "unsigned JWT": _unsigned({"user_id": 1}, "none"),
        "two": f"{token},{token}x",
    }


def made(claims: Any, key: str, **header: Any) -> str:
    """A JWT, signed as its header says."""
    header = {"alg": "HS256", "typ": "JWT"} | header
    return _signed(
        _part(header), _part(claims), key, HASHES.get(str(header["alg"]), hashlib.sha256)
    )


def _signed(head: str, payload: str, key: str, digest: Any = hashlib.sha256) -> str:
    text = f"{head}.{payload}"
    return f"{text}.{_encoded(hmac.new(key.encode(), text.encode(), digest).digest())}"


def _unsigned(claims: Any, alg: str) -> str:
    return f"{_part({'alg': alg, 'typ': 'JWT'})}.{_part(claims)}."


def _nones() -> tuple[str, ...]:
    return "none", "None", "nOnE", "NONE", "", "none "


def _own_keys(claims: Any) -> dict[str, str]:
    key = {"kty": "oct", "k": _encoded(OWN_KEY.encode()), "kid": "a"}
    named: dict[str, tuple[dict[str, Any], str]] = {
        "kid, a path": ({"kid": "../../../../dev/null"}, ""),
        "kid, a statement": ({"kid": f"' UNION SELECT '{OWN_KEY}' --"}, OWN_KEY),
        "kid, a URL": ({"kid": "http://127.0.0.1:9/key"}, OWN_KEY),
        "jwk": ({"jwk": key}, OWN_KEY),
        "jku": ({"jku": "http://127.0.0.1:9/keys", "kid": "a"}, OWN_KEY),
        "x5u": ({"x5u": "http://127.0.0.1:9/certificate"}, OWN_KEY),
        "x5c": ({"x5c": [_encoded(b"certificate")]}, OWN_KEY),
    }
    return {name: made(claims, signer, **header) for name, (header, signer) in named.items()}


def _part(value: Any) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _bent(part: str) -> str:
    raw = bytearray(_raw(part))
    raw[len(raw) // 2] ^= 1
    return _encoded(bytes(raw))


def _with(claims: Any, name: str, text: str) -> bytes:
    """JSON text with a member more, which JSON could not hold or holds already."""
    return (json.dumps(claims)[:-1] + f', "{name}": {text}}}').encode()
