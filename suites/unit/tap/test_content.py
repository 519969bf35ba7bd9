"""Items in envelopes: what can be read in a value, and what only looks like it."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import zlib

import pytest

from harness.tap.content import carries, found

URL = b"https://x.example/a?b=1"


@pytest.mark.parametrize(
    ("value", "item"),
    [
        (b"apple", b"apple"),
        (b'{"data":"apple","attempts":1}', b"apple"),
        (b'{"apple":{"attempts":1}}', b"apple"),
        (b'"' + URL.replace(b"/", b"\\/") + b'"', URL),
        (b'{"data":"\\u00e4pfel"}', "äpfel".encode()),
        (b'token:{"data":["apple"]}', b"apple"),
        (b'{"data":"","attempts":1}', b""),
        (b'{"n":4021558811}', b"4021558811"),
        (b"b7c1:apple|3", b"apple"),
        (b"6170706c65", b"apple"),
        (b'{"data":"6170706C65"}', b"apple"),
        (base64.b64encode(URL), URL),
        (base64.urlsafe_b64encode(b"\xff\xfe\xfdapple-pie").rstrip(b"="), b"\xff\xfe\xfdapple-pie"),
        (b"t-1:" + base64.b64encode(b'{"d":"apple"}'), b"apple"),
        (json.dumps({"d": json.dumps({"e": "apple"})}).encode(), b"apple"),
        (pickle.dumps({"data": b"apple", "n": 1}), b"apple"),
        (base64.b64encode(pickle.dumps(("apple", 3))), b"apple"),
        (zlib.compress(b'{"data":"apple"}'), b"apple"),
        (base64.b64encode(gzip.compress(b"apple", mtime=0)), b"apple"),
    ],
)
def test_an_item_is_read(value: bytes, item: bytes) -> None:
    assert carries(value, item)


@pytest.mark.parametrize(
    ("value", "item"),
    [
        (b"", b"apple"),
        (b"apple", b""),
        (b"pineapple", b"apple"),
        (b"apple2", b"apple"),
        (b"job-10", b"job-1"),
        (b"long-name-10", b"long-name-1"),
        (b"1700000042.42", b"42"),
        (b"2026-12-01T05:19:02", b"01"),
        (b'{"now":1700000000.5}', b"5"),
        (b"{broken", b"apple"),
        (b"9f4e-21c0", b"-"),
        (b'{"a": 1}', b" "),
        (b"[" * 5000, b"apple"),
        (zlib.compress(b"apple")[:-6], b"pear"),
        (bytes(range(48, 128)).hex().encode(), b"a"),
    ],
)
def test_what_only_looks_like_it_is_none(value: bytes, item: bytes) -> None:
    assert not carries(value, item)


def test_the_longer_one_counts_unless_both_stand_there() -> None:
    both = [b"apple", b"apple pie"]
    assert found(b'{"d":"apple pie"}', both) == (b"apple pie",)
    assert found(b'["apple pie","apple"]', both) == (b"apple", b"apple pie")
