"""A secret never comes out: whatever it is, however it is encoded, wherever the stream is cut."""

from __future__ import annotations

import base64
import json
import shlex
import textwrap
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.hosts.mask import Masker, mask
from holdpoint.shell import Secret
from holdpoint.shell import quote as posix_quote

SECRETS = st.text(min_size=6, max_size=40).filter(lambda text: text.strip() and "\0" not in text)
AROUND = st.binary(max_size=12)


def encodings(secret: str, before: bytes, after: bytes) -> dict[str, tuple[bytes, bytes]]:
    """Give each encoding's name, the text that it makes of the secret, and how it looks with something around it."""
    raw = secret.encode("utf-8", "surrogatepass")
    plain = {
        "raw": raw,
        "posix": posix_quote(secret).encode("utf-8", "surrogatepass")[1:-1],
        "shlex": shlex.quote(secret).encode("utf-8", "surrogatepass").strip(b"'"),
        "backslash": "".join(c if c.isalnum() else "\\" + c for c in secret).encode("utf-8", "surrogatepass"),
        "ansi-c": "".join(
            c if c.isascii() and c.isalnum() else "".join(f"\\{b:03o}" for b in c.encode("utf-8", "surrogatepass"))
            for c in secret
        ).encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "json-utf8": json.dumps(secret, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"),
        "quote": quote(raw, safe="").encode(),
        "quote-slash": quote(raw).encode(),
        "quote-lower": "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02x}" for b in raw).encode(),
        "plus": quote_plus(raw).encode(),
        "percent": "".join(f"%{b:02X}" for b in raw).encode(),
        "percent-lower": "".join(f"%{b:02x}" for b in raw).encode(),
        "hex": raw.hex().encode(),
        "hex-upper": raw.hex().upper().encode(),
    }
    return {name: (form, before + form + after) for name, form in plain.items()}


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in pairwise(places)]


def masked(parts: list[bytes], *secrets: str) -> bytes:
    masker = Masker([Secret(secret) for secret in secrets])
    return b"".join(masker.feed(part) for part in parts) + masker.finish()


@settings(max_examples=80, deadline=None)
@given(SECRETS, AROUND, AROUND, st.lists(st.integers(0, 10_000), max_size=6))
def test_no_encoding_comes_out(secret: str, before: bytes, after: bytes, cuts: list[int]) -> None:
    secret = secret.encode("utf-8", "replace").decode()
    for name, (form, stream) in encodings(secret, before, after).items():
        out = masked(chunks(stream, cuts), secret)
        assert form not in out, name
        assert b"[masked]" in out, name


@settings(max_examples=80, deadline=None)
@given(SECRETS, AROUND, AROUND, st.lists(st.integers(0, 10_000), max_size=6), st.integers(8, 76))
def test_no_base64_comes_out(secret: str, before: bytes, after: bytes, cuts: list[int], width: int) -> None:
    raw = secret.encode("utf-8", "replace")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(before + raw + after)
        first, last = -(-len(before) * 8 // 6), (len(before) + len(raw)) * 8 // 6
        out = masked(chunks(whole, cuts), raw.decode())
        assert whole[first:last] not in out
        wrapped = "\n".join(textwrap.wrap(whole.decode(), width)).encode()
        assert whole[first:last] not in masked(chunks(wrapped, cuts), raw.decode()).replace(b"\n", b"")


@settings(max_examples=80, deadline=None)
@given(st.lists(SECRETS, min_size=1, max_size=3), st.data())
def test_cuts_make_no_difference(secrets: list[str], data: st.DataObject) -> None:
    secrets = [secret.encode("utf-8", "replace").decode() for secret in secrets]
    forms = [form for secret in secrets for form, _ in encodings(secret, b"", b"").values()]
    halves = [form[: len(form) // 2] for form in forms]
    stream = b"".join(data.draw(st.lists(st.one_of(AROUND, st.sampled_from(forms + halves)), max_size=8)))
    cuts = data.draw(st.lists(st.integers(0, 10_000), max_size=10))
    assert masked(chunks(stream, cuts), *secrets) == masked([stream], *secrets)
    assert masked([stream[i : i + 1] for i in range(len(stream))], *secrets) == masked([stream], *secrets)


@given(st.binary(max_size=200))
def test_without_secrets_everything_passes_at_once(data: bytes) -> None:
    assert Masker([]).feed(data) == data
    assert Masker([Secret("")]).feed(data) == data


def test_what_cannot_become_a_secret_is_not_held_back() -> None:
    masker = Masker([Secret("hunter2-long")])
    assert masker.feed(b"Continue? [y/N] ") == b"Continue? [y/N] "
    assert masker.feed(b"the hunt") == b"the "
    assert masker.feed(b"ing") == b"hunting"


@pytest.mark.parametrize("secret", ["aaaaaaaa", "abababab", "\\\\\\\\", "        ", "''''''''"])
def test_what_is_held_back_is_bounded(secret: str) -> None:
    masker = Masker([Secret(secret)])
    out = 0
    for _ in range(20):
        out += len(masker.feed(secret.encode() * 20))
        assert len(masker._held) < 4000
    assert len(masker.finish()) + out < 2_000


def test_overlapping_secrets_leave_nothing_between() -> None:
    assert masked([b"x hunter2-extended y"], "hunter2", "hunter2-extended") == b"x [masked] y"
    assert masked([b"abcdefghij"], "abcdef", "defghij") == b"[masked]"


def test_each_longer_line_of_a_secret_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nshort\nq8Zf+9/xYw==\n-----END KEY-----\n"
    out = mask(b"> MIIEpAIBAAKCAQEA\n> short\n> q8Zf+9/xYw==\n" + key.encode(), [Secret(key)])
    assert out == b"> [masked]\n> short\n> [masked]\n[masked]"


def test_long_secrets_and_unlucky_streams_are_no_trap() -> None:
    secret = "\\" * 40 + "x" * 2000
    assert masked([b"\\" * 20_000 + b"x" * 1999], secret).count(b"[masked]") == 0
    assert masked([b"-" + secret.encode() + b"-"], secret) == b"-[masked]-"
