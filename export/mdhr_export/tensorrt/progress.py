"""The builder's progress on the console."""

from __future__ import annotations

import sys
from threading import Lock
from types import ModuleType
from typing import Any

import click


def make_monitor(trt: ModuleType, label: str) -> Any:
    """A TensorRT progress monitor that shows the outermost phase of a build as a bar, and the others by name.

    Args:
        trt: TensorRT's module. The monitor needs 10.0 or later.
        label: What is being built.
    """

    class Monitor(trt.IProgressMonitor):
        """Called from TensorRT's threads."""

        def __init__(self) -> None:
            super().__init__()
            self._lock = Lock()
            self._phases: list[str] = []
            self._bar: Any = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with self._lock:
                self._phases.append(phase_name)
                if self._bar is None and num_steps > 0:
                    self._outermost = phase_name
                    self._bar = click.progressbar(
                        length=num_steps, label=label, file=sys.stderr, item_show_func=lambda phase: phase
                    ).__enter__()

        def step_complete(self, phase_name: str, step: int) -> bool:
            with self._lock:
                if self._bar is not None:
                    self._bar.update(int(phase_name == self._outermost), self._phases[-1])
            return True

        def phase_finish(self, phase_name: str) -> None:
            with self._lock:
                self._phases.remove(phase_name)
                if self._bar is not None and phase_name == self._outermost:
                    self._bar.update(self._bar.length - self._bar.pos, None)
                    self._bar.__exit__(None, None, None)
                    self._bar = None

    return Monitor()
