"""`tillbox receipt check | compile | preview | samples`: what a tenant needs to write a template, without any box.

A preview goes the whole way of a receipt: template, document, ESC/POS of the box's own writer, and the picture that the
printer simulator draws of these bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloud.templates.rules import check_values, compile_receipt
from edge.peripherals import escpos
from protocol.document import to_plain
from protocol.document_html import page
from protocol.errors import ConfigError, PeerError
from protocol.limits import MAX_JSON_BYTES
from protocol.strict_json import dumps, loads
from protocol.template.builtin import RECEIPT
from protocol.template.render import render
from protocol.template.template import Template, read_template, template_hash
from simulators.commands.receipt_samples import samples
from simulators.commands.receipt_symbols import svg_of
from simulators.printer.station import PrinterSim, PrinterSimSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocol.document import Document

PAPERS = {"58": 32, "80": 48}  # millimetres: columns of font A
EXAMPLES = """\
Examples:
  tillbox receipt check shop.tpl --logo logo.png
  tillbox receipt preview --template shop.tpl --sample promotions
  tillbox receipt preview --template shop.tpl --sale sale.json --format png --paper 58 --out receipt.png
  tillbox receipt samples --template shop.tpl --out pictures
  tillbox fleet push settings.json --template shop.tpl --cloud DIR --tenant acme --group pilot
"""

_template = click.option(
    "--template", "source", type=click.Path(path_type=Path), help="A template; without it, the built-in one."
)
_logo = click.option("--logo", type=click.Path(path_type=Path), help="A PNG for {% logo %}.")
_language = click.option(
    "--language", default="en", show_default=True, type=click.Choice(["en", "zh"]), help="The shopper's."
)


@click.group(invoke_without_command=True)
@click.pass_context
def receipt(ctx: click.Context) -> None:
    """Check, compile and look at templates of receipts."""
    if ctx.invoked_subcommand is None:
        click.echo(EXAMPLES)
        click.echo(ctx.get_help())


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path))
@_logo
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: Path, logo: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click hands flags over by name
    """Say whether a template is right, and where it is not."""
    document = compile_file(file, logo)
    size = len(dumps(document))
    told = {"hash": template_hash(document), "bytes": size, "instructions": len(document["program"])}
    line = f"{told['hash']}\t{size} bytes, {told['instructions']} instructions"
    click.echo(dumps(told).decode() if as_json else line)


@receipt.command(name="compile")
@click.argument("file", type=click.Path(path_type=Path))
@_logo
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where the document goes.")
def compile_(file: Path, logo: Path | None, out: Path) -> None:
    """Write the compiled template, as the setting `receipt_template` holds it."""
    document = compile_file(file, logo)
    out.write_bytes(dumps(document) + b"\n")
    click.echo(template_hash(document))


@receipt.command()
@_template
@_logo
@click.option("--sale", type=click.Path(path_type=Path), help="The values of a sale, as JSON.")
@click.option(
    "--sample", default="card", show_default=True, help="A sample sale: " + ", ".join(samples()) + "."
)
@click.option(
    "--format",
    "form",
    default="text",
    show_default=True,
    type=click.Choice(["text", "html", "png", "escpos"]),
)
@click.option(
    "--paper", default="80", show_default=True, type=click.Choice(list(PAPERS)), help="Width in mm."
)
@_language
@click.option("--out", type=click.Path(path_type=Path), help="Where it goes; without it, to standard output.")
def preview(  # noqa: PLR0913, PLR0917 - one for each option
    source: Path | None,
    logo: Path | None,
    sale: Path | None,
    sample: str,
    form: str,
    paper: str,
    language: str,
    out: Path | None,
) -> None:
    """Show the receipt of a sale as text, HTML, picture or printer bytes."""
    values = _values(sale, sample)
    document = _document(_read(source, logo), values, language)
    shown = _FORMS[form](document, PAPERS[paper])
    if out is not None:
        out.write_bytes(shown)
    else:
        click.echo(shown, nl=False)


@receipt.command(name="samples")
@_template
@_logo
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A directory for the pictures.")
def samples_(source: Path | None, logo: Path | None, out: Path) -> None:
    """Draw every sample sale on 58 and 80 mm paper in both languages, to look at."""
    template = _read(source, logo)
    out.mkdir(parents=True, exist_ok=True)
    for name, values in samples().items():
        for language in ("en", "zh"):
            document = _document(template, check_values(values), language)
            for paper, columns in PAPERS.items():
                (out / f"{name}-{language}-{paper}.png").write_bytes(as_png(document, columns))
    click.echo(f"{len(samples()) * 4} pictures in {out}")


def compile_file(file: Path, logo: Path | None) -> dict[str, Any]:
    """The document of a template's file; ConfigError "template-file-missing" and those of `compile_receipt`."""
    try:
        source = file.read_bytes()
        picture = None if logo is None else logo.read_bytes()
    except OSError as error:
        raise ConfigError(
            "template-file-missing",
            f"{error.filename} cannot be read ({error.strerror})",
            "Name another file",
        ) from error
    return compile_receipt(source, picture)


def as_text(document: Document, columns: int) -> bytes:
    """Lines of text, as on paper."""
    return ("\n".join(line.rstrip() for line in to_plain(document, columns)) + "\n").encode()


def as_html(document: Document, columns: int) -> bytes:
    """A page that needs nothing else."""
    return page(document, columns, "Receipt", svg_of).encode()


def as_escpos(document: Document, columns: int) -> bytes:
    """The bytes that a box sends to its printer."""
    paper = escpos.PaperSettings(columns=columns)
    return escpos.opening(paper) + b"".join(escpos.render(document, paper))


def as_png(document: Document, columns: int) -> bytes:
    """The paper that comes out of the printer simulator."""
    printer = PrinterSim(PrinterSimSettings(port=0, columns=columns))
    printer.receive(as_escpos(document, columns))
    return printer.picture()


_FORMS: dict[str, Callable[[Document, int], bytes]] = {
    "text": as_text,
    "html": as_html,
    "png": as_png,
    "escpos": as_escpos,
}


def _read(source: Path | None, logo: Path | None) -> Template:
    document = compile_receipt(RECEIPT.encode()) if source is None else compile_file(source, logo)
    return read_template(document)


def _document(template: Template, values: dict[str, Any], language: str) -> Document:
    words: dict[str, Any] = {"words": template.words[language], "language": language, "kind": "sale"}
    return render(template.program, values | template.words | words, template.logo)


def _values(sale: Path | None, sample: str) -> dict[str, Any]:
    if sale is None:
        if sample not in samples():
            raise ConfigError(
                "receipt-sample-unknown",
                f"there is no sample {sample}",
                "Choose from " + ", ".join(samples()),
            )
        return check_values(samples()[sample])
    try:
        with sale.open("rb") as opened:
            return check_values(loads(opened.read(MAX_JSON_BYTES + 1), MAX_JSON_BYTES))
    except (OSError, PeerError) as error:
        raise ConfigError(
            "receipt-values-wrong", f"{sale.name} cannot be read: {error}", "Correct the file"
        ) from error
