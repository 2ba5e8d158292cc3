"""Execution of a bundle's TensorRT engines, with TensorRT or TensorRT-RTX, on NVIDIA GPUs.

TensorRT and the CUDA binding are imported at first use.
"""
