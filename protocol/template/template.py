"""A template as it travels to boxes: its program, its words and its logo in one document, named by its hash.

{"v": 1, "program": [...], "words": {"en": {...}, "zh": {...}}, "logo": null or {"width", "height", "dots"}}

The cloud makes it with `compile_template`; the box reads it with `read_template`, which checks all of it again.
"""

import hashlib

from protocol.errors import ConfigError, TillboxError
from protocol.plain_text import is_plain
from protocol.receipt_labels import LANGUAGES
from protocol.strict_json import dumps
from protocol.template.bounds import (
    MAX_LOGO_HEIGHT,
    MAX_LOGO_WIDTH,
    MAX_TEMPLATE_BYTES,
    MAX_TEMPLATE_WORDS,
)
from protocol.template.expressions import is_name
from protocol.template.program import MUST_SAY, Program, check_program
from protocol.template.syntax import parse

MAX_WORD_CHARS = 200  # of one word of a template: a legal line, not a contract
_FIELDS = ["logo", "program", "v", "words"]
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_AGAIN = "compile the template again with this version of tillbox"


class Template:
    """A checked template. `words` has for each language all words, the receipt's own and the template's."""

    __slots__ = ("logo", "program", "words")

    def __init__(
        self, program: Program, words: dict[str, dict[str, str]], logo: tuple[int, int, str] | None
    ) -> None:
        self.program = program
        self.words = words
        self.logo = logo


def compile_template(source: str, logo: dict[str, object] | None = None) -> dict[str, object]:
    """Turn the text of a template into the document that travels.

    Errors, all ConfigError with line and column where there is one: those of `syntax.parse` and
    `program.check_program`, "template-words-wrong", "template-logo-wrong", "template-lacks" (something that every
    receipt must say), "template-too-large".
    """
    parsed = parse(source)
    words = {language: dict(parsed.words.get(language, {})) for language in LANGUAGES}
    unknown = sorted(set(parsed.words).difference(LANGUAGES))
    if unknown:
        raise ConfigError(
            "template-words-wrong",
            f"{unknown[0]} is no language of receipts",
            "choose from " + ", ".join(sorted(LANGUAGES)),
        )
    _check_words(words)
    checked = check_program(parsed.program, _known(words), parsed.places)
    _check_said(checked)
    document: dict[str, object] = {"v": 1, "program": parsed.program, "words": words, "logo": logo}
    read_template(document)
    return document


def read_template(document: object) -> Template:
    """Check a document that travelled; ConfigError as in `compile_template`, and "template-version-unknown"."""
    if type(document) is not dict or sorted(document) != _FIELDS:
        raise ConfigError("template-wrong", "a template has exactly " + ", ".join(_FIELDS), _AGAIN)
    if document["v"] != 1 or type(document["v"]) is not int:
        raise ConfigError(
            "template-version-unknown", "this form of a template is not known", "update the box"
        )
    _check_size(document)
    words, logo = document["words"], document["logo"]
    _check_words(words)
    if logo is not None:
        _check_logo(logo)
    program = check_program(document["program"], _known(words))
    _check_said(program)
    whole = {language: LANGUAGES[language] | words[language] for language in LANGUAGES}
    return Template(program, whole, None if logo is None else (logo["width"], logo["height"], logo["dots"]))


def template_hash(document: dict[str, object]) -> str:
    """The name of a template: SHA-256 of its canonical bytes in hexadecimal."""
    digest = hashlib.sha256(dumps(document)).digest()
    return "".join([f"{byte:02x}" for byte in digest])


def _known(words: dict[str, dict[str, str]]) -> set[str]:
    names = {name for language in LANGUAGES for name in LANGUAGES[language]}
    return names | {name for language in sorted(words) for name in words[language]}


def _check_words(words: object) -> None:
    if type(words) is not dict or sorted(words) != sorted(LANGUAGES):
        raise ConfigError(
            "template-words-wrong", "words have exactly " + ", ".join(sorted(LANGUAGES)), _AGAIN
        )
    names: list[str] = []
    for language in sorted(words):
        table = words[language]
        if type(table) is not dict or len(table) > MAX_TEMPLATE_WORDS:
            raise ConfigError(
                "template-words-wrong", f"a language has at most {MAX_TEMPLATE_WORDS} words", "remove some"
            )
        if names and sorted(table) != names:
            missing = sorted(set(table) ^ set(names))
            raise ConfigError(
                "template-words-wrong",
                f"{missing[0]} is not there in every language",
                "give it a text in each of " + ", ".join(sorted(LANGUAGES)),
            )
        names = sorted(table)
        for name in names:
            _check_word(name, table[name])


def _check_word(name: str, text: object) -> None:
    is_good = type(text) is str and 0 < len(text) <= MAX_WORD_CHARS and is_plain(text)
    if not is_good or not is_name(name):
        raise ConfigError(
            "template-words-wrong",
            f"{name if is_name(name) else 'a word'} is no printable text of 1 to {MAX_WORD_CHARS} characters",
            "shorten it, and remove control characters",
        )


def _check_logo(logo: object) -> None:
    if type(logo) is not dict or sorted(logo) != ["dots", "height", "width"]:
        raise ConfigError("template-logo-wrong", "a logo has exactly width, height and dots", _AGAIN)
    width, height, dots = logo["width"], logo["height"], logo["dots"]
    is_sized = type(width) is int and 0 < width <= MAX_LOGO_WIDTH and not width % 8
    if not is_sized or type(height) is not int or not 0 < height <= MAX_LOGO_HEIGHT:
        raise ConfigError(
            "template-logo-wrong",
            f"a logo is at most {MAX_LOGO_WIDTH} dots wide and {MAX_LOGO_HEIGHT} high",
            "make the picture smaller; its width is a multiple of 8",
        )
    if (
        type(dots) is not str
        or dots.strip(_BASE64)
        or "=" in dots.rstrip("=")
        or len(dots) != (width // 8 * height + 2) // 3 * 4
    ):
        raise ConfigError("template-logo-wrong", "the dots of the logo do not fill it", _AGAIN)


def _check_said(program: Program) -> None:
    for name, meaning in MUST_SAY:
        if name not in program.names:
            raise ConfigError(
                "template-lacks",
                f"the template never asks for {name}: a receipt must say {meaning}",
                "see the example in the reference of templates",
            )


def _check_size(document: dict[str, object]) -> None:
    try:
        size = len(dumps(document))
    except TillboxError as wrong:
        raise ConfigError("template-wrong", "the template is no plain JSON", _AGAIN) from wrong
    if size > MAX_TEMPLATE_BYTES:
        raise ConfigError(
            "template-too-large",
            f"the compiled template has {size} bytes, {MAX_TEMPLATE_BYTES} are allowed",
            "make its logo smaller, or leave something out",
        )
