"""`tillbox`: one command for box, cloud, simulators and the people who look after them.

Only the shape lives here; each command stands in the room whose work it does and is imported when it is called, so
that `tillbox box` on a till loads no simulator and no cloud.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from protocol.errors import TillboxError
from protocol.plain_text import one_line

# name -> (module, attribute, one line for the list of commands)
COMMANDS = {
    "demo": ("simulators.demo.command", "demo", "Run the whole unattended checkout on this machine."),
    "box": ("edge.commands", "box", "Run one box from its provisioning directory."),
    "cloud": ("cloud.commands", "cloud", "Run the cloud."),
    "sim": ("simulators.command", "sim", "Run one simulated device, channel or shopper alone."),
    "replay": ("simulators.replay.command", "replay", "Sell every invoice of a file through the whole path."),
    "world": (
        "simulators.world.command",
        "world",
        "Let seeded worlds live with every fault, and judge each.",
    ),
    "torture": ("simulators.torture.command", "torture", "Break real processes under load, and judge."),
    "fleet": ("cloud.fleet.commands", "fleet", "Enrol boxes, push configuration, see what they run."),
    "price": ("simulators.commands.price", "price_files", "Price a basket from files, and tell why."),
    "receipt": ("simulators.commands.receipt", "receipt", "Check and look at templates of receipts."),
    "explain": ("cloud.explain_command", "explain", "Tell one sale's story from scan to ledger."),
    "doctor": ("edge.doctor", "doctor", "Check a box and name each trouble with its mend."),
    "bench": ("simulators.bench.command", "bench", "Measure speed and memory against the bars."),
    "figures": (
        "simulators.published.command",
        "figures",
        "Make the page of figures from what was measured.",
    ),
    "catalogue": ("cloud.commands", "catalogue", "Build, check and search catalogue images."),
}

# Commands beside a command: `tillbox box` runs a box, `tillbox box renew` is another command about boxes.
BESIDE = {
    "box": {"renew": ("edge.renew_command", "renew")},
    "cloud": {
        "alarms": ("cloud.operator_command", "alarms"),
        "dead-letters": ("cloud.dead_letters", "show_dead_letters"),
        "repair": ("cloud.operator_command", "repair"),
        "restored": ("cloud.operator_command", "restored"),
    },
}

EXAMPLES = """\
Examples:
  tillbox demo                          watch an unattended checkout work
  tillbox demo --headless --sales 50    let simulated shoppers buy, then check the books
  tillbox sim acquirer --port 7000      an ISO 8583 host that answers by magic amounts
  tillbox fleet list --cloud DIR        every enrolled box and what it runs
  tillbox explain ORDER --cloud DIR     one sale, from scan to ledger
"""

EXIT_FAILED = 1


class Beside(click.Group):
    """A command with others beside it. What does not begin with the name of one of them is for the command itself."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._itself = COMMANDS[name][:2]
        self._beside = BESIDE[name]

    def meant(self, arguments: list[str]) -> click.Command:
        """The command that these arguments are for: one beside it, or the command itself."""
        return _imported(*self._beside.get(arguments[0] if arguments else "", self._itself))

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        """Step aside for the command itself, as if there were no group. `given` is its name and the arguments.

        A first word that is no option is for the group, also when it names nothing: it says which names there are.
        """
        arguments: list[str] = given[1]
        if arguments and not arguments[0].startswith("-"):
            return super().make_context(*given, **named)
        return self.meant(arguments).make_context(*given, **named)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name beside it."""
        del ctx
        return self.meant([cmd_name]) if cmd_name in self._beside else None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands beside it."""
        del ctx
        return list(self._beside)


class Lazily(click.Group):
    """A group whose commands are imported on their first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of a newcomer's day."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now; None when there is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return Beside(cmd_name) if cmd_name in BESIDE else _imported(*COMMANDS[cmd_name][:2])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


def _imported(module: str, attribute: str) -> click.Command:
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command), f"{module}.{attribute} is no command"
    return command


@click.group(
    cls=Lazily, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="tillbox")
@click.pass_context
def tillbox(ctx: click.Context) -> None:
    """The unattended checkout: box, cloud and the world around them."""
    if ctx.invoked_subcommand is None:
        click.echo(EXAMPLES)
        click.echo(ctx.get_help())


def main() -> None:
    """Run `tillbox`; a known fault is one line on standard error and exit code 1, never a traceback."""
    try:
        tillbox()
    except TillboxError as fault:
        _end_with([fault])
    except BaseExceptionGroup as together:
        known, unknown = together.split(TillboxError)
        if (
            known is None or unknown is not None
        ):  # a fault of our own program: whoever mends it needs all of it
            raise
        _end_with(_leaves(known))


def _end_with(faults: list[TillboxError]) -> None:
    for told in dict.fromkeys(one_line(str(fault)) for fault in faults):
        click.echo(f"tillbox: {told}", err=True)
    sys.exit(EXIT_FAILED)


def _leaves(together: BaseExceptionGroup[TillboxError]) -> list[TillboxError]:
    """What tasks that ran together died of, in their order."""
    found: list[TillboxError] = []
    for one in together.exceptions:
        found += _leaves(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found


if __name__ == "__main__":
    main()
