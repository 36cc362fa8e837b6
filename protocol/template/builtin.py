"""The receipt and the slips that come with tillbox, written in the language that tenants use too.

A tenant's template takes the place of the receipt. The slips of a payment that is declined or unknown stay ours: what a
shopper must be told when money is in doubt is not a matter of taste.
"""

_HEAD = """
{% if store.name %}
  {% center bold %}{{ store.name }}
{% end %}
{% for text in store.lines %}
  {% center %}{{ text }}
{% end %}
{% if copy %}
  {% center bold %}*** {{ words.copy }} {{ copy }} ***
{% end %}
"""
_SOLD = """
{{ sale.sold_at }} || {{ store.place }}
{{ words.order }} || {{ sale.order }}
"""
_TENDERS = """
{% for tender in sale.tenders %}
  {{ tender.method | word }}{% if tender.brand %} {{ tender.brand }}{% end %} || {{ tender.amount_minor | money }}
  {% if tender.tendered_minor %}
    {{ words.tendered }} || {{ tender.tendered_minor | money }}
    {{ words.change }} || {{ tender.change_minor | money }}
  {% end %}
  {% if tender.masked %}
    {% indent %}{{ tender.masked }}
  {% end %}
  {% if tender.approval_code %}
    {% indent %}{{ words.approval }} {{ tender.approval_code }}
  {% end %}
  {% if tender.rrn %}
    {% indent %}{{ words.reference }} {{ tender.rrn }}
  {% end %}
{% end %}
"""
_END = """
{% rule %}
{% for text in store.footer %}
  {% center %}{{ text }}
{% end %}
{% if has_barcode %}
  {% barcode sale.order %}
{% end %}
{% feed 3 %}
{% cut %}
"""
_LINES = """
{% for line in sale.lines | first(lines_max) %}
  {{ line.name }} || {{ line.list_minor | money }} {{ line.tax_class }}
  {% if line.is_weighed %}
    {% indent %}{{ line.weight_g | kg }} kg x {{ line.unit_price_minor | money }}{{ words.per_kg }}
  {% elif line.quantity > 1 %}
    {% indent %}{{ line.quantity }} x {{ line.unit_price_minor | money }}
  {% end %}
  {% for discount in line.discounts %}
    {% indent %}{{ discount.name }} || {{ discount.amount_minor | minus }} {{ line.tax_class }}
  {% end %}
{% end %}
{% if sale.lines | beyond(lines_max) %}
  ... {{ sale.lines | beyond(lines_max) }} {{ words.more_lines }}
{% end %}
{% if sale.discounts %}
  {% rule %}
  {{ words.subtotal }} || {{ sale.subtotal_minor | money }}
  {% for discount in sale.discounts %}
    {{ discount.name }} || {{ discount.amount_minor | minus }}
  {% end %}
{% end %}
"""
_TOTAL = """
{% rule %}
{% if is_refund %}
  {% bold wide %}{{ words.refunded }} || {{ currency }} {{ sale.total_minor | money }}
{% else %}
  {% bold wide %}{{ words.total }} || {{ currency }} {{ sale.total_minor | money }}
{% end %}
{{ words.items }} || {{ sale.items }}
{% if sale.discount_minor and not is_refund %}
  {{ words.saved }} || {{ sale.discount_minor | money }}
{% end %}
{% if sale.rounding_minor %}
  {{ words.rounding }} || {{ sale.rounding_minor | money }}
{% end %}
"""
_TAXES = """
{% rule %}
{{ words.net }} || {{ sale.net_minor | money }}
{% for tax in sale.tax_rows %}
  {{ words.tax }} {{ tax.tax_class }} {{ tax.ppm | percent }}% {{ words.of }} {{ tax.net_minor | money }} \
|| {{ tax.tax_minor | money }}
{% end %}
"""
_MEMBER = """
{% if member %}
  {% rule %}
  {{ words.member }} {{ member.number }} || {{ member.tier }}
  {% if member.points_spent %}
    {{ words.points_spent }} || {{ member.points_spent }}
  {% end %}
  {{ words.points }} || {{ member.points_earned }}
  {{ words.points_left }} || {{ member.points_left }}
{% end %}
{% for coupon in coupons %}
  {% rule %}
  {% center bold %}{{ words.coupon }}
  {% center %}{{ coupon.name }}
  {% if coupon.valid_until %}
    {% center %}{{ words.valid_until }} {{ coupon.valid_until }}
  {% end %}
  {% if coupon.code %}
    {% qr coupon.code %}
    {% center %}{{ coupon.code }}
  {% end %}
{% end %}
"""
_REFUND = """
{% if is_refund %}
  {% center bold wide %}{{ words.refund }}
{% end %}
"""
_REFUND_OF = """
{% if is_refund %}
  {{ words.refund_of }} || {{ refund.order }}
  {% if refund.reason %}
    {{ refund.reason }}
  {% end %}
{% end %}
"""
_DOUBT = """
{% rule %}
{% center bold wide %}{{ kind | word }}
{{ words.total }} || {{ currency }} {{ sale.total_minor | money }}
"""
_WHAT_NOW = """
{% bold %}{{ (kind + "_text") | word }}
{% if reason %}
  {{ reason }}
{% end %}
"""

RECEIPT = (
    _HEAD
    + _REFUND
    + _SOLD
    + _REFUND_OF
    + "{% rule %}\n"
    + _LINES
    + _TOTAL
    + _TENDERS
    + _TAXES
    + _MEMBER
    + _END
)
SLIP = _HEAD + _SOLD + _DOUBT + _TENDERS + _WHAT_NOW + _END
