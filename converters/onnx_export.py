"""A trained network to ONNX with its contract inside, for boards that run TensorRT.

tf2onnx converts the folded network; the input becomes NCHW, as TensorRT's samples and DeepStream have it. TensorRT
makes float16 of the float file itself. For int8 it wants explicit quantisation: Q/DQ pairs with zero point 0
before each convolution and on its weights, none on biases and none between a convolution and its activation, so
that the two fuse. TFLite's int8 has zero points, so its scales do not serve; ONNX Runtime's quantizer takes ranges
from the calibration set anew. What comes after the pooling stays in float: a thousandth of the work, and all of
the logits' resolution.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.representative import DEFAULT_SIZE
from cspine_edge.contract import LABELS_FILE, ONNX_SUFFIX, Outputs, Precision
from cspine_edge.errors import MissingExtraError, ModelError, UsageError, first_line
from cspine_edge.files import refuse_existing
from cspine_edge.model_file import ModelFile
from cspine_edge.native import native_messages_caught
from cspine_edge.preprocess import Preprocessing, replicate_channels
from cspine_edge.training.feed import load_part
from cspine_edge.training.framework import keras

from .contract_writer import LABELS_TEXT, describe_provenance, new_contract
from .operating_point import with_operating_point
from .source import Source, calibration_set, folded_network
from .tflite import serving

OPSET = 13
"""Of ONNX: the first whose Q/DQ pairs have a scale per channel, so that old TensorRTs read it too."""


def export_onnx(
    source: Source,
    precision: Precision,
    out: Path,
    *,
    calibration_size: int = DEFAULT_SIZE,
    seed: int = 0,
    overwrite: bool = False,
) -> ModelFile:
    """Export a network as ONNX with its contract in the metadata.

    Threshold, temperature and abstention are chosen on the margins that the file gives in ONNX Runtime over the
    validation part; without one it decides at equal logits.

    Parameters
    ----------
    source
        The network.
    precision
        ``float32`` or ``int8``.
    out
        The ``.onnx`` file to write.
    calibration_size, seed
        Slices in the calibration set of ``int8``, and its seed.
    overwrite
        Replace an existing file.

    Raises
    ------
    MissingExtraError
        If the ``onnx`` extra is not installed.
    OutputError
        If ``out`` exists and ``overwrite`` is false.
    UsageError
        If ``out`` is not named ``.onnx``, the precision is another, or needs data and none is known.
    ModelError
        If the network cannot be converted.
    """
    if out.suffix.lower() != ONNX_SUFFIX:
        raise UsageError(
            f"{out}: an ONNX model is told by its suffix; give a name that ends in {ONNX_SUFFIX}"
        )
    if precision not in (Precision.FLOAT32, Precision.INT8):
        raise UsageError(f"ONNX is exported as float32 or int8, not as {precision.value}")
    refuse_existing(out, overwrite=overwrite)
    network = folded_network(source)
    graph, calibration = float_graph(network, source.spec), None
    if precision is Precision.INT8:
        calibration, _, images = calibration_set(source, precision, size=calibration_size, seed=seed)
        graph = _quantised_graph(graph, images, source.spec)
    provenance = describe_provenance(source.run, source.path, precision, source.data, calibration, out)
    contract = new_contract(source.spec, _output_positions(graph), provenance)
    file = ModelFile(out, graph, contract, {LABELS_FILE: LABELS_TEXT.encode()})
    if source.run and source.validation:
        validation = load_part(source.validation, source.spec)
        file = with_operating_point(file, source.run, source.validation, validation.images)
    if calibration is not None:
        calibration.save(out.with_name(f"{out.name}.calibration.json"), overwrite=True)
    return file.save(out, overwrite=overwrite)  # last: where it lies, its manifest does


def float_graph(model: keras.Model, spec: Preprocessing) -> bytes:
    """Convert a folded network that gives logits.

    Returns
    -------
    bytes
        ONNX model with input ``image``, float32, (1, channels, height, width), and outputs ``logits`` and
        ``probability``, float32, (1, 2).
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise MissingExtraError("export to ONNX", "onnx") from error
    serve = serving(model, spec)
    try:
        with _quiet(), native_messages_caught():
            converted, _ = tf2onnx.convert.from_function(
                serve, input_signature=serve.input_signature, opset=OPSET, inputs_as_nchw=["image"]
            )
    except Exception as error:  # tf2onnx raises what it likes
        raise ModelError(model.name, f"tf2onnx refuses it ({first_line(error)})") from error
    return bytes(converted.SerializeToString())


def _quantised_graph(graph: bytes, images: npt.NDArray[np.uint8], spec: Preprocessing) -> bytes:
    """Put symmetric Q/DQ pairs into a float model, ranges from the least and largest values over images.

    Parameters
    ----------
    graph
        As :func:`float_graph` gives it.
    images
        Calibration images, shape (n, height, width), uint8.
    spec
        The preprocessing.
    """
    import onnx
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._inputs = _inputs(images, spec)

        def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
            return next(self._inputs, None)

    with tempfile.TemporaryDirectory() as folder, _quiet():
        out = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            onnx.load_model_from_string(graph),
            out,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=_after_pooling(graph),
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "AddQDQPairToWeight": True,
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": ["Conv"],
            },
        )
        model = onnx.load(out)
    del model.metadata_props[:]  # the quantizer's own; ours are to be the only ones
    return bytes(model.SerializeToString())


def _inputs(
    images: npt.NDArray[np.uint8], spec: Preprocessing
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    table = spec.real_values()
    for grey in images:
        image = table[replicate_channels(grey, spec.channels)]
        yield {"image": np.ascontiguousarray(image.transpose(2, 0, 1))[np.newaxis]}


def _after_pooling(graph: bytes) -> list[str]:
    """Names of the convolutions whose output is one pixel."""
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    shapes = {value.name: value.type.tensor_type.shape.dim for value in model.graph.value_info}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and all(side.dim_value == 1 for side in shapes[node.output[0]][2:])
    ]


def _output_positions(graph: bytes) -> Outputs:
    import onnx

    names = [output.name for output in onnx.load_model_from_string(graph).graph.output]
    return Outputs(logits=names.index("logits"), probability=names.index("probability"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress and advice that both libraries log."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
