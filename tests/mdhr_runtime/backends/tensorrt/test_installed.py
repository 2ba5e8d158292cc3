"""What the driver says of the GPU, with a library that stands in for NVIDIA's."""

FIND = "from mdhr_runtime.backends.tensorrt.installed import find_gpu; print(find_gpu())"


def test_the_driver_names_the_gpu(driver, run):
    assert run(FIND, driver).stdout.strip() == "Stand-in GPU (14 multiprocessors, compute capability 8.7)"


def test_a_driver_without_a_gpu_has_none(driver, run):
    assert run(FIND, driver, CUDA_STAND_IN_FAILS="cuInit").stdout.strip() == "None"
