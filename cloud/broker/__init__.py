"""The broker as a supervised child: its configuration, who may speak where, starting and reloading it."""
