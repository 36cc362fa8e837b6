"""Labels of the shop's own scales: codes with the weight or the price of one package inside.

```
2 prefix | item | [value check digit] | value | check digit          13 digits in all
```
The prefixes 20 to 29 (and 02: number system 2 of UPC-A) belong to the shop, and every country, often every
chain, cuts them in its own way: so the layouts are settings. A prefix without a layout is an ordinary
in-store number.
"""

from protocol.errors import ConfigError, PeerError
from protocol.product_codes.code import LABEL_PRICE, LABEL_WEIGHT, ProductCode
from protocol.product_codes.gtin import check_digit

# The weighting of the GS1 price check digit: each digit is multiplied, and the tens are taken off or put on.
_TWO_MINUS = "0246891357"
_THREE = "0369258147"
_FIVE_PLUS = "0516273849"
_FIVE_MINUS = "0594837261"

_LABEL_DIGITS = 13
_MAX_STEP = 1000  # a scale that prints whole kilograms is the coarsest


class LabelRule:
    """The layout of one prefix.

    `kind` is "label-weight" or "label-price". `step` is what one unit of the value means: grams (1 for a
    weight with three decimals of a kilogram, 10 for two), or minor units of the currency (1 for a price in
    cents).
    """

    __slots__ = ("has_value_check", "item_digits", "kind", "prefix", "step", "value_digits")

    def __init__(
        self,
        prefix: str,
        kind: str,
        *,
        item_digits: int,
        value_digits: int,
        has_value_check: bool = False,
        step: int = 1,
    ) -> None:
        if prefix != "02" and not (len(prefix) == 2 and prefix[0] == "2" and "0" <= prefix[1] <= "9"):
            raise _wrong_layout("the prefix is not 02 or 20 to 29")
        if kind not in (LABEL_WEIGHT, LABEL_PRICE):
            raise _wrong_layout("the kind is not label-weight or label-price")
        if item_digits < 1 or len(prefix) + item_digits + has_value_check + value_digits + 1 != _LABEL_DIGITS:
            raise _wrong_layout("its parts do not fill 13 digits")
        if value_digits < 1 or (has_value_check and value_digits not in (4, 5)):
            raise _wrong_layout("a check digit exists for values of 4 and 5 digits only")
        if not 1 <= step <= _MAX_STEP:
            raise _wrong_layout("the step is not from 1 to 1000")
        self.prefix = prefix
        self.kind = kind
        self.item_digits = item_digits
        self.value_digits = value_digits
        self.has_value_check = has_value_check
        self.step = step


class LabelRules:
    """The layouts of a shop, and its currency: its decimals, and its ISO number ("978") for GS1 prices."""

    __slots__ = ("_rules", "currency_number", "exponent")

    def __init__(self, rules: tuple[LabelRule, ...], *, exponent: int = 2, currency_number: str = "") -> None:
        self._rules = {rule.prefix: rule for rule in rules}
        self.exponent = exponent
        self.currency_number = currency_number
        if len(self._rules) != len(rules):
            raise _wrong_layout("a prefix has two layouts")

    def find(self, gtin: str) -> LabelRule | None:
        """Return the layout for a 14-digit GTIN, or None when it is no label with a value."""
        return self._rules.get(gtin[1:3]) if gtin[0] == "0" else None


# 02 is the North American layout; the others are common in Europe. 20 and 24 to 27 stay in-store numbers.
DEFAULT = LabelRules((
    LabelRule("02", LABEL_PRICE, item_digits=5, value_digits=4, has_value_check=True),
    LabelRule("21", LABEL_PRICE, item_digits=5, value_digits=5),
    LabelRule("22", LABEL_PRICE, item_digits=5, value_digits=4, has_value_check=True),
    LabelRule("23", LABEL_PRICE, item_digits=4, value_digits=5, has_value_check=True),
    LabelRule("28", LABEL_WEIGHT, item_digits=5, value_digits=5),
    LabelRule("29", LABEL_WEIGHT, item_digits=4, value_digits=5, has_value_check=True),
))  # fmt: skip


def read_label(gtin: str, rule: LabelRule) -> ProductCode:
    """Take a label apart; `gtin` is its 14-digit form with the outer check digit verified.

    The catalogue key is the code with value and value check digit zeroed and a check digit of its own.
    PeerError "label-value-check-wrong" (the price or weight was misread or altered) or "label-value-zero".
    """
    value = gtin[-1 - rule.value_digits : -1]
    item_end = 3 + rule.item_digits
    if rule.has_value_check and gtin[item_end] != value_check_digit(value):
        raise PeerError(
            "label-value-check-wrong",
            "The price or weight on a label does not fit its check digit",
            "Scan again; if it stays, weigh the item again and print a new label",
        )
    amount = int(value) * rule.step
    if amount == 0:
        raise PeerError(
            "label-value-zero",
            "A label says a price or weight of zero",
            "Weigh the item again and print a new label",
        )
    body = gtin[:item_end] + "0" * (13 - item_end)
    key = body + check_digit(body)
    if rule.kind == LABEL_WEIGHT:
        return ProductCode(LABEL_WEIGHT, key, weight_g=amount)
    return ProductCode(LABEL_PRICE, key, price_minor=amount)


def value_check_digit(value: str) -> str:
    """Return the GS1 check digit of a price or weight of four or five digits inside a label.

    >>> value_check_digit("2875"), value_check_digit("14685")
    ('9', '6')
    """
    if len(value) == 4:
        total = _weigh(value, (_TWO_MINUS, _TWO_MINUS, _THREE, _FIVE_MINUS))
        return str(total * 3 % 10)
    total = _weigh(value, (_FIVE_PLUS, _TWO_MINUS, _FIVE_MINUS, _FIVE_PLUS, _TWO_MINUS))
    return str(_FIVE_MINUS.index(str(-total % 10)))


def _weigh(value: str, weights: tuple[str, ...]) -> int:
    return sum(int(weights[i][int(value[i])]) for i in range(len(weights)))


def _wrong_layout(what: str) -> ConfigError:
    return ConfigError("label-layout-wrong", "A label layout is wrong: " + what, "Correct it in the settings")
