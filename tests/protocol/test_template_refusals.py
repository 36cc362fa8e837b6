"""What is refused of a template, in its text and when it travelled: the code, the place, and what to do."""

from protocol.errors import ConfigError
from protocol.receipt_labels import ENGLISH
from protocol.template.bounds import (
    MAX_EXPRESSION_TOKENS,
    MAX_TEMPLATE_CHARS,
    MAX_TEMPLATE_DEPTH,
    MAX_TEMPLATE_INSTRUCTIONS,
)
from protocol.template.program import check_program
from protocol.template.syntax import parse
from protocol.template.template import compile_template, read_template
from tests.protocol.expect import raises

SAYS_ALL = "{{ sale.order }} {{ sale.total_minor | money }}{% if copy or is_refund %}!{% end %}\n"


def refusal(code, source):
    """The text of a refusal, which names line and column."""

    def compiled():
        parsed = parse(source)
        check_program(parsed.program, set(ENGLISH), parsed.places)

    return raises(code, compiled).what


def test_each_fault_is_told_with_line_column_and_a_mend():
    cases = [
        ("template-tag-unclosed", "A\n{{ sale.order", "line 2, column 1"),
        ("template-tag-unknown", "{% fro line in sale.lines %}", "line 1, column 4: there is no tag fro"),
        ("template-tag-wrong", "{% for line of sale.lines %}", "line 1, column 8"),
        ("template-tag-wrong", "{% rule 3 %}", "rule takes nothing"),
        ("template-tag-wrong", "{% feed 0 %}", "1 to 9"),
        ("template-tag-wrong", "{% feed 12 %}", "1 to 9"),
        ("template-tag-wrong", "{% center %}", "a style without text"),
        ("template-tag-wrong", "{% center red %}A", "red is no style"),
        ("template-tag-wrong", "A || B || C", "line 1, column 8"),
        ("template-tag-wrong", "{% center %}A || B", "two ends"),
        ("template-tag-wrong", "A {% rule %}", "does not belong into a line"),
        ("template-tag-wrong", "{% word Total en 'x' %}", "a word needs a name"),
        ("template-tag-wrong", "{% word total en x %}", "this is no word"),
        ("template-block-wrong", "A\n{% end %}", "line 2"),
        ("template-block-wrong", "{% else %}", "else without if"),
        ("template-block-wrong", "{% elif copy %}", "elif without if"),
        ("template-block-wrong", "{% if copy %}\n{% else %}\n{% else %}\n{% end %}", "line 3"),
        ("template-block-wrong", "{% for line in sale.lines %}\n{% else %}\n{% end %}", "line 2"),
        ("template-block-unclosed", "A\n{% if copy %}\nB", "line 2"),
        ("template-block-unclosed", "A {% if copy %}B", "no end in its line"),
        ("template-expression-wrong", "{{ }}", "line 1, column 4"),
        ("template-expression-wrong", "{{ sale..order }}", "column 9"),
        ("template-expression-wrong", "{{ (copy }}", "ends too early"),
        ("template-expression-wrong", "{{ copy copy }}", "line 1, column 9"),
        ("template-expression-wrong", "{{ 1 < 2 < 3 }}", "not expected"),
        ("template-expression-wrong", "{{ 1.5 }}", "not expected"),
        ("template-expression-wrong", "{{ 12345678901 }}", "not expected"),
        ("template-expression-wrong", "{{ sale.order ~ copy }}", "~ is not expected here"),
        ("template-tag-unclosed", "{{ 'a }}", "line 1, column 1"),
        ("template-expression-wrong", "{{ sale.order | cut }}", "cut takes 1 values"),
        ("template-expression-wrong", "{{ sale.order | upper(3) }}", "upper takes 0 values"),
        ("template-filter-unknown", "{{ sale.total_minor | mony }}", "there is no filter mony"),
        ("template-name-unknown", "A\n  {{ sale.totl }}", "line 2, column 6: there is no totl"),
        ("template-name-unknown", "{{ sale.order.x }}", "which has no names"),
        ("template-name-unknown", "{{ words.nothing }}", "there is no nothing"),
        ("template-name-unknown", "{% for line in sale.lines %}\n{% end %}\n{{ line.name }}", "line 3"),
        ("template-name-unknown", "{{ __class__ }}", "there is no __class__"),
        ("template-name-taken", "{% for sale in sale.lines %}\n{% end %}", "sale means something"),
        ("template-kind-wrong", "{{ sale.total_minor }}", "a money is no text"),
        ("template-kind-wrong", "{{ 'x' + sale.total_minor }}", "a money is no text"),
        ("template-kind-wrong", "{{ sale.lines }}", "a [line] is no text"),
        ("template-kind-wrong", "{{ sale }}", "a sale is no text"),
        ("template-kind-wrong", "{{ is_refund }}", "a fact is no text"),
        ("template-kind-wrong", "{{ sale.order | money }}", "money takes a money, not a text"),
        ("template-kind-wrong", "{{ sale.order | cut('x') }}", "takes a number in brackets"),
        ("template-kind-wrong", "{{ sale.order < 3 }}", "between a text and a number"),
        ("template-kind-wrong", "{{ sale.order | first(3) }}", "any list"),
        ("template-kind-wrong", "{% for x in sale.order %}\n{% end %}", "for goes through a list"),
    ]
    for code, source, told in cases:
        what = refusal(code, source)

        assert told in what, (source, what)
        assert what.startswith("line "), what


