"""What one rule would take off a basket now: finds the units that it means and hands them to its effect."""

from protocol.money import MILLION, share
from protocol.promotions import effects
from protocol.promotions.bounds import SETS_MAX
from protocol.promotions.effects import NOTHING, Offer
from protocol.promotions.occasion import Occasion
from protocol.promotions.rule import Rule
from protocol.promotions.work import Work, amount_of, cheapest, count_of, dearest, runs


def offer_of(work: Work, rule: Rule, occasion: Occasion, uses_max: int, taken: dict[int, int]) -> Offer:
    """Return what a rule would take off; `taken` are units that other rules of its group have, by place."""
    kind, effect = rule.kind, rule.effect
    if kind == "set":
        return _sets(work, rule, uses_max, taken)
    places = work.places(effect["lines"], is_alone=rule.stands_alone)  # type: ignore[arg-type]  # a number, once read
    if not places:
        return NOTHING
    if rule.is_whole and not taken and not (uses_max and kind == "percent_off"):
        return _off_lines(work, rule, places, occasion, uses_max)
    units = runs(work, places, taken)
    if kind in _PICKING:
        return _PICKING[kind](work, effect, _picked(effect, units, uses_max))
    if kind == "buy_get":
        return _buy_get(work, rule, units, uses_max, taken)
    if kind == "ladder":
        return effects.ladder(dearest(units, uses_max) if uses_max else units, effect["steps"])  # type: ignore[arg-type]  # as above
    if kind == "gift":
        most: int = effect.get("count", 1)  # type: ignore[assignment]  # as above
        return effects.percent_off(cheapest(units, most), MILLION)
    return effects.amount_off(units, _steps(kind, effect, amount_of(units), occasion, uses_max))


def _picked(
    effect: dict[str, object], units: list[tuple[int, int, int]], uses_max: int
) -> list[tuple[int, int, int]]:
    """Return the units that an effect is about; a limit of uses counts them where each counts by itself."""
    pick = effect.get("pick", "all")
    if pick == "all":
        is_whole = "amount_minor" in effect and not effect.get("is_each")
        return units if is_whole or not uses_max else dearest(units, uses_max)
    count: int = effect["count"]  # type: ignore[assignment]  # as above
    if pick == "nth":
        many = count_of(units) // count
        return cheapest(units, min(many, uses_max) if uses_max else many)
    return cheapest(units, count) if pick == "cheapest" else dearest(units, count)


def _percent_off(work: Work, effect, picked: list[tuple[int, int, int]]) -> Offer:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG001 - numbers, once read; one signature
    return effects.percent_off(picked, effect["ppm"])


def _amount_off(work: Work, effect, picked: list[tuple[int, int, int]]) -> Offer:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG001 - as above
    if effect.get("is_each"):
        return effects.amount_off_each(picked, effect["amount_minor"])
    return effects.amount_off(picked, effect["amount_minor"])


def _price(work: Work, effect, picked: list[tuple[int, int, int]]) -> Offer:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    return effects.price_each(work, picked, effect["price_minor"])


def _level(work: Work, effect, picked: list[tuple[int, int, int]]) -> Offer:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    prices = [level_price(work.lines[at], effect["level"]) for _, at, _ in picked]
    return effects.prices_each(work, picked, prices)


_PICKING = {"percent_off": _percent_off, "amount_off": _amount_off, "price": _price, "level": _level}


def level_price(line, level: str) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a Line
    """Return the price of a line at a price level: that of the level, or its own; a label's own price stands."""
    if line.source != "label":
        for name, price in line.levels:
            if name == level:
                return price  # type: ignore[no-any-return]  # pairs of text and number
    return line.unit_price_minor  # type: ignore[no-any-return]  # as above


