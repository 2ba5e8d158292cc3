"""A GPU's part played by the host, where there is no GPU: the queue of a stream, its memory, and engines.

Work is done when it is waited for and not before, so a wait that is missing shows. Engines compute with ONNX Runtime
what TensorRT would, from the same addresses and through the same calls.
"""

import ctypes
from contextlib import contextmanager
from threading import get_ident

import numpy as np
import onnxruntime

from mdhr_runtime.backends.tensorrt.device import ALIGNMENT, Device, cuda_error

STREAM = 7


class HostDevice(Device):
    """Counts what crosses between host and device, in `uploaded` and `downloaded` bytes.

    Args:
        memory: Bytes that it has.
    """

    def __init__(self, memory=1 << 40):
        super().__init__()
        self.free_memory = memory
        self._blocks = {}
        self._queue = []
        self._users = []
        self.uploaded = self.downloaded = 0

    stream = STREAM

    @contextmanager
    def active(self):
        self._users.append(get_ident())
        try:
            yield
        finally:
            self._users.pop()

    def allocate(self, size):
        self._check()
        if size > self.free_memory:
            raise cuda_error(f"allocate {size} bytes", "CUDA_ERROR_OUT_OF_MEMORY (out of memory)")
        self.free_memory -= size
        memory = np.full(size + ALIGNMENT, 0xAB, np.uint8)
        pointer = -(-memory.ctypes.data // ALIGNMENT) * ALIGNMENT
        self._blocks[pointer] = (memory, size)
        return pointer

    def free(self, pointer):
        self._check()
        self.synchronize()
        self.free_memory += self._blocks.pop(pointer)[1]

    def pinned(self, size):
        self._check()
        return np.full(size, 0xCD, np.uint8)

    def to_device(self, pointer, host):
        self.uploaded += host.nbytes
        self.queue(lambda: ctypes.memmove(pointer, host.ctypes.data, host.nbytes))

    def to_host(self, host, pointer):
        self.downloaded += host.nbytes
        self.queue(lambda: ctypes.memmove(host.ctypes.data, pointer, host.nbytes))

    def on_device(self, to, pointer, size):
        self.queue(lambda: ctypes.memmove(to, pointer, size))

    def zero(self, pointer, size):
        self.queue(lambda: ctypes.memset(pointer, 0, size))

    def synchronize(self):
        self._check()
        while self._queue:
            self._queue.pop(0)()

    def queue(self, work):
        self._check()
        self._queue.append(work)

    def _check(self):
        assert self._users, "the context is not current"
        assert set(self._users) == {get_ident()}, "two threads use the GPU at once"


class HostEngine:
    """What the runtime uses of TensorRT's engine.

    Args:
        path: The graph's ONNX file.
        record: The graph's inputs and outputs.
        profiles: As the manifest has them.
        device: Whose stream it runs on.

    Attributes:
        fails: Whether its runs fail.
        started: Profiles of its contexts, in the order in which they were chosen.
    """

    def __init__(self, path, record, profiles, device):
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.record, self.profiles, self.device = record, profiles, device
        self.num_optimization_profiles = len(profiles)
        self.fails = False
        self.started = []

    def get_tensor_profile_shape(self, name, index):
        return self.profiles[index][name]

    def create_execution_context(self):
        return HostContext(self)


class HostContext:
    def __init__(self, engine):
        self._engine = engine
        self._shapes, self._addresses = {}, {}
        self._profile = None

    def set_optimization_profile_async(self, index, stream):
        assert stream == STREAM
        self._profile = index
        self._engine.started.append(index)
        return True

    def set_input_shape(self, name, shape):
        least, _, most = self._engine.profiles[self._profile][name]
        self._shapes[name] = tuple(shape)
        return all(low <= size <= high for low, size, high in zip(least, shape, most, strict=True))

    def get_tensor_shape(self, name):
        sizes = {
            named: size
            for tensor, shape in self._shapes.items()
            for named, size in zip(self._engine.record.inputs[tensor].shape, shape, strict=True)
        }
        return tuple(sizes.get(size, size) for size in self._engine.record.outputs[name].shape)

    def set_tensor_address(self, name, pointer):
        assert pointer % ALIGNMENT == 0, f"{name} is not aligned"
        self._addresses[name] = pointer
        return True

    def execute_async_v3(self, stream):
        assert stream == STREAM
        if self._engine.fails:
            return False
        addresses = dict(self._addresses)
        shapes = {name: self.get_tensor_shape(name) for name in self._engine.record.outputs} | self._shapes
        self._engine.device.queue(lambda: self._compute(addresses, shapes))
        return True

    def _compute(self, addresses, shapes):
        record = self._engine.record

        def tensor(name, dtype):
            size = int(np.prod(shapes[name])) * np.dtype(dtype).itemsize
            memory = (ctypes.c_uint8 * size).from_address(addresses[name])
            return np.frombuffer(memory, dtype).reshape(shapes[name])

        feed = {name: tensor(name, each.dtype).copy() for name, each in record.inputs.items()}
        names = list(record.outputs)
        for name, values in zip(names, self._engine.session.run(names, feed), strict=True):
            tensor(name, record.outputs[name].dtype)[...] = values
