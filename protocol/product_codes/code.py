"""What reading a product code yields. How codes are read is in `__init__`."""

from protocol.errors import PeerError

GTIN = "gtin"
PLU = "plu"
LABEL_WEIGHT = "label-weight"
LABEL_PRICE = "label-price"
GS1 = "gs1"


class ProductCode:
    """A code that was read: its catalogue key, and what the label itself says of weight and price.

    `kind` is one of the five above. `gtin` is the catalogue key, 14 digits. `weight_g` and `price_minor` (of
    the whole package) are None where the label does not say. `elements` are the GS1 element strings in the
    order read, as (application identifier, value).
    """

    __slots__ = ("elements", "gtin", "kind", "price_minor", "weight_g")

    def __init__(
        self,
        kind: str,
        gtin: str,
        *,
        weight_g: int | None = None,
        price_minor: int | None = None,
        elements: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.kind = kind
        self.gtin = gtin
        self.weight_g = weight_g
        self.price_minor = price_minor
        self.elements = elements

    def element(self, identifier: str) -> str | None:
        """Return the value of one application identifier ("17", "3103"), or None."""
        for known, value in self.elements:
            if known == identifier:
                return value
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProductCode) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return "ProductCode" + repr(self._parts())

    def _parts(self) -> tuple[object, ...]:
        return (self.kind, self.gtin, self.weight_g, self.price_minor, self.elements)


def is_digits(text: str) -> bool:
    """Tell whether a text is made of ASCII digits only (str.isdigit knows others too), and not empty."""
    return bool(text) and not text.strip("0123456789")


def require_digits(text: str) -> None:
    """Refuse anything but ASCII digits with PeerError("code-not-digits")."""
    if not is_digits(text):
        raise PeerError(
            "code-not-digits",
            "A product code holds something else than digits",
            "Scan the product's own bar code; a web address, wallet or staff code is not one",
        )
