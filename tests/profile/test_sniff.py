import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.profile.sniff import Sniffed, sniff
from tests.records import log_text

_PROSE = (
    "It was a bright cold day in the valley, and the clocks were striking nine. Nobody looked up. The old man, who had "
    'walked since dawn, put down his bag and asked for water. "There is none," said the girl.\n\n'
)
_CODE = '''
import os
from pathlib import Path

class Walker:
    """Walks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self):
        for name in os.listdir(self.root):
            if name.endswith(".py"):
                yield name
        return None
'''
_JAVASCRIPT = """
const express = require("express");
function handle(request, response) {
  if (request.path === "/") {
    response.send("ok");
  }
}
module.exports = { handle };
"""
_MARKDOWN = (
    "# Title\n\nSome words on it.\n\n- one\n- two\n\n## More\n\n```python\nprint(1)\n```\n\nSee [this](http://a.b).\n"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        ("\x00\x01\x02binary" * 100, "binary"),
        ('{"a": 1, "b": [1, 2]}', "json"),
        ("[1, 2, 3]", "json"),
        ('{"a": 1}\n{"a": 2}\n{"a": 3}\n', "jsonl"),
        ("name,age\nAnn,31\nBob,29\n", "csv"),
        ("name\tage\nAnn\t31\nBob\t29\n", "records"),
        ("Name;Preis\nBrot;2,50\nMilch;1,20\n", "records"),
        ("1::1193::5::978300760\n1::661::3::978302109\n1::914::3::978301968\n", "records"),
        (
            " 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n 00021 0002 19970101  3   63.34\n",
            "records",
        ),
        (log_text(), "log"),
        ("[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok\n" * 5, "log"),
        ('1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326\n' * 5, "log"),
        ("<!doctype html><p>hello</p>", "markup"),
        ('<?xml version="1.0"?><a><b/></a>', "markup"),
        ("<row><id>1</id></row>\n" * 20, "markup"),
        (_CODE * 3, "code"),
        (_JAVASCRIPT * 3, "code"),
        (_MARKDOWN, "markdown"),
        (_PROSE * 10, "prose"),
        ("apple\npear\nplum\nfig\n", "lines"),
        ("What is a fig?\nWho was Ann?\nWhere is Rome?\nWhen did it end?\n", "lines"),
        ("x" * 1_000_000, "lines"),
        ("short words", "prose"),
    ],
)
def test_each_kind_is_told_from_the_others(text: str, kind: str) -> None:
    assert sniff(text).kind == kind


def test_a_table_gives_its_columns_and_its_delimiter() -> None:
    assert sniff('id,"full name",age\n1,"Ann, Dr.",31\n2,Bob,29\n') == Sniffed("csv", ("id", "full name", "age"), ",")


def test_a_table_without_a_header_gives_no_columns() -> None:
    assert sniff("1,2.5,7\n3,4.5,8\n5,6.5,9\n") == Sniffed("csv", (), ",")


def test_a_log_whose_lines_all_have_one_comma_is_a_log() -> None:
    assert sniff("2026-11-22 10:00:00,123 INFO started\n2026-11-22 10:00:01,456 INFO stopped\n" * 4).kind == "log"


def test_records_that_name_their_fields_give_them_as_columns() -> None:
    rows = "".join(f"Date: Jan {i} || User: {i} || Text: how many?\n" for i in range(1, 30))
    assert sniff("A few lines before the records.\n\n" + rows) == Sniffed("records", ("Date", "User", "Text"), "||")


def test_json_gives_the_keys_of_its_objects() -> None:
    people = [{"name": "Ann", "age": 31, "tags": ["a"], "address": {"city": "Rome"}}, {"name": "Bob"}]
    assert sniff(json.dumps(people)).columns == ("name", "age", "tags", "address")
    assert sniff(json.dumps({"people": people, "count": 2}, indent=2)).columns == ("people", "count")
    assert sniff("\n".join(map(json.dumps, people))).columns == ("name", "age", "tags", "address")


def test_json_longer_than_the_sample_is_still_json() -> None:
    text = json.dumps({"rows": [{"id": i, "text": 'say "hi"'} for i in range(20_000)]})
    assert sniff(text) == Sniffed("json", ("rows",))


def test_something_that_only_starts_like_json_is_not_json() -> None:
    assert sniff("[draft] these are notes, nothing else. They go on. And on.").kind == "prose"
    assert sniff('{"a": 1, oops' + "x" * 50_000 + "}").kind != "json"


@given(st.text(st.characters(exclude_categories=()), max_size=2000))
def test_no_text_is_too_strange(text: str) -> None:
    assert sniff(text).kind


def test_random_bytes_read_as_text_are_binary() -> None:
    junk = random.Random(3).randbytes(40_000)
    assert sniff(junk.decode("latin-1")).kind == "binary"
    assert sniff(junk.decode("utf-8", "surrogateescape")).kind == "binary"
