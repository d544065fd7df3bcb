"""What the layers of an exported file are called."""

from __future__ import annotations

import pytest

from cspine_edge.layer_pairs import layer_name


@pytest.mark.parametrize(
    ("operation", "tensor", "name"),
    [
        ("CONV_2D", "net/quant_conv1/Relu6;net/quant_conv1/BiasAdd;net/quant_conv1/Conv2D", "conv1"),
        ("CONV_2D", "densenet/block1/conv/Relu;densenet/block1/conv/Conv2D1", "block1/conv"),
        ("FULLY_CONNECTED", "net/norm/BiasAdd;net/head/MatMul;net/head/BiasAdd", "head"),
        ("MEAN", "net/quant_reshape/Reshape;net/quant_pool/FakeQuantWithMinMaxVars;;net/quant_pool/Mean", "pool"),
        ("ADD", "net/conv/BiasAdd/ReadVariableOp1;net/sum/add", "sum"),
        ("ADD", "StatefulPartitionedCall:0", None),
        ("SOFTMAX", "Softmax", None),
    ],
)  # fmt: skip
def test_names_of_layers(operation: str, tensor: str, name: str | None) -> None:
    assert layer_name(operation, tensor) == name
