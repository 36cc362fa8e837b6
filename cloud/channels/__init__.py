"""Channels: one adapter for each way to move money, all behind the ports of `cloud.ports`."""
