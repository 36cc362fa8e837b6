"""Every bound on a promotion set and on the work it makes, with its reason."""

RULES_MAX = 10000  # ten times a large chain's; the index keeps a basket from seeing them
SET_BYTES_MAX = 16777216  # 16 MiB: that many rules with lists of GTINs
SELECTOR_DEPTH_MAX = 6  # and / or / not in one another: people cannot read deeper ones
SELECTOR_VALUES_MAX = 5000  # GTINs in one list; a longer one wants a tag
TEXT_CHARS_MAX = 64  # id of a rule, store, tier, coupon, batch
VALUE_CHARS_MAX = 160  # a category path; brands, tags and attributes are shorter
NAME_CHARS_MAX = 80  # of a rule, as the receipt prints it
CONDITION_PARTS_MAX = 8  # questions in one "and" or "or"
SET_PARTS_MAX = 8  # components of one mix-and-match set
LADDER_STEPS_MAX = 8  # "3 for 10, 5 for 15" ...
LADDER_UNITS_MAX = (
    300  # units that a ladder looks for the best split of; those beyond it go by its largest step
)
COUNT_MAX = 1000  # units named in a rule: buy, get, n-th, in a set
SETS_MAX = 1000  # mix-and-match sets taken out of one basket; as many as it has lines
PRIORITY_MAX = 1000000  # room to number rules in steps of a thousand
COUPONS_MAX = 32  # coupons presented in one sale; a person holds a handful
GRANTS_MAX = 64  # rules with a budget that one sale has a grant for
GROUP_RULES_MAX = 100  # rules of one group: the greedy choice among so many that all match takes 50 ms
GROUP_RULES_TRIED_MAX = (
    4  # rules of one group that are tried in every order: 24 orders, each a walk over their lines
)
