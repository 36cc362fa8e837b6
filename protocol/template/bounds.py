"""Every bound of a template, with its reason. A template beyond one is refused before anybody signs it."""

MAX_TEMPLATE_CHARS = 16384  # of the text; the longest receipt that we know of is described in four thousand
MAX_TEMPLATE_INSTRUCTIONS = 400  # of the program: ten times the receipt that comes with tillbox
MAX_TEMPLATE_DEPTH = 8  # of ifs, fors and brackets in each other; a person loses count before that
MAX_EXPRESSION_TOKENS = 64  # of one line; a line of a receipt shows a handful of values
MAX_TEMPLATE_NAME_CHARS = 32  # of one step of a name; the longest that we offer has sixteen
MAX_TEMPLATE_WORDS = 64  # that a template brings along for each language; ours are two dozen
MAX_TEMPLATE_STEPS = 50000  # of one receipt: three hundred lines take ten thousand, and 50 ms on a small till
MAX_TEMPLATE_BYTES = (
    28672  # of the document that travels: with logo it leaves a configuration room for its staff
)
MAX_LOGO_WIDTH = 384  # dots: the printable width of 58 mm paper
MAX_LOGO_HEIGHT = 160  # dots: 20 mm; more is a poster
