"""Carries rules out on a basket: in order of priority, a group at the place of its first rule.

Of a group the shopper gets the best, within a stated bound. First each rule is asked for itself; rules that touch no
line in common do not compete. Up to GROUP_RULES_TRIED_MAX rules that do compete are tried in every order, each taking
units that none before it has, and the order that takes most off stands, the first of equals. Of more rules the one that
gives most goes first, then the next by what is still free, and so on.
"""

from protocol.promotions import effects
from protocol.promotions.bounds import GROUP_RULES_TRIED_MAX
from protocol.promotions.condition import ALWAYS, is_met
from protocol.promotions.effects import NOTHING, Offer
from protocol.promotions.occasion import Occasion
from protocol.promotions.offers import offer_of
from protocol.promotions.promotion_set import PromotionSet, places_at
from protocol.promotions.rule import REWARDS, Rule
from protocol.promotions.when import holds
from protocol.promotions.work import Work

FREE = {}  # type: ignore[var-annotated]  # units that other rules of a group have: none


class Rewards:
    """What rules gave, in their order: `discounts` (rule, minor), and beside money (rule, points), (rule, coupon)."""

    __slots__ = ("coupons", "discounts", "points", "spent")

    def __init__(self) -> None:
        self.discounts: list[tuple[str, int]] = []
        self.points: list[tuple[str, int]] = []
        self.spent: list[tuple[str, int]] = []
        self.coupons: list[tuple[str, str]] = []


def carry_out(work: Work, promotions: PromotionSet, occasion: Occasion, rewards: Rewards) -> None:
    """Take off `work` what the rules give in this sale, and note it; `work.meets` knows the selectors of its lines."""
    later = []
    done: set[str] = set()
    rules = promotions.rules
    places = _near(work, promotions, occasion)
    for place in places:
        rule = rules[place]
        if rule.when and not holds(rule.when, occasion):
            continue
        if rule.kind in REWARDS:
            later.append(rule)
        elif rule.group:
            if rule.group not in done:
                done.add(rule.group)
                work.is_touching = True
                for chosen, offer in _of_group(work, promotions, rule.group, places, occasion):
                    _take(work, rules[chosen], offer, rewards)
                work.is_touching = False
        elif rule.condition is ALWAYS or is_met(rule.condition, work):
            _take(work, rule, limited(work, rule, occasion, FREE), rewards)
    for rule in later:
        if rule.condition is ALWAYS or is_met(rule.condition, work):
            _reward(work, rule, rewards)


def limited(work: Work, rule: Rule, occasion: Occasion, taken: dict[int, int]) -> Offer:
    """Return what a rule would take off now, within its limits and what the cloud granted of its budget."""
    amount_max, uses_max, needs_grant = rule.limits
    if needs_grant:
        grant = occasion.grants.get(rule.id)
        if grant is None or not grant[0] or not grant[1]:
            return NOTHING
        uses_max = min(uses_max, grant[0]) if uses_max else grant[0]
        amount_max = min(amount_max, grant[1]) if amount_max else grant[1]
    offer = offer_of(work, rule, occasion, uses_max, taken)
    return effects.capped(offer, amount_max) if amount_max else offer


def _near(work: Work, promotions: PromotionSet, occasion: Occasion) -> list[int]:
    """Return the places of the rules that may do something, in order."""
    near = list(promotions.always)
    by_selector = promotions.by_selector
    for selector in work.meets:
        if selector in by_selector:
            near += places_at(by_selector, selector)
    for coupon in occasion.coupons:
        near += places_at(promotions.by_coupon, coupon)
    return sorted(set(near))


def _take(work: Work, rule: Rule, offer: Offer, rewards: Rewards) -> None:
    if offer.minor:
        work.take(rule.id, offer.shares, is_alone=rule.stands_alone)
        rewards.discounts.append((rule.id, offer.minor))
        if rule.kind == "points_spent":
            rewards.spent.append((rule.id, _points_for(rule, offer.minor)))


