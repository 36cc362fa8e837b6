"""A reader of the part of JSON Schema that our schema uses; an unknown word in a schema is an error here."""

from __future__ import annotations

import re
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str}
_BESIDE = {"$schema", "title", "$defs"}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Tell whether `value` is what `schema` says, a part of `root`."""
    return all(
        _holds(word, told, value, schema, root) for word, told in schema.items() if word not in _BESIDE
    )


def _holds(word: str, told: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    checks = {
        "$ref": lambda: fits(value, root["$defs"][told.rsplit("/", 1)[1]], root),
        "type": lambda: _is_type(value, told),
        "const": lambda: value == told and type(value) is type(told),
        "enum": lambda: value in told,
        "minimum": lambda: not isinstance(value, int) or value >= told,
        "maximum": lambda: not isinstance(value, int) or value <= told,
        "minLength": lambda: not isinstance(value, str) or len(value) >= told,
        "maxLength": lambda: not isinstance(value, str) or len(value) <= told,
        "pattern": lambda: not isinstance(value, str) or re.search(told, value) is not None,
        "minItems": lambda: not isinstance(value, list) or len(value) >= told,
        "maxItems": lambda: not isinstance(value, list) or len(value) <= told,
        "items": lambda: not isinstance(value, list) or all(fits(one, told, root) for one in value),
        "minProperties": lambda: not isinstance(value, dict) or len(value) >= told,
        "maxProperties": lambda: not isinstance(value, dict) or len(value) <= told,
        "required": lambda: not isinstance(value, dict) or set(told) <= set(value),
        "properties": lambda: (
            not isinstance(value, dict)
            or all(fits(value[name], told[name], root) for name in value if name in told)
        ),
        "additionalProperties": lambda: _others_fit(value, told, schema, root),
    }
    return checks[word]()


def _is_type(value: Any, told: str) -> bool:
    if told == "boolean":
        return isinstance(value, bool)
    if told == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _TYPES[told])


def _others_fit(value: Any, told: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    others = [value[name] for name in value if name not in schema.get("properties", {})]
    return not others if told is False else all(fits(one, told, root) for one in others)
