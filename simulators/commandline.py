"""`tillbox`: one command for box, cloud, simulators and the people who look after them.

Only the shape lives here; each command stands in the room whose work it does and is imported when it is called, so
that `tillbox box` on a till loads no simulator and no cloud.
"""

from __future__ import annotations

import importlib
import sys

import click

from protocol.errors import TillboxError

# name -> (module, attribute, one line for the list of commands)
COMMANDS = {
    "demo": ("simulators.demo.command", "demo", "Run the whole unattended checkout on this machine."),
    "box": ("edge.commands", "box", "Run one box from its provisioning directory."),
    "cloud": ("cloud.commands", "cloud", "Run the cloud."),
    "sim": ("simulators.command", "sim", "Run one simulated device, channel or shopper alone."),
    "replay": ("simulators.replay.command", "replay", "Sell every invoice of a file through the whole path."),
    "fleet": ("cloud.fleet.commands", "fleet", "Enrol boxes, push configuration, see what they run."),
    "explain": ("cloud.explain_command", "explain", "Tell one sale's story from scan to ledger."),
    "doctor": ("edge.doctor", "doctor", "Check a box and name each trouble with its mend."),
    "bench": ("simulators.bench.command", "bench", "Measure speed and memory against the bars."),
    "catalogue": ("cloud.commands", "catalogue", "Build, check and search catalogue images."),
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
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), f"{module}.{attribute} is no command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


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
        click.echo(f"tillbox: {fault}", err=True)
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
