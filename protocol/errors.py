"""Errors that say whose fault it was and what to do now.

One class for each answer to "who broke the rule"; the `code` names the rule. A business "no" (declined, out
of paper) is a returned value and never an error. No error text carries a card number, PIN, track or key, nor
raw bytes from outside: say the length or the position instead. Read `limits` next.
"""


class TillboxError(Exception):
    """The parent of all errors of ours.

    `code` is a kebab-case name that tests, logs and the console key on ("check-digit-wrong"); `what` is one
    plain sentence without a full stop; `action` says what a person or the caller does about it.
    """

    def __init__(self, code: str, what: str, action: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.what = what
        self.action = action

    def __str__(self) -> str:
        text = self.code + ": " + _sentence(self.what)
        return text + " " + _sentence(self.action) if self.action else text


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."


class CallerError(TillboxError):
    """Our own code broke a contract: a bug to mend."""


class PeerError(TillboxError):
    """Wrong bytes from outside: a message, a code, a file. Set it aside and go on."""


class DeviceError(TillboxError):
    """Hardware failed; `action` is written for the staff of the shop."""


class OutcomeUnknown(TillboxError):  # noqa: N818 - the house rules name it so: it is a state of affairs, not a fault
    """Money may have moved: reverse it or ask, never assume."""


class ConfigError(TillboxError):
    """A setting is missing or wrong; `action` names the setting."""
