"""Templates of receipts: what they print, what is refused and where, and that no value can become a command."""

from protocol.document import to_plain
from protocol.plain_text import is_plain
from protocol.receipt_labels import CHINESE, ENGLISH, LANGUAGES
from protocol.template.bounds import (
    MAX_TEMPLATE_STEPS,
)
from protocol.template.builtin import RECEIPT, SLIP
from protocol.template.names import kinds_of, objects
from protocol.template.program import check_program
from protocol.template.render import render
from protocol.template.syntax import parse
from protocol.template.template import compile_template, read_template, template_hash
from tests.protocol.expect import raises

WORDS = set(ENGLISH)
LINES = [
    {
        "name": "Cola",
        "quantity": 2,
        "list_minor": 240,
        "is_weighed": False,
        "discounts": [],
        "tax_class": "A",
    },
    {
        "name": "Bananas 香蕉",
        "quantity": 1,
        "weight_g": 345,
        "list_minor": 62,
        "is_weighed": True,
        "discounts": [{"name": "Ripe today", "amount_minor": 12}],
        "tax_class": "Z",
    },
]
CONTEXT = {
    "words": ENGLISH,
    "en": ENGLISH,
    "zh": CHINESE,
    "currency": "EUR",
    "copy": 0,
    "is_refund": False,
    "member": None,
    "store": {"name": "Corner shop", "lines": ["1 Main Street", "Tel. 1"], "footer": []},
    "sale": {"order": "0003-G9230-VQVSQ", "lines": LINES, "total_minor": 290, "sold_at": "2026-11-22 14:05"},
}
KINDS = ("text", "number", "money", "weight", "share", "fact", "words")
SAYS_ALL = "{{ sale.order }} {{ sale.total_minor | money }}{% if copy or is_refund %}!{% end %}\n"


def printed(source, width=32, **more):
    parsed = parse(source)
    program = check_program(parsed.program, WORDS, parsed.places)
    context = dict(CONTEXT)
    context.update(more)
    return to_plain(render(program, context), width)


def test_a_line_prints_text_and_values():
    assert printed("Order {{ sale.order }}!") == ["Order 0003-G9230-VQVSQ!"]


def test_two_ends_and_styles_are_laid_out():
    lines = printed(
        "{% center bold %}{{ store.name }}\n{{ words.total }} || {{ currency }} {{ sale.total_minor | money }}"
    )

    assert lines == ["          Corner shop", "TOTAL                   EUR 2.90"]


def test_for_and_if_choose_what_is_printed():
    source = """
        {% for line in sale.lines %}
          {% if line.is_weighed %}
            {{ line.name }} {{ line.weight_g | kg }} kg
            {% for discount in line.discounts %}
              {% indent %}{{ discount.name }} || {{ discount.amount_minor | minus }}
            {% end %}
          {% elif line.quantity > 1 %}
            {{ line.quantity }} x {{ line.name }}
          {% else %}
            never
          {% end %}
        {% end %}
    """

    assert printed(source) == ["2 x Cola", "Bananas 香蕉 0.345 kg", "  Ripe today               -0.12"]


def test_an_if_within_a_line_prints_one_of_two():
    source = (
        "Cola{% if sale.lines | count > 1 %} and {{ (sale.lines | count) }} more{% else %} alone{% end %}."
    )

    assert printed(source) == ["Cola and 2 more."]
    assert printed(source, sale={"lines": []}) == ["Cola alone."]


def test_what_a_sale_does_not_have_is_empty_and_false():
    source = "[{{ member.number }}]\n{% if member %}\nmember\n{% end %}\n{% for tender in sale.tenders %}\nx\n{% end %}"

    assert printed(source) == ["[]"]
    assert printed(source, member={"number": "77"}) == ["[77]", "member"]


def test_two_languages_stand_on_one_receipt():
    source = (
        '{% word thanks en "Thank you" zh "谢谢惠顾" %}\n{{ en.total }} {{ zh.total }}\n{{ words.thanks }}\n'
    )
    template = read_template(compile_template(source + SAYS_ALL))
    context = dict(CONTEXT)
    context.update({"words": template.words["zh"], "en": template.words["en"], "zh": template.words["zh"]})

    lines = to_plain(render(template.program, context), 32)

    assert lines[:2] == ["TOTAL 合计", "谢谢惠顾"]


def test_every_filter_gives_what_it_says():
    sale = dict(CONTEXT["sale"], sold_at="2026-11-22 14:05", tax_rows=[{"ppm": 88750}, {"ppm": 200000}])
    source = """
        {{ sale.total_minor | money }} {{ sale.total_minor | minus }}
        {% for tax in sale.tax_rows %}
        {{ tax.ppm | percent }}%
        {% end %}
        {{ "cash" | word }} {{ "cash" | word_in("zh") }} {{ "tea" | word }}
        {{ store.name | upper }} {{ store.name | cut(6) }} {{ store.name | last(4) }}
        {{ sale.sold_at | day }} {{ sale.sold_at | clock }}
        {{ member.number | or_else("guest") }} {{ store.lines | join(" - ") }}
        {{ sale.lines | count }} {{ sale.lines | beyond(1) }} {{ (sale.lines | first(1)) | count }}
    """

    assert printed(source, sale=sale) == [
        "2.90 -2.90",
        "8.875%",
        "20%",
        "Cash 现金 tea",
        "CORNER SHOP Corn.. shop",
        "2026-11-22 14:05",
        "guest 1 Main Street - Tel. 1",
        "2 1 1",
    ]


