"""The verdict of a replay: does everything add up, and how fast was it. One object for people and machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocol.money import format_amount
from simulators.replay.invoices import CURRENCY, MALFORMED, MILLIONTHS_A_MINOR, REASONS, format_millionths

if TYPE_CHECKING:
    from simulators.replay.run import Facts

BAR_LINES_PER_S = 3_000


def report(facts: Facts) -> dict[str, Any]:
    """Everything to print; `adds_up` is the verdict and `troubles` says why not."""
    plan, ended, books = facts.plan, facts.ended, facts.books
    troubles = _troubles(facts)
    seconds = ended["confirm_s"]
    cpu = facts.cpu_ms
    return {
        "adds_up": not troubles,
        "troubles": troubles,
        "invoices": len(plan.sales),
        "invoices_sold": books.sales,
        "lines_sold": books.lines,
        "items": plan.item_count,
        "paid_by_card": ended["cards"],
        "rows": facts.file.rows,
        "refused": {
            reason: {"rows": rows, "amount": format_millionths(facts.file.refused_millionths[reason])}
            for reason, rows in sorted(facts.file.refused_rows.items())
        },
        "currency": CURRENCY,
        "file_total": format_millionths(facts.file.total_millionths),
        "refused_total": format_millionths(_refused_millionths(facts)),
        "sold_total": format_amount(books.sold_minor, CURRENCY),
        "sold_minor": books.sold_minor,
        "receipts_confirmed": ended["records"],
        "ledger_balance": books.ledger_sum_minor,
        "ledger_takings": format_amount(books.takings_minor, CURRENCY),
        "ledger_postings": books.postings,
        "acquirer_captured": format_amount(facts.captured_minor, CURRENCY),
        "priced_wrong": books.priced_wrong,
        "broker": facts.broker,
        "sell_s": round(ended["sell_s"], 3),
        "confirm_s": round(seconds, 3),
        "lines_per_s": round(books.lines / seconds),
        "sales_per_s": round(books.sales / seconds, 1),
        "cpu_ms_per_sale": {part: round(spent / len(plan.sales), 3) for part, spent in cpu.items()},
        "cpu_us_per_line": {part: round(spent * 1000 / plan.line_count) for part, spent in cpu.items()},
    }


def in_words(told: dict[str, Any]) -> list[str]:
    """The report as lines for people."""
    refused_rows = sum(entry["rows"] for entry in told["refused"].values())
    verdict = "yes" if told["adds_up"] else "NO"
    cpu = ", ".join(f"{part} {spent}" for part, spent in told["cpu_ms_per_sale"].items())
    sold = f"{told['invoices_sold']} of {told['invoices']}, {told['lines_sold']} lines"
    ledger = f"{told['ledger_balance']} over {told['ledger_postings']} postings"
    money = f"sold {told['sold_total']} + refused {told['refused_total']} = file {told['file_total']}"
    speed = f"{told['lines_per_s']} lines/s, {told['sales_per_s']} sales/s"
    parts = [
        ("invoices sold", f"{sold}, {told['paid_by_card']} paid by card"),
        ("rows refused", f"{refused_rows} of {told['rows']}"),
        *[
            (f"  {reason}", f"{entry['rows']:>6} {entry['amount']:>12}  {REASONS[reason]}")
            for reason, entry in told["refused"].items()
        ],
        ("receipts confirmed", f"{told['receipts_confirmed']} records"),
        (
            "ledger balance",
            f"{ledger}, takings {told['ledger_takings']}, priced wrong {told['priced_wrong']}",
        ),
        ("money", f"{money} {told['currency']}: {verdict}"),
        ("speed", f"{speed}, {told['confirm_s']} s until the last receipt, broker {told['broker']}"),
        ("CPU ms per sale", cpu),
        *[("TROUBLE", trouble) for trouble in told["troubles"]],
    ]
    return [f"{name:<20}{text}" for name, text in parts]


def _troubles(facts: Facts) -> list[str]:
    """Everything that does not add up, in words; empty when all does."""
    plan, books = facts.plan, facts.books
    sold_millionths = books.sold_minor * MILLIONTHS_A_MINOR
    checks = [
        ("sales in the ledger's database", books.sales, len(plan.sales)),
        ("sales paid at the boxes", facts.ended["sales"], len(plan.sales)),
        ("lines", books.lines, plan.line_count),
        ("sold money against the plan", books.sold_minor, plan.total_minor),
        ("sold money against the ledger's takings", books.sold_minor, books.takings_minor),
        ("sold money against the accounts of sales and tax", books.sold_minor, books.earned_minor),
        (
            "card money against the acquirer's books",
            books.balance_minor("card-clearing"),
            facts.captured_minor,
        ),
        (
            "sold + refused against the file's total, in millionths",
            sold_millionths + _refused_millionths(facts),
            facts.file.total_millionths,
        ),
    ]
    troubles = [f"{what}: {found} is not {wanted}" for what, found, wanted in checks if found != wanted]
    unreadable = facts.file.refused_rows[MALFORMED]
    if unreadable:
        troubles.append(f"{unreadable} rows cannot be read, so nobody knows the file's own total")
    return troubles + books.troubles()


def _refused_millionths(facts: Facts) -> int:
    return sum(facts.file.refused_millionths.values())
