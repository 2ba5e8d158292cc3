"""A server that speaks Triton's protocol and runs a model repository with ONNX Runtime, as its configuration says."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import onnxruntime
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype


def read_config(folder):
    """The configuration of a model, parsed with Triton's schema."""
    return text_format.Parse((Path(folder) / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())


def numpy_dtype(data_type):
    """NumPy's type for a number of Triton's enumeration."""
    return np.dtype(triton_to_np_dtype(model_config_pb2.DataType.Name(data_type).removeprefix("TYPE_")))


@contextmanager
def serving(repository):
    """Serve a repository on a free loopback port; yields the address."""
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(_Service(repository), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class _Service(service_pb2_grpc.GRPCInferenceServiceServicer):
    def __init__(self, repository):
        self._models = {folder.name: _Model(folder) for folder in Path(repository).iterdir()}

    def ModelConfig(self, request, context):
        return service_pb2.ModelConfigResponse(config=self._models[request.name].config)

    def ModelInfer(self, request, context):
        inputs = {
            tensor.name: np.frombuffer(raw, triton_to_np_dtype(tensor.datatype)).reshape(tensor.shape)
            for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        try:
            outputs = self._models[request.model_name].infer(inputs, request.parameters)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = service_pb2.ModelInferResponse(model_name=request.model_name, model_version="1")
        for name, array in outputs.items():
            response.outputs.add(name=name, datatype=np_to_triton_dtype(array.dtype), shape=array.shape)
            response.raw_output_contents.append(array.tobytes())
        return response


class _Model:
    def __init__(self, folder):
        self.config = read_config(folder)
        self._session = onnxruntime.InferenceSession(folder / "1" / "model.onnx", providers=["CPUExecutionProvider"])
        self._sequences = {}

    def infer(self, inputs, parameters):
        self._check(inputs)
        outputs = [output.name for output in self.config.output]
        if not self.config.HasField("sequence_batching"):
            return dict(zip(outputs, self._session.run(outputs, inputs), strict=True))

        states = self.config.sequence_batching.state
        sequence = parameters["sequence_id"].int64_param
        if parameters["sequence_start"].bool_param:
            self._sequences[sequence] = {
                state.input_name: np.zeros((1, *state.initial_state[0].dims), numpy_dtype(state.data_type))
                for state in states
                if state.initial_state[0].zero_data
            }
        if sequence not in self._sequences:
            raise ValueError("the first request of a sequence must specify the START flag")
        # Triton pairs the two names of a state by their order, not by the configuration.
        before, after = sorted(s.input_name for s in states), sorted(s.output_name for s in states)
        results = self._session.run(outputs + after, inputs | self._sequences[sequence])
        self._sequences[sequence] = dict(zip(before, results[len(outputs) :], strict=True))
        if parameters["sequence_end"].bool_param:
            del self._sequences[sequence]
        return dict(zip(outputs, results, strict=False))

    def _check(self, inputs):
        """Refuse what Triton refuses: other inputs, types and sizes than the configuration's, and too large a batch."""
        if set(inputs) != {tensor.name for tensor in self.config.input}:
            raise ValueError(f"unexpected inputs {set(inputs)}")
        most = 1 if self.config.HasField("sequence_batching") else self.config.max_batch_size
        for tensor in self.config.input:
            batch, *sizes = inputs[tensor.name].shape
            fits = [wanted in (-1, size) for wanted, size in zip(tensor.dims, sizes, strict=True)]
            if not all(fits) or inputs[tensor.name].dtype != numpy_dtype(tensor.data_type) or batch > most:
                raise ValueError(f"unexpected shape {(batch, *sizes)} or type of {tensor.name}")
