"""The least that classifies one picture: what a careful person would write with Pillow, numpy and LiteRT."""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

interpreter = Interpreter(model_path=sys.argv[1], num_threads=2)
interpreter.allocate_tensors()
image = Image.open(sys.argv[2]).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.asarray(image)[np.newaxis])
interpreter.invoke()
output = interpreter.get_output_details()[0]
scale, zero_point = output["quantization"]
logits = (interpreter.get_tensor(output["index"])[0].astype(float) - zero_point) * scale
print("fracture" if logits[1] >= logits[0] else "normal", 1 / (1 + np.exp(logits[0] - logits[1])))
