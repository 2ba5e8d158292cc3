"""Several training processes, as `torchrun` starts them; and one, which is a group of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mdhr_runtime.errors import ConfigError

AnyModule = TypeVar("AnyModule", bound=nn.Module)
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Group:
    """The training processes that work together, as one of them sees it.

    Attributes:
        rank: Number of this one, from 0.
        size: Number of all of them.
        device: The device of this one.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def per_process(self, batch: int) -> int:
        """Clips of a batch that each process takes.

        Raises:
            ConfigError: The batch cannot be divided.
        """
        if batch % self.size:
            raise ConfigError(
                f"A batch of {batch} clips cannot be divided among {self.size} processes.",
                "The batch is that of all processes together, so that their number changes nothing.",
                f"Choose a --batch that is a multiple of {self.size}.",
            )
        return batch // self.size

    def wrap(self, model: nn.Module) -> nn.Module:
        """The network as the loop calls it: its gradients become the mean over the processes."""
        if self.size == 1:
            return model
        return DistributedDataParallel(model, device_ids=[self.device] if self.device.type == "cuda" else None)

    def synchronised(self, model: AnyModule) -> AnyModule:
        """The network with batch normalisation over the batches of all processes; on the CPU PyTorch has none."""
        if self.size == 1 or self.device.type != "cuda":
            return model
        synchronised: AnyModule = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return synchronised

    def align(self, module: nn.Module) -> None:
        """Give every process the buffers of the first: the running means of batch normalisation."""
        if self.size > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, 0)

    def total(self, numbers: np.ndarray) -> np.ndarray:
        """The sum of all processes' numbers, float64 or int64, of one shape."""
        if self.size == 1:
            return numbers
        tensor = torch.from_numpy(np.ascontiguousarray(numbers)).to(self.device)
        dist.all_reduce(tensor)
        return tensor.cpu().numpy()

    def gather(self, thing: Thing) -> list[Thing]:
        """One thing of every process, by rank."""
        things = [thing] * self.size
        if self.size > 1:
            dist.all_gather_object(things, thing)
        return things

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def process_group(device: str = "auto") -> Iterator[Group]:
    """Join the processes that `torchrun` started; without it, be the only one.

    Args:
        device: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        ConfigError: There is no GPU, or fewer than processes.
    """
    rank, size, local = (int(os.environ.get(name, default)) for name, default in _VARIABLES)
    chosen = choose_device(device, local)
    if size == 1:
        yield Group(0, 1, chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    yield Group(rank, size, chosen)
    dist.destroy_process_group()  # not after an error: it would wait for processes that wait for this one


_VARIABLES = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def choose_device(name: str, local: int = 0) -> torch.device:
    """Choose the device to compute on.

    Args:
        name: "cpu", "cuda", or "auto" for a GPU where there is one.
        local: Number of the GPU, from 0.

    Raises:
        ConfigError: There are fewer GPUs.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if local >= found:
        raise ConfigError(
            f"There is no GPU for process {local + 1}.",
            f"PyTorch sees {found} of them.",
            "Start one process per GPU, or compute on the CPU with --device cpu.",
        )
    return torch.device("cuda", local)