def _of_group(
    work: Work, promotions: PromotionSet, group: str, places: list[int], occasion: Occasion
) -> list[tuple[int, Offer]]:
    """Return the offers of a group that are taken."""
    rivals = []
    for place in places:
        rule = promotions.rules[place]
        if (
            rule.group == group
            and rule.kind not in REWARDS
            and holds(rule.when, occasion)
            and is_met(rule.condition, work)
        ):
            offer = limited(work, rule, occasion, FREE)
            if offer.minor:
                rivals.append((place, offer))
    if group in promotions.one_of:
        best = max([offer.minor for _, offer in rivals] + [0])
        return [(place, offer) for place, offer in rivals if offer.minor == best][:1]
    return _best(work, promotions, rivals, occasion)


def _best(
    work: Work, promotions: PromotionSet, rivals: list[tuple[int, Offer]], occasion: Occasion
) -> list[tuple[int, Offer]]:
    """Return the offers that stand together: those without a rival, and the best order of the others."""
    chosen: list[tuple[int, Offer]] = []
    fighting: list[tuple[int, Offer]] = []
    wanted: dict[int, int] = {}  # how many rules need a line
    for _, offer in rivals:
        for at in offer.touched():
            wanted[at] = wanted.get(at, 0) + 1
    for place, offer in rivals:
        is_alone = all(wanted[at] == 1 for at in offer.touched())
        (chosen if is_alone else fighting).append((place, offer))
    if not fighting:
        return chosen
    names = [place for place, _ in fighting]
    if len(names) > GROUP_RULES_TRIED_MAX:
        return chosen + _greedy(work, promotions, names, occasion)
    best: list[tuple[int, Offer]] = []
    best_minor = -1
    for order in _orders(names):
        taken: dict[int, int] = {}
        walk = []
        for place in order:
            offer = limited(work, promotions.rules[place], occasion, taken)
            _mark(taken, offer)
            walk.append((place, offer))
        minor = sum([offer.minor for _, offer in walk])
        if minor > best_minor:
            best, best_minor = walk, minor
    return chosen + best


def _greedy(
    work: Work, promotions: PromotionSet, names: list[int], occasion: Occasion
) -> list[tuple[int, Offer]]:
    taken: dict[int, int] = {}
    walk = []
    left = list(names)
    while left:
        offers = [(limited(work, promotions.rules[place], occasion, taken), place) for place in left]
        most = max([offer.minor for offer, _ in offers])
        if not most:
            break
        offer, place = [pair for pair in offers if pair[0].minor == most][0]  # noqa: RUF015 - next() is slower there
        walk.append((place, offer))
        _mark(taken, offer)
        left.remove(place)
    return walk


def _mark(taken: dict[int, int], offer: Offer) -> None:
    touched = offer.touched()
    for at in touched:
        taken[at] = taken.get(at, 0) + touched[at]


def _orders(names: list[int]) -> list[list[int]]:
    if len(names) < 2:
        return [list(names)]
    found = []
    for at, name in enumerate(names):
        found += [[name] + order for order in _orders(names[:at] + names[at + 1 :])]  # noqa: RUF005 - no [*a] there
    return found


def _points_for(rule: Rule, minor: int) -> int:
    """Return the points that a discount of a points_spent rule costs, each begun step whole."""
    return -(-minor // rule.effect["off_minor"]) * rule.effect["points"]  # type: ignore[operator]  # numbers, once read


def _reward(work: Work, rule: Rule, rewards: Rewards) -> None:
    effect = rule.effect
    if rule.kind == "coupon_issued":
        rewards.coupons.append((rule.id, effect["coupon"]))  # type: ignore[arg-type]  # texts and numbers, once read
        return
    left = sum([work.left[at] for at in work.meets.get(effect["lines"], ())])  # type: ignore[call-overload]  # as above
    steps = left // effect["per_minor"] if "per_minor" in effect else 1  # type: ignore[operator]  # as above
    if rule.limits[1]:
        steps = min(steps, rule.limits[1])
    if steps:
        rewards.points.append((rule.id, steps * effect["points"]))  # type: ignore[operator]  # as above
