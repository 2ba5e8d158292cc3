"""What a pickle asks for, read without running it."""

from __future__ import annotations

import pickle
import pickletools
import re
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from typing import Any

LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
"""Beginning of what torch.save wrote before it wrote zip archives (up to PyTorch 1.5)."""

TENSORS = re.compile(
    r"collections\.OrderedDict|torch\.(\w+Storage|b?float\d+|q?u?int\d+|per_\w+_affine)"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|qtensor|parameter)"
)
"""Names that tensors are pickled with."""


def imports(pickled: bytes, pickles: int = 1) -> list[str]:
    """Names of all that pickles would import, besides those that tensors are pickled with.

    Args:
        pickled: It begins with pickles; anything may follow.
        pickles: Number of them.

    Returns:
        Names such as "posix.system", each once, in order. Nothing is imported.

    Raises:
        ValueError: It does not begin with so many pickles.
    """
    stream, names, complete = BytesIO(pickled), dict[str, None](), False
    try:
        for _ in range(pickles):
            for name in _imports(stream):
                if not TENSORS.fullmatch(name):
                    names[name] = None
        complete = True
    except (ValueError, IndexError):
        pass  # what it has named so far is told all the same
    # Pickles say from protocol 2 on what they are; the older ones are text, and much other text begins alike.
    sure = pickled[:1] == pickle.PROTO
    if (bool(names), complete, sure).count(True) < 2:
        raise ValueError("a pickle is not complete")
    return list(names)


def _imports(stream: BytesIO) -> Iterator[str]:
    """Names that the next pickle would import."""
    # From protocol 4 on, module and name are texts on the stack, put there as such or from the memo.
    pushed: deque[str | None] = deque([None, None], maxlen=2)
    memo: dict[int, str | None] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(stream):
        match opcode.name:
            case "GLOBAL" | "INST":
                yield argument.replace(" ", ".")
            case "STACK_GLOBAL":
                yield ".".join(text or "(made up as it goes)" for text in pushed)
            case "EXT1" | "EXT2" | "EXT4":
                yield f"extension {argument} of copyreg"
            case "MEMOIZE":
                memo[len(memo)] = pushed[-1]
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = pushed[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                pushed.append(memo.get(argument))
            case "PROTO" | "FRAME":
                pass
            case _:
                pushed.append(argument if isinstance(argument, str) else None)
