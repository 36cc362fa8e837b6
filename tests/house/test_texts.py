"""No committed file names a machine's path or a registry host, and no loose end stands without owner and issue."""

from __future__ import annotations

import re

import pytest

from tests.house.source import ROOT, files

# Each is written so that it does not match itself.
FORBIDDEN = {
    r"/[w]ork/": "a path of one machine",
    r"/[r]oot/": "a path of one machine",
    r"/[h]ome/[a-z]": "a path of one machine",
    r"/[U]sers/[a-zA-Z]": "a path of one machine",
    r"[p]ypi\.org": "a registry host; pip's settings choose it",
    r"files\.[p]ythonhosted": "a registry host",
    r"registry\.[n]pmjs": "a registry host; npm's settings choose it",
    r"[i]ndex-url|[f]ind-links": "a registry setting",
    r"[T]ODO(?!\([a-z]+, #\d+\))": "name owner and issue behind it: (anna, #12)",
    r"[B]EGIN [A-Z ]*PRIVATE KEY": "a secret",
}
# Options that forbid hosts must name the setting; everything else about them stays forbidden.
ALLOWED = {("deploy/requirements/lock", r"[i]ndex-url|[f]ind-links")}
PICTURES = {".png", ".jpg", ".gif", ".ico", ".woff2", ".gz"}


def forbidden_texts(path: str, text: str) -> list[str]:
    return [
        f"{path}:{number}: {pattern}: {why}"
        for pattern, why in FORBIDDEN.items()
        if (path, pattern) not in ALLOWED
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_no_file_names_a_machine_a_registry_or_a_loose_end():
    found = [
        fault
        for path in files()
        if path.suffix not in PICTURES
        for fault in forbidden_texts(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]

    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    ["a = '/" + "work/main'", "https://py" + "pi.org/simple", "# TO" + "DO: later", "/ho" + "me/anna"],
)
def test_a_forbidden_text_is_found(text):
    assert forbidden_texts("README.md", text) != []


def test_a_loose_end_with_owner_and_issue_is_allowed():
    assert forbidden_texts("a.py", "# TO" + "DO(anna, #12): later") == []
