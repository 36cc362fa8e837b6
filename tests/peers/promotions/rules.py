"""A scenario's promotions as a promotion set of ours: every action a rule, in the order that the scenario gives."""

from __future__ import annotations

from typing import Any

from protocol.limits import MAX_AMOUNT_MINOR
from tests.peers.promotions.shop import Action, Promotion, Shop, UnmappedError, Variant

DELIVERY_TAG = "delivery"
GOODS: dict[str, Any] = {"not": {"tag": [DELIVERY_TAG]}}
NEVER: dict[str, Any] = {"tag": ["nothing has this tag"]}


def taxon_tag(taxon: str) -> str:
    """The tag of what belongs to a taxon."""
    return "taxon " + taxon


def promotion_set(shop: Shop, currency: str) -> dict[str, Any]:
    """The document of the set. UnmappedError when our rules cannot say what a promotion says."""
    rules: list[dict[str, Any]] = []
    for promotion in _ranked(shop.promotions):
        if not promotion.actions or not promotion.is_enabled:
            continue
        if promotion.channels and shop.channel not in promotion.channels:
            continue
        for action in promotion.actions:
            rules += _rules(shop, promotion, action, len(rules))
    return {"v": 1, "currency": currency, "number": 1, "rules": rules}


def grants_of(document: dict[str, Any]) -> dict[str, list[int]]:
    """What is left of campaigns, as the cloud would grant it: all, or nothing where the uses are gone."""
    limited = [rule for rule in document["rules"] if "limits" in rule]
    return {
        rule["id"]: [MAX_AMOUNT_MINOR if rule["limits"]["uses_campaign"] > 1 else 0, MAX_AMOUNT_MINOR]
        for rule in limited
    }


def _ranked(promotions: list[Promotion]) -> list[Promotion]:
    """The catalogue's first, then what excludes others, then by falling priority; equals as they were written."""
    kinds = {promotion.is_catalogue for promotion in promotions if promotion.actions}
    if len(kinds) > 1 and any(promotion.is_catalogue and promotion.is_exclusive for promotion in promotions):
        raise UnmappedError(
            "a catalogue promotion that keeps others of the catalogue out, but not those of the cart"
        )
    return sorted(promotions, key=lambda one: (not one.is_catalogue, not one.is_exclusive, -one.priority))


def _rules(shop: Shop, promotion: Promotion, action: Action, place: int) -> list[dict[str, Any]]:
    """The rules of an action: one, or one for each article where the catalogue's price of each is rounded by itself."""
    is_of_order = action.level == "order" and len(promotion.actions) == 1
    if promotion.is_exclusive and not promotion.is_catalogue and not is_of_order:
        raise UnmappedError("a promotion that excludes all others, though it is not about the whole order")
    level = "catalogue" if promotion.is_catalogue else action.level
    if promotion.is_catalogue:
        selectors = [{"gtin": [variant.gtin]} for variant in _meant(shop, action)]
    else:
        selectors = [_about(shop, promotion, action)]
    found = []
    for at, selector in enumerate(selectors):
        then: dict[str, Any] = {"lines": selector}
        then["ppm" if action.effect == "percent_off" else "amount_minor"] = action.number
        if action.effect == "amount_off" and action.level == "item":
            then["is_each"] = True
        rule: dict[str, Any] = {"id": f"{level}:{place + at}", "name": promotion.name, "priority": place + at}
        rule["then"] = {action.effect: then}
        rule["when"] = _when(promotion, action)
        rule["if"] = _needs(shop, promotion, action)
        if promotion.is_exclusive:
            rule["stands_alone"] = True
        if promotion.uses_left is not None:
            rule["limits"] = {"uses_campaign": promotion.uses_left + 1}
        found.append(rule)
    return found


def _when(promotion: Promotion, action: Action) -> dict[str, Any]:
    when: dict[str, Any] = {}
    ends = [day for day in (promotion.until, promotion.coupon_until) if day]
    if promotion.begin:
        when["from"] = promotion.begin + "T00:00"
    if ends:
        when["until"] = min(ends) + "T00:00"
    if promotion.coupons:
        when["coupons"] = promotion.coupons
    if promotion.tiers:
        when["tiers"] = promotion.tiers
    if promotion.is_first_purchase:
        when["first_purchase"] = True
    if action.channel:
        when["stores"] = [action.channel]
    return when


def _about(shop: Shop, promotion: Promotion, action: Action) -> dict[str, Any]:
    """The selector of what an action takes off."""
    if action.level == "delivery":
        return {"tag": [DELIVERY_TAG]}
    parts = [_selector(shop, kind, said) for kind, said in action.about]
    if promotion.spares_discounted:
        spared = [variant for one in shop.promotions if one.is_catalogue for variant in _of_sale(shop, one)]
        if spared:
            parts.append({"not": {"gtin": sorted({variant.gtin for variant in spared})}})
    return {"and": [GOODS, *parts]} if parts else GOODS


def _of_sale(shop: Shop, promotion: Promotion) -> list[Variant]:
    return [variant for action in promotion.actions for variant in _meant(shop, action)]


def _meant(shop: Shop, action: Action) -> list[Variant]:
    """The articles that a promotion of the catalogue is about."""
    if not action.about:
        raise UnmappedError("a promotion of the catalogue that is not about articles")
    kind, said = action.about[0]
    names = set(said) if isinstance(said, list) else {said}
    if kind == "taxons":
        return [variant for variant in shop.variants if names & shop.taxons_of(variant)]
    if kind == "variants":
        return [variant for variant in shop.variants if variant.name in names]
    return [variant for variant in shop.variants if variant.product in names]


def _selector(shop: Shop, kind: str, said: Any) -> dict[str, Any]:
    if kind == "product":
        return {"gtin": [variant.gtin for variant in shop.variants_of(said)]}
    if kind == "taxons":
        return {"tag": [taxon_tag(taxon) for taxon in said]}
    least, most = said
    found = [variant.gtin for variant in shop.variants if _is_between(shop, variant, least, most)]
    return {"gtin": found} if found else NEVER


def _is_between(shop: Shop, variant: Variant, least: int, most: int | None) -> bool:
    """Tell whether an article's own price is in a range: our selectors do not know prices, so its GTIN is listed."""
    price = variant.prices.get(shop.channel, variant.prices.get(""))
    return price is not None and price.minor >= least and (most is None or price.minor <= most)


def _needs(shop: Shop, promotion: Promotion, action: Action) -> dict[str, Any]:
    """The condition of an action; totals are of what is left after promotions that come before."""
    needs = action.needs + [
        (kind, said) for channel, kind, said in promotion.needs if channel == shop.channel
    ]
    parts = [_need(shop, kind, said) for kind, said in needs]
    if len(parts) > 1:
        return {"and": parts}
    return parts[0] if parts else {}


def _need(shop: Shop, kind: str, said: Any) -> dict[str, Any]:
    if kind == "total":
        return {"amount_minor": {"lines": GOODS, "min": said, "basis": "left"}} if said else {}
    if kind == "quantity":
        return {"quantity": {"lines": GOODS, "min": said}}
    if kind == "has product":
        return {"quantity": {"lines": _selector(shop, "product", said), "min": 1}}
    if kind == "has taxons":
        return {"quantity": {"lines": _selector(shop, "taxons", said), "min": 1}}
    taxons, least = said
    return {"amount_minor": {"lines": _selector(shop, "taxons", taxons), "min": least, "basis": "left"}}