def test_conditions_compare_and_combine():
    cases = [
        ("1 < 2 and 2 <= 2 and 3 > 2 and 3 >= 3 and 1 != 2 and 1 == 1", "yes"),
        ('currency == "EUR" and not (currency != "EUR")', "yes"),
        ("not copy and not member", "yes"),
        ("copy or is_refund", "no"),
        ("sale.total_minor > 290", "no"),
        ("not copy == 1", "yes"),
        ('member.number == ""', "yes"),
    ]
    for condition, wanted in cases:
        lines = printed("{% if " + condition + " %}yes{% else %}no{% end %}")

        assert lines == [wanted], condition


def test_symbols_rules_and_cuts_are_blocks_of_their_own():
    source = """
        {% qr "https://shop.example/r/" + sale.order %}
        {% barcode sale.order %}
        {% ean member.number %}
        {% rule %}
        {% feed 2 %}
        {% cut %}
    """
    program = check_program(parse(source).program, WORDS)

    blocks = render(program, CONTEXT).blocks

    assert [block[0] for block in blocks] == ["qr", "barcode", "rule", "feed", "cut"], "no text, no symbol"
    assert blocks[0][1] == "https://shop.example/r/0003-G9230-VQVSQ"


def test_a_logo_is_printed_where_the_template_says():
    logo = {"width": 16, "height": 3, "dots": "AAECAwQF"}
    template = read_template(compile_template("{% logo %}\n" + SAYS_ALL, logo))

    blocks = render(template.program, CONTEXT, template.logo).blocks

    assert blocks[0] == ("image", 16, 3, "AAECAwQF")
    assert [block[0] for block in render(template.program, CONTEXT).blocks] == ["text"], "no logo, no picture"


def test_comments_and_empty_lines_print_nothing():
    assert printed("{# the head #}\n\n   \nA{# never shown #}B\r\n") == ["AB"]


def test_braces_in_quotes_and_bars_in_values_stay_text():
    assert printed('{{ "}} || {% end %}" }}') == ["}} || {% end %}"]
    assert printed("{{ store.name }}", store={"name": "{{ 7 }} || {% cut %} ${x} %s"}) == [
        "{{ 7 }} || {% cut %} ${x} %s"
    ]


def test_loops_in_loops_end_at_the_steps():
    loops = "".join(["{% for " + name + " in sale.lines %}\n" for name in "abc"])
    source = loops + "{% if copy %}\n{% end %}\n" + "{% end %}\n" * 3
    many = [LINES[0]] * 60
    program = check_program(parse(source).program, WORDS)
    context = dict(CONTEXT, sale={"lines": many})

    raises("template-runs-too-long", render, program, context)
    assert 60 * 60 * 60 > MAX_TEMPLATE_STEPS
    render(program, dict(CONTEXT, sale={"lines": many[:10]}))


def test_a_template_has_a_name_that_follows_from_its_bytes():
    one, two = compile_template(SAYS_ALL), compile_template(SAYS_ALL + "more")

    assert template_hash(one) == template_hash(compile_template(SAYS_ALL))
    assert template_hash(one) != template_hash(two)
    assert len(template_hash(one)) == 64


def test_the_templates_of_tillbox_compile_like_any_other():
    receipt = compile_template(RECEIPT)
    parsed = parse(SLIP)

    assert read_template(receipt).words == LANGUAGES
    check_program(parsed.program, WORDS, parsed.places)


def test_no_value_brings_a_control_character_or_a_command_into_a_document():
    bad = "\x1bp\x00\x1dV\x10\x04\x7f\x9b\u202e\r\n{% cut %}"
    lines = [dict(LINES[1], name=bad, discounts=[{"name": bad, "amount_minor": 1}])]
    sale = {"order": bad, "lines": lines, "total_minor": 1, "tenders": [{"method": bad, "brand": bad}]}
    context = dict(CONTEXT, sale=sale, store={"name": bad, "lines": [bad], "footer": [bad]})
    program = check_program(parse(RECEIPT + "{% qr sale.order %}\n{% ean sale.order %}").program, WORDS)

    document = render(program, dict(context, words=dict.fromkeys(ENGLISH, bad)))

    assert [block[0] for block in document.blocks].count("cut") == 1
    for block in document.blocks:
        for part in block:
            assert not isinstance(part, str) or is_plain(part), block


def test_every_name_that_is_offered_can_be_asked_for():
    for name in objects():
        for field, kind in kinds_of(name).items():  # in any order
            assert kind.strip("[]") in objects() or kind.strip("[]") in KINDS, field