def test_the_nearest_name_is_offered():
    error = raises("template-filter-unknown", parse, "{{ sale.total_minor | mone }}")

    assert "money" in error.action
    assert "did you mean total_minor?" in refusal("template-name-unknown", "{{ sale.total | money }}")


def test_a_control_character_in_a_template_is_refused_where_it_stands():
    for bad in ("\x1b", "\x00", "\x7f", "\u202e", "\x9b", "a\tb", "\u2028"):
        error = raises("template-control-character", parse, "A\n  B" + bad)

        assert error.what.startswith("line 2, column 4") or bad == "a\tb", error.what


def test_every_bound_is_refused_by_name():
    deep = "{% if copy %}\n" * (MAX_TEMPLATE_DEPTH + 1) + "{% end %}\n" * (MAX_TEMPLATE_DEPTH + 1)

    raises("template-too-long", parse, "x" * (MAX_TEMPLATE_CHARS + 1))
    raises("template-too-long", parse, "A\n" * (MAX_TEMPLATE_INSTRUCTIONS + 1))
    raises("template-expression-too-long", parse, "{{ copy" + " + copy" * MAX_EXPRESSION_TOKENS + " }}")
    raises("template-nesting-too-deep", parse, "{{ " + "(" * 9 + "copy" + ")" * 9 + " }}")
    refusal("template-nesting-too-deep", deep)
    parse("A\n" * MAX_TEMPLATE_INSTRUCTIONS)


def test_a_template_must_be_able_to_say_what_every_receipt_says():
    for lacking in ("sale.order", "sale.total_minor", "copy", "is_refund"):
        source = SAYS_ALL.replace(lacking, "sale.ean" if lacking == "sale.order" else "lines_max")
        if lacking == "sale.total_minor":
            source = SAYS_ALL.replace("{{ sale.total_minor | money }}", "")

        error = raises("template-lacks", compile_template, source)

        assert lacking in error.what


def test_words_must_be_there_in_every_language():
    raises("template-words-wrong", compile_template, '{% word a en "A" %}\n' + SAYS_ALL)
    raises("template-words-wrong", compile_template, '{% word a en "A" fr "A" %}\n' + SAYS_ALL)
    raises("template-words-wrong", compile_template, '{% word a en "" zh "" %}\n' + SAYS_ALL)
    raises("template-tag-wrong", compile_template, '{% word a en "A" en "B" %}\n' + SAYS_ALL)


def test_a_document_that_travelled_is_checked_again():
    good = compile_template(SAYS_ALL)
    text = ["text", "", ["'x"]]
    cases = [
        ("template-wrong", dict(good, more=1)),
        ("template-wrong", []),
        ("template-version-unknown", dict(good, v=2)),
        ("template-version-unknown", dict(good, v=True)),
        ("template-wrong", dict(good, logo=1.5)),
        ("template-words-wrong", dict(good, words={})),
        ("template-words-wrong", dict(good, words={"en": {"a": "\x1b"}, "zh": {"a": "x"}})),
        ("template-words-wrong", dict(good, words={"en": {"A": "x"}, "zh": {"A": "x"}})),
        ("template-logo-wrong", dict(good, logo={"width": 8, "height": 1})),
        ("template-logo-wrong", dict(good, logo={"width": 7, "height": 1, "dots": "AA=="})),
        ("template-logo-wrong", dict(good, logo={"width": 392, "height": 1, "dots": "AA=="})),
        ("template-logo-wrong", dict(good, logo={"width": 8, "height": 161, "dots": "AA=="})),
        ("template-logo-wrong", dict(good, logo={"width": 8, "height": 1, "dots": "\x1b@=="})),
        ("template-logo-wrong", dict(good, logo={"width": 8, "height": 9, "dots": "AA=="})),
        ("template-program-wrong", dict(good, program="x")),
        ("template-program-wrong", dict(good, program=[text, "x"])),
        ("template-program-wrong", dict(good, program=[["text", "bc", ["'x"]]])),
        ("template-program-wrong", dict(good, program=[["text", "", []]])),
        ("template-program-wrong", dict(good, program=[["text", "", [None]]])),
        ("template-program-wrong", dict(good, program=[["text", "", ["'x", "'y"]]])),
        ("template-program-wrong", dict(good, program=[["text", "", ["+"]]])),
        ("template-program-wrong", dict(good, program=[["text", "", ["?"]]])),
        ("template-program-wrong", dict(good, program=[["text", "", ["|cut"]]])),
        ("template-filter-unknown", dict(good, program=[["text", "", ["'x", "|eval"]]])),
        ("template-program-wrong", dict(good, program=[["shell", ["'x"]]])),
        ("template-program-wrong", dict(good, program=[["feed", 100]])),
        ("template-program-wrong", dict(good, program=[["for", "A", [".sale.lines"]], ["end"]])),
        ("template-block-wrong", dict(good, program=[["end"]])),
        ("template-block-unclosed", dict(good, program=[["if", [".copy"]]])),
        ("template-name-unknown", dict(good, program=[["text", "", ["."]]])),
        ("template-lacks", dict(good, program=[text])),
    ]
    for code, document in cases:
        raises(code, read_template, document)
    read_template(good)


def test_a_refusal_is_a_fault_of_the_setting():
    try:
        parse("{{")
    except ConfigError as error:
        assert error.action == "close it with }}, and close every quote in it"
        return
    raise AssertionError("it was taken")