def _buy_get(
    work: Work, rule: Rule, units: list[tuple[int, int, int]], uses_max: int, taken: dict[int, int]
) -> Offer:
    effect = rule.effect
    buy: int = effect["buy"]  # type: ignore[assignment]  # numbers, once read
    get: int = effect["get"]  # type: ignore[assignment]  # as above
    ppm: int = effect.get("ppm", MILLION)  # type: ignore[assignment]  # as above
    if "get_lines" not in effect:
        return effects.buy_get(
            units, buy, get, ppm, uses_max, is_by_set=effect.get("is_by_set", False) is True
        )
    places = work.places(effect["get_lines"], is_alone=rule.stands_alone)  # type: ignore[arg-type]  # as above
    most = count_of(units) // buy
    low, high = 0, min(most, uses_max) if uses_max else most
    bought: list[tuple[int, int, int]] = []
    given: list[tuple[int, int, int]] = []
    while low < high:
        uses = (low + high + 1) // 2
        paid = dearest(units, uses * buy)
        gets = runs(work, places, _with(taken, paid))
        if count_of(gets) > (uses - 1) * get:
            low, bought, given = uses, paid, cheapest(gets, uses * get)
        else:
            high = uses - 1
    return effects.percent_off(given, ppm, bought) if given else NOTHING


def _with(taken: dict[int, int], units: list[tuple[int, int, int]]) -> dict[int, int]:
    both = dict(taken)
    for _, at, many in units:
        both[at] = both.get(at, 0) + many
    return both


def _sets(work: Work, rule: Rule, uses_max: int, taken: dict[int, int]) -> Offer:
    """Take complete sets out of the basket, the dearest pieces of each part first; a piece is in one set only."""
    effect = rule.effect
    parts: list[tuple[int, int]] = effect["parts"]  # type: ignore[assignment]  # pairs, once read
    field = [name for name in effect if name != "parts"][0]  # noqa: RUF015 - next() is slower there
    stocks = [
        [list(run) for run in runs(work, work.places(selector, is_alone=rule.stands_alone), taken)]
        for selector, _ in parts
    ]
    free = {at: work.units[at] - taken.get(at, 0) for stock in stocks for _, at, _ in stock}
    sets: list[list[tuple[int, int, int]]] = []
    while len(sets) < (uses_max or SETS_MAX):
        picked = _one_set(parts, stocks, free)
        if not picked or (field == "price_minor" and amount_of(picked) <= effect[field]):  # type: ignore[operator]  # a number
            break
        sets.append(picked)
    offer = effects.set_offer(sets, field, effect[field])  # type: ignore[arg-type]  # a number
    return effects.within(offer, work.left)


def _one_set(
    parts: list[tuple[int, int]], stocks: list[list[list[int]]], free: dict[int, int]
) -> list[tuple[int, int, int]]:
    picked: list[tuple[int, int, int]] = []
    for (_, count), stock in zip(parts, stocks):  # noqa: B905 - MicroPython's zip has no strict
        need = count
        for run in stock:
            each, at, many = run
            some = min(need, many, free[at])
            if some > 0:
                picked.append((each, at, some))
                run[2] -= some
                free[at] -= some
                need -= some
            if not need:
                break
        if need:
            return []
    return picked


def _off_lines(work: Work, rule: Rule, places: list[int], occasion: Occasion, uses_max: int) -> Offer:
    """Return the offer of a rule that takes one amount off all that it means."""
    left, effect = work.left, rule.effect
    base = sum([left[at] for at in places])
    if rule.kind == "percent_off":
        minor = share(base, effect["ppm"])  # type: ignore[arg-type]  # as above
    elif rule.kind == "amount_off":
        minor = effect["amount_minor"]  # type: ignore[assignment]  # as above
    else:
        minor = _steps(rule.kind, effect, base, occasion, uses_max)
    return effects.off_lines(work, places, minor, base)


def _steps(kind: str, effect, base: int, occasion: Occasion, uses_max: int) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as above
    """Return what a rule takes off that counts whole steps: of money for every_full, of points for points_spent."""
    steps = base // effect["full_minor"] if kind == "every_full" else occasion.points // effect["points"]
    if uses_max:
        steps = min(steps, uses_max)
    return steps * effect["off_minor"]  # type: ignore[no-any-return]  # as above
