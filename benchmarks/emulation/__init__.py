"""Arm Linux with the device install in it, on boards that QEMU emulates; no board needed.

- ``boards``: the boards, and how a program of theirs is run.
- ``roots``: Debian systems and what pip installs in them.
- ``counting``: instructions counted while something runs.

Needs the Debian packages that :data:`emulation.roots.TOOLS` names.
"""
