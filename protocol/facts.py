"""What is known about an item beside its price: category, brand, tags and attributes, as promotion rules ask for them.

Most items of a shop agree in these with others, so a catalogue image stores them once for each class of items and
hands out one object for all of them. What they must be, and how stored ones are read, is in `item_facts`.
"""


class Facts:
    """What rules may ask for: `category` is a path such as "food/fruit/apple", whose first step is the department.

    `tags` are texts, `attributes` pairs of name and value; both are put in order here. Never changed once made.
    """

    __slots__ = ("attributes", "brand", "category", "is_checked", "tags")

    def __init__(
        self,
        category: str = "",
        brand: str = "",
        tags: tuple[str, ...] = (),
        attributes: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.category = category
        self.brand = brand
        self.tags = tuple(sorted(tags))
        self.attributes = tuple(sorted(attributes))
        self.is_checked = False

    def fields(self) -> tuple[str, str, tuple[str, ...], tuple[tuple[str, str], ...]]:
        """Every field, in the order of the constructor."""
        return self.category, self.brand, self.tags, self.attributes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())


NO_FACTS = Facts()
