"""What a careful person would write for many slices, one by one: Pillow or pydicom, numpy, LiteRT with two threads."""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

CENTER, WIDTH = 400, 1800

interpreter = Interpreter(model_path=sys.argv[1], num_threads=2)
interpreter.allocate_tensors()
entry = interpreter.get_input_details()[0]["index"]
output = interpreter.get_output_details()[0]
scale, zero_point = output["quantization"]
for path in sorted(path for path in Path(sys.argv[2]).rglob("*") if path.suffix in (".png", ".dcm")):
    if path.suffix == ".dcm":
        import pydicom

        dataset = pydicom.dcmread(path)
        hu = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        grey = np.clip((hu - (CENTER - WIDTH / 2)) / WIDTH * 255, 0, 255).astype(np.uint8)
        image = Image.fromarray(grey).convert("RGB")
    else:
        image = Image.open(path).convert("RGB")
    image = image.resize((224, 224), Image.Resampling.BILINEAR)
    interpreter.set_tensor(entry, np.asarray(image)[np.newaxis])
    interpreter.invoke()
    logits = (interpreter.get_tensor(output["index"])[0].astype(float) - zero_point) * scale
    print(path, "fracture" if logits[1] >= logits[0] else "normal", 1 / (1 + np.exp(logits[0] - logits[1])))
